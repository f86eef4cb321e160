"""What happened to a thing, as lines, the newest first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, fit_line, line_width, wrap
from kvmtui.console.present.topline import clock
from kvmtui.console.present.values import SEVERITY_ROLES
from kvmtui.text import duration, width

if TYPE_CHECKING:
    from kvmtui.model.timeline import Entry, Timeline

SEVERITIES = (("·", ""), ("•", "notice"), ("▲", "warning"), ("✗", "serious"), ("✗", "critical"))
"""Glyph and word by severity, 0 to 4."""
_WORD = max(len(word) for _, word in SEVERITIES) + 2
_SOURCE = 6
_ROOM_LEAST = 24
"""Cells below which the words of an entry stand below its time."""


def timeline_lines(timeline: Timeline, name: str, now: float, cells: int) -> list[Line]:
    """Return the lines; ``name`` is what they are about: where it is meant, it is not named again."""
    lines: list[Line] = []
    if timeline.journal:
        lines += [
            (Span(f" {line}", "warn"),) for line in wrap(f"without tasks and audit: {timeline.journal}", cells - 2)
        ]
    day = ""
    for entry in timeline.entries:
        if (its := time.strftime("%a %Y-%m-%d", time.localtime(entry.at))) != day:
            lines.append(_rule(day := its, cells))
        lines += _entry(entry, name, now, cells)
    lines.append(())
    lines += [(Span(f" {line}", "faint"),) for line in wrap(_bounds(timeline), cells - 2)]
    return lines


def watched(timeline: Timeline) -> str:
    """Return since when events are told: "events since 09:14:02Z", with the day where it is another one."""
    at = timeline.events_since
    day = time.strftime("%Y-%m-%d ", time.localtime(at))
    return f"events since {'' if time.strftime('%Y-%m-%d ', time.localtime(timeline.now)) == day else day}{clock(at)}"


def _bounds(timeline: Timeline) -> str:
    older = "" if timeline.is_whole else " · what is older is left out here"
    journal = "" if timeline.journal else "; tasks and audit from the journal"
    return f"{watched(timeline)}{journal}{older}"


def _rule(day: str, cells: int) -> Line:
    head = f" ── {day} "
    return fit_line((Span(head, "title"), Span("─" * (cells - width(head)), "faint")), cells)


def _entry(entry: Entry, name: str, now: float, cells: int) -> list[Line]:
    severity = max(0, min(entry.severity, 4))
    glyph, word = SEVERITIES[severity]
    role = SEVERITY_ROLES[severity]
    head: Line = (
        Span(f" {clock(entry.at)}"),
        Span(f" {duration(now - entry.at):>4} ", "faint"),
        Span(f"{glyph} {word}".ljust(_WORD) + " ", role),
        Span(entry.source.value.ljust(_SOURCE), "faint"),
    )
    about = entry.name if entry.name not in {"", name} else ""
    if about and entry.host not in {"", about, name}:
        about += f" {entry.host}"
    said = " · ".join(part for part in (f"{about}: {entry.text}" if about else entry.text, _by(entry)) if part)
    used = line_width(head)
    if cells - used >= _ROOM_LEAST:
        first, *rest = wrap(said, cells - used - 1)
        return [(*head, Span(first, role)), *((Span(" " * used), Span(line, role)) for line in rest)]
    return [head, *((Span("   "), Span(line, role)) for line in wrap(said, max(10, cells - 4)))]


def _by(entry: Entry) -> str:
    return f"by {entry.who}" if entry.who and width(entry.who) else ""
