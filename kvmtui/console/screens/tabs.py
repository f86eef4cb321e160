"""Pages about one thing, with tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kvmtui.console.present import facts
from kvmtui.console.present.cells import Line, Span, fit_line, line_width
from kvmtui.console.screens.reading import ReadingPage

if TYPE_CHECKING:
    from kvmtui.console.listing import Listing
    from kvmtui.console.present.values import Values
    from kvmtui.wire.messages import Rows

_NAME_LEAST = 12
"""Cells that the name of what a page is about has in the title, whatever else there is to say."""
_BETWEEN = 4
"""Cells between two parts of a title."""


class TabbedPage(ReadingPage):
    """Base of the details."""

    contexts: tuple[str, ...] = ("list", "text", "detail")
    tabs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tab: str) -> None:
        super().__init__()
        self.tab = tab
        self.values: Values = {}
        """The row that the page is about, as it was last told."""
        self._is_gone = False

    def tick(self) -> None:
        self.text.repaint()

    def follow(self, listing: Listing, rows: Rows) -> None:
        """Take a message about the window whose only row the page is about."""
        listing.take(rows)
        held = listing.row(0)
        if held is not None:
            self.values = held.values
        self._is_gone = not listing.matched
        self.text.repaint()

    def title_with_tabs(self, named: Line, *others: Line) -> list[Line]:
        """Return what the title says: what the page is about, how that stands, the tabs in what room is left."""
        room = self.text.title_room
        first = max(_NAME_LEAST, room - sum(line_width(line) + _BETWEEN for line in others))
        if line_width(named) > first:
            named = fit_line(named, first)
        said = [named, *others]
        left = room - sum(line_width(line) + _BETWEEN for line in said)
        return [*said, facts.tabs(self.tabs, self.tab, left)]

    def standing(self, span: Span) -> Span:
        """Return how the thing stands, or that there is no such thing any more: the rest is the last that was known."""
        return Span("no longer there: the last that was known", "warn") if self._is_gone else span

    def do_next_tab(self) -> None:
        self._turn(1)

    def do_previous_tab(self) -> None:
        self._turn(-1)

    def _turn(self, step: int) -> None:
        self.show_tab(self.tabs[(self.tabs.index(self.tab) + step) % len(self.tabs)])

    def show_tab(self, tab: str) -> None:
        """Show a tab from its beginning."""
        self.tab = tab
        self.text.top = 0
        self.text.repaint()
