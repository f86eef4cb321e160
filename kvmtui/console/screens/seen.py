"""The tab that shows what was seen to happen to a VM or a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.listing import Listing
from kvmtui.console.present import events
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.columns import header, place
from kvmtui.wire.messages import OpenWindow, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kvmtui.console.app import Console
    from kvmtui.wire.messages import Rows

_EVENTS = 200
"""Most that are shown, the newest."""


class SeenEvents:
    """A window on the events of one thing, and its lines."""

    def __init__(self, console: Console, text: str, changed: Callable[[], None], *, without: Collection[str]) -> None:
        """``text`` is the filter; ``changed`` is told of news; the columns ``without`` would say the same each time."""
        self._console = console
        self._filter = text
        self._changed = changed
        self._columns = [column for column in events.SHOWN if column.id not in without]
        self._window = console.new_window()
        self._listing = Listing("events", events.ASKED, sort="at")

    def open(self) -> None:
        """Begin to follow them."""
        self._console.takers[self._window] = self._take
        query = Query(resource="events", filter=self._filter, columns=events.ASKED, sort="at", count=_EVENTS)
        self._console.feed.open(OpenWindow(window=self._window, query=query))

    def close(self) -> None:
        """Follow them no longer."""
        self._console.takers.pop(self._window, None)
        self._console.feed.close(self._window)

    def _take(self, rows: Rows) -> None:
        self._listing.take(rows)
        self._changed()

    def lines(self, width: int, now: float) -> list[Line]:
        """Return them as a table, the newest first."""
        if not self._listing.matched:
            key = self._console.keymap.key_of("detail.history")
            says = "nothing was seen to happen to it" if self._listing.is_answered else "reading…"
            return [(), (Span(f"  {says}; {key} tells since when it is watched", "faint"),)]
        placed = place(self._columns, max(1, width - 3))
        lines: list[Line] = [(Span("   " + header(placed, "at", descending=False), "faint"),)]
        for index in self._listing.held_indexes():
            held = self._listing.row(index)
            if held is not None:
                glyph, line = events.row(placed, held.values, max(0, width - 3), now)
                lines.append((Span(" "), glyph, Span(" "), *line))
        return lines
