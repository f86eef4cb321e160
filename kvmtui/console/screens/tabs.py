"""Pages about one thing, with tabs."""

from __future__ import annotations

from typing import ClassVar

from kvmtui.console.screens.reading import ReadingPage


class TabbedPage(ReadingPage):
    """Base of the details."""

    contexts: tuple[str, ...] = ("list", "text", "detail")
    tabs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tab: str) -> None:
        super().__init__()
        self.tab = tab

    def tick(self) -> None:
        self.text.repaint()

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
