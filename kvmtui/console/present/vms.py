"""A VM's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.rows import compose, words_at
from kvmtui.console.present.values import Values, cells, is_stale, severity_role
from kvmtui.model.columns import VM_COLUMNS
from kvmtui.model.vm import VmState
from kvmtui.text import duration, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in VM_COLUMNS if c.id != "seen")
"""Columns a table of VMs may show: the age of a row is said in words, where it matters."""
ASKED = tuple(c.id for c in VM_COLUMNS if c.id not in {"uuid", "persistent"})
"""Columns asked for, whatever the width: a terminal that grows has them at hand."""

GLYPHS = {
    VmState.RUNNING: "•",
    VmState.PAUSED: "‖",
    VmState.IN_SHUTDOWN: "↓",
    VmState.OFF: "◦",
    VmState.SAVED: "≡",
    VmState.CRASHED: "✗",
    VmState.SUSPENDED: "z",
    VmState.UNKNOWN: "?",
}
_ROLES = {
    VmState.RUNNING: "good",
    VmState.PAUSED: "warn",
    VmState.IN_SHUTDOWN: "notice",
    VmState.OFF: "faint",
    VmState.SAVED: "faint",
    VmState.CRASHED: "bad",
    VmState.SUSPENDED: "notice",
    VmState.UNKNOWN: "unknown",
}
_LOUD = frozenset({VmState.PAUSED, VmState.CRASHED})
_FIGURES = frozenset({VmState.RUNNING, VmState.IN_SHUTDOWN})


def state_of(values: Values) -> VmState:
    """Return the state of a row; UNKNOWN if its word is none of ours."""
    try:
        return VmState(str(values.get("state")))
    except ValueError:
        return VmState.UNKNOWN


def state_word(state: VmState) -> str:
    """Return the word of a state, in capitals where somebody should look."""
    return state.value.upper() if state in _LOUD else state.value


def state_span(state: VmState) -> Span:
    """Return glyph and word of a state."""
    return Span(f"{GLYPHS[state]} {state_word(state)}", _ROLES[state])


def words_of(values: Values, now: float) -> str:
    """Return what is to be said of a VM in words: the act under way, what it was, what is wrong; "" if nothing is."""
    said: list[str] = []
    if job := values.get("job"):
        said.append(f"⟳ {VERBS[job].title if job in VERBS else job}")
    if state_of(values) is VmState.UNKNOWN:
        was, since = values.get("was"), values.get("since")
        ago = f" {duration(now - since)} ago" if since is not None else ""
        said.append(f"? was {was}{ago}" if was else "? nothing heard yet")
    elif trouble := values.get("trouble"):
        said.append(trouble)
    elif (seen := values.get("seen")) is not None:
        said.append(f"last seen {duration(now - seen)} ago")
    elif state_of(values) is VmState.PAUSED and (reason := values.get("state_reason")):
        said.append(f"reason: {reason}")
    return " · ".join(said)


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a VM and its row in exactly ``total`` cells."""
    state = state_of(values)
    wrong = severity_role(values)
    job = bool(values.get("job"))
    if state is VmState.UNKNOWN and wrong != "bad":
        wrong = "unknown"
    marked = "accent" if job else wrong if wrong != "text" else _ROLES[state]
    glyph = Span("⟳" if job else GLYPHS[state], marked)
    texts = cells(placed, values, now)
    stale = is_stale(values, now)
    base = "faint" if state in {VmState.OFF, VmState.SAVED, VmState.UNKNOWN} else "text"
    # state, since and words of a row that is loud are of one colour: to be seen, and cheap to send
    told = marked if state in _LOUD else base
    roles: list[str] = []
    for index, (column, _, width) in enumerate(placed):
        if column.id == "state":
            texts[index] = texts[index] if state not in _LOUD else fit(state_word(state), width)
            roles.append(told if state in _LOUD or state is VmState.RUNNING else _ROLES[state])
        elif column.id == "since":
            roles.append(told)
        elif column.id in {"name", "host"}:
            roles.append(base)
        else:
            roles.append("faint" if stale else base)
    said = words_of(values, now)
    words = None
    if said:
        role = "accent" if job else wrong if wrong != "text" else "notice"
        after = "host" if state is VmState.UNKNOWN else "since"
        keep = ("cpu_pct", "cores", "steal_pct", "mem_pct") if state in _FIGURES else ()
        if state is not VmState.UNKNOWN and all(p.column.id != "since" for p in placed):
            after = "state"
        words = words_at(said, role, placed, total, after=after, keep=keep)
    return glyph, compose(placed, [(Span(*cell),) for cell in zip(texts, roles, strict=True)], total, words)
