"""Pages that are read: one text over the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.frame import WIDE, whole
from kvmtui.console.screens.page import Page
from kvmtui.console.widgets.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from kvmtui.console.present.cells import Line
    from kvmtui.console.present.frame import Box
    from kvmtui.console.widgets.painted import Painted


class ReadingPage(Page):
    """Base of pages that are one text."""

    contexts: tuple[str, ...] = ("list",)

    def __init__(self) -> None:
        super().__init__()
        self.text = Text("text", self.make, self.titles)

    def make(self, width: int, height: int) -> Sequence[Line]:
        """Return the text for so many cells; ``height`` is how many lines of it are seen at once."""
        raise NotImplementedError

    def titles(self) -> list[Line]:
        """Return what the title says."""
        raise NotImplementedError

    def body(self) -> Iterable[Painted]:
        return [self.text]

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        self.text.look(framed=width >= WIDE, focused=True)
        return {self.text: whole(width, height)}

    def fleet_changed(self) -> None:
        self.text.repaint()

    def do_down(self) -> None:
        self.text.move(1)

    def do_up(self) -> None:
        self.text.move(-1)

    def do_first(self) -> None:
        self.text.go(0)

    def do_last(self) -> None:
        self.text.go_last()

    def do_half_down(self) -> None:
        self.text.move(max(1, self.text.inner_height // 2))

    def do_half_up(self) -> None:
        self.text.move(-max(1, self.text.inner_height // 2))

    def do_page_down(self) -> None:
        self.text.move(self.text.inner_height)

    def do_page_up(self) -> None:
        self.text.move(-self.text.inner_height)
