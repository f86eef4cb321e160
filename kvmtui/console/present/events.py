"""An event's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.rows import Words, compose
from kvmtui.console.present.values import Values, cells, severity_role
from kvmtui.model.columns import EVENT_COLUMNS
from kvmtui.model.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = EVENT_COLUMNS
ASKED = tuple(c.id for c in EVENT_COLUMNS)

GLYPHS = {
    EventKind.STARTED: "•",
    EventKind.STOPPED: "◦",
    EventKind.SAVED: "≡",
    EventKind.PAUSED: "‖",
    EventKind.RESUMED: "•",
    EventKind.SHUTDOWN: "↓",
    EventKind.SUSPENDED: "z",
    EventKind.CRASHED: "✗",
    EventKind.REBOOTED: "↑",
    EventKind.MOVED: "→",
    EventKind.IOERROR: "✗",
    EventKind.WATCHDOG: "✗",
    EventKind.DEFINED: "+",
    EventKind.UNDEFINED: "–",
    EventKind.APPEARED: "+",
    EventKind.VANISHED: "–",
    EventKind.LINK_UP: "✓",
    EventKind.LINK_LOST: "✗",
    EventKind.NEEDS_YOU: "▲",
    EventKind.NO_LIBVIRT: "✗",
    EventKind.TROUBLE: "▲",
    EventKind.OVER: "✓",
    EventKind.WATCHING: "…",
}
_GOOD = frozenset({EventKind.STARTED, EventKind.RESUMED, EventKind.LINK_UP, EventKind.OVER})
_FAINT = frozenset({"at", "host"})
"""Columns that are not what one looks for."""


def kind_of(values: Values) -> EventKind | None:
    """Return the kind of a row; None if its word is none of ours."""
    try:
        return EventKind(str(values.get("kind")))
    except ValueError:
        return None


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of an event and its row in exactly ``total`` cells."""
    kind, role = kind_of(values), severity_role(values)
    drawn = []
    for (column, _, _), text in zip(placed, cells(placed, values, now), strict=True):
        drawn.append((Span(text, "faint" if column.id in _FAINT else role),))
    words = None
    if placed and placed[-1].column.id == "text":
        words = Words(str(values.get("text") or ""), role, placed[-1].x)  # as far as the line goes
    marked = "good" if role == "text" and kind in _GOOD else role
    return Span(GLYPHS[kind] if kind is not None else "·", marked), compose(placed, drawn, total, words)
