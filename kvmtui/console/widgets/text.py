"""A text that can be scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.geometry import Size

    from kvmtui.console.widgets.painted import Part


class Text(Pane):
    """Lines in a pane, of which the terminal shows some. ``make`` gives them for a width."""

    def __init__(self, name: str, make: Callable[[int, int], Sequence[Line]], titles: Callable[[], list[Line]]) -> None:
        """``make`` is given the cells and lines there are inside; ``titles`` gives the title."""
        super().__init__(0, name)
        self.has_focus_of_keys = True
        self.top = 0
        self._make = make
        self._titles = titles
        self._lines: Sequence[Line] = ()

    def prepare(self, size: Size) -> None:
        self._lines = self._make(self.inner_width, self.inner_height)
        self.top = max(0, min(self.top, len(self._lines) - self.inner_height))

    def titles(self) -> list[Line]:
        return self._titles()

    def inner(self, y: int, width: int) -> Sequence[Part]:
        at = self.top + y
        line: Line = self._lines[at] if at < len(self._lines) else (Span(""),)
        return [("base", fit_line(line, width))]

    def thumb(self) -> range:
        height, total = self.inner_height, len(self._lines)
        if total <= height or not height:
            return range(0)
        lines = max(1, height * height // total)
        start = (height - lines) * self.top // max(1, total - height)
        return range(start, start + lines)

    def move(self, lines: int) -> None:
        """Scroll."""
        self.go(self.top + lines)

    def go(self, top: int) -> None:
        """Scroll to a line."""
        self.top = max(0, min(top, len(self._lines) - self.inner_height))
        self.repaint()

    def go_last(self) -> None:
        """Scroll to the end."""
        self.go(len(self._lines))
