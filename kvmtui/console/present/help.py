"""The help, made from the keys, the verbs, the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.keys import CONTEXTS, spelled
from kvmtui.console.present import events, hosts, jobs, vms
from kvmtui.console.present.cells import Line, Span, line_width, wrap
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.present.topline import WORDS
from kvmtui.model.checks import CHECKS
from kvmtui.model.columns import COLUMNS, Kind
from kvmtui.model.event import EventKind
from kvmtui.model.vm import VmState
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.console.keys import Keymap

_UNITS = {
    Kind.PCT: "%",
    Kind.BYTES: "bytes, K M G of 1024",
    Kind.BPS: "bytes a second, K M G of 1024",
    Kind.MS: "ms",
    Kind.TIME: "age: s m h d y",
    Kind.COUNT: "number",
    Kind.NUMBER: "number",
}
_FILTER = (
    ("web", "the name contains it"),
    ("host:kvm1,kvm2", "is one of these; * and ? are wild"),
    ("name~web", "contains it"),
    ("cpu_pct>80", "a figure compares: > >= < <="),
    ("!tag:test", "not; what is unknown stays unknown"),
    ("a or (b c)", "either, and brackets; words side by side must all hold"),
)
_SURROUNDINGS = (
    ("keys.yaml", "in $XDG_CONFIG_HOME/kvmtui: keys of your own, by the names at the right; main.zoom: [f, f5]"),
    ("KVMTUI_THEME", "dark, light, colour-blind-safe, ansi-16, mono, or one in $XDG_CONFIG_HOME/kvmtui/themes"),
    ("NO_COLOR", "no colour at all; every state is a word and a glyph"),
    ("LANG, LC_ALL", "where they are not UTF-8, lines, glyphs and graphs are ASCII"),
)
_FIRST_LINE = (
    ("RW  RO  RW 14m", "whether anything can be changed from here, or for how long (:rw 15m)"),
    ("hosts 11/12  h", "hosts that answer, of all"),
    ("vm", "VMs by state; where there is little room only those with a letter, by it:"),
    ("cpu  mem", "of all hosts that answer together"),
    ("▲ … 2m  +3", "the worst that is wrong, since when, and how much more is"),
    ("⟳ 12/37", "steps of tasks under way that have ended, of all"),
    ("✗ 2", "tasks of the last hour that failed, or whose outcome is unknown"),
    ("+1 here", "others who look at the same fleet through the same worker"),
)
_MEANT = {VmState.UNKNOWN: "whose state nobody knows now"}
_MARKS = (
    "● is a marked VM, ○ one in the range that is being drawn.",
    "– is a figure that nobody can honestly give.",
    "Grey figures are older than three polls.",
    "A graph's column shows the highest sample of its time; where it is empty, nothing was measured.",
)


def help_lines(
    width: int, keymap: Keymap, here: Sequence[str] = (), commands: Iterable[tuple[str, str]] = ()
) -> list[Line]:
    """Return the whole help for so many cells: what is in it, then the keys of the contexts ``here``, then the rest.

    ``commands`` are what can be typed behind ``:``, each with its help.
    """
    lines: list[Line] = []
    for context in dict.fromkeys((*(name for name in reversed(here) if name != "list"), *CONTEXTS)):
        lines += _section(f"Keys {CONTEXTS[context]}")
        for action in keymap.of(context):
            lines += _entry(" ".join(map(spelled, action.keys)) or "–", action.help, width)
            lines[-1:] = _with_name(lines[-1], action.name, width)
    lines += _section(f"Acts on a VM: {keymap.key_of('table.act')}, then")
    for verb in VERBS.values():
        says = f"{verb.help} It asks for the VM's name." if verb.destructive else verb.help
        lines += _entry(f"{verb.key}  {verb.title}", says, width)
    lines += _section(f"Commands: {keymap.key_of('everywhere.command')}, then")
    for command, meaning in commands:
        lines += _entry(command, meaning, width)
    lines += _section("Filter")
    lines += _entries(_FILTER, width)
    lines += _section("States")
    lines += _side_by_side((vms.state_span(state) for state in vms.GLYPHS), width)
    for glyphs in (
        (Span(f"{glyph} {link.value}", hosts.ROLES[link]) for link, glyph in hosts.GLYPHS.items()),
        (Span(f"{glyph} {level}", "warn") for level, (glyph, _) in hosts.LEVELS.items()),
        (Span(f"{glyph} {state.value}", jobs.ROLES[state]) for state, glyph in jobs.GLYPHS.items()),
    ):
        lines += _side_by_side(glyphs, width)
    for text in _MARKS:
        lines += [(Span(f"  {part}", "faint"),) for part in wrap(text, max(10, width - 3))]
    lines += _section("Events")
    lines += _entries(((f"{events.GLYPHS[kind]} {kind.value}", kind.help) for kind in EventKind), width)
    lines += _section("First line")
    lines += _entries(
        (*_FIRST_LINE, *((letter, f"VMs {_MEANT.get(state, state.value)}") for state, _, letter in WORDS if letter)),
        width,
    )
    lines += _section("Environment")
    lines += _entries(_SURROUNDINGS, width)
    lines += _section("What :findings looks for")
    lines += _entries(((check.id, check.help) for check in CHECKS.values()), width)
    nouns = {look.resource: look.noun for look in LOOKS.values()}
    for resource, columns in COLUMNS.items():
        lines += _section(f"Columns of {nouns.get(resource, resource)}")
        for column in columns:
            unit = f" [{_UNITS[column.kind]}]" if column.kind in _UNITS else ""
            names = column.title if column.title == column.id else f"{column.title}  {column.id}"
            lines += _entry(names, f"{column.help}{unit}", width)
    return [*_contents(lines, keymap, width), *lines]


def _contents(lines: Iterable[Line], keymap: Keymap, width: int) -> list[Line]:
    """Return what the sections of ``lines`` are about, each once, with how to get there."""
    titles = (span.text for line in lines for span in line if span.role == "title")
    names = dict.fromkeys(_short(title) for title in titles)
    says = f"{' · '.join(names)}  –  {keymap.key_of('text.find')} and one of these goes there"
    return [(Span(f" {part}", "faint"),) for part in wrap(says, max(10, width - 2))]


def _short(title: str) -> str:
    """Return the words of a section's title by which it is found: those that tell it from others of its sort."""
    words = title.casefold().split()
    return {"keys": "keys", "acts": "acts", "columns": "columns", "what": "findings"}.get(
        words[0], " ".join(words).partition(":")[0]
    )


def _section(title: str) -> list[Line]:
    return [(), (Span(f" {title}", "title"),)]


def _entries(entries: Iterable[tuple[str, str]], width: int) -> list[Line]:
    return [line for what, says in entries for line in _entry(what, says, width)]


def _entry(what: str, says: str, width: int) -> list[Line]:
    """Return what something means, beside it or below what is too long for its column."""
    label = min(26, max(8, width // 3))
    texts = [(Span(" " * (label + 3)), Span(text)) for text in wrap(says, max(10, width - label - 4))]
    if width_of(what) <= label:
        return [(Span(f"  {what}{' ' * (label - width_of(what))} ", "key"), texts[0][1]), *texts[1:]]
    return [*((Span(f"  {part}", "key"),) for part in wrap(what, max(10, width - 3))), *texts]


def _with_name(line: Line, name: str, width: int) -> list[Line]:
    """Return the last line of an entry, with the name of its action at the right edge, or below where it is full."""
    room = width - line_width(line) - 1
    if room > len(name) + 1:
        return [(*line, Span(f"{name:>{room}}", "faint"))]
    return [line, (Span(f"{name:>{max(0, width - 1)}}", "faint"),)]


def _side_by_side(spans: Iterable[Span], width: int) -> list[Line]:
    """Return words in as many lines as they need."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        if lines[-1] and line_width(lines[-1]) + width_of(span.text) + 4 > width:
            lines.append([])
        lines[-1] += [Span("   " if lines[-1] else "  "), span]
    return [tuple(line) for line in lines]
