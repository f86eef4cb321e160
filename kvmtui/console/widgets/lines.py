"""The lines that every page has: first, last, what lies over the rest for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kvmtui.console.present.cells import Line, fit_line
from kvmtui.console.present.footer import footer
from kvmtui.console.present.topline import topline
from kvmtui.console.widgets.painted import Painted, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.geometry import Region, Size
    from textual.strip import Strip

    from kvmtui.console.keys import Action


class TopLine(Painted):
    """The fleet at a glance."""

    ground: ClassVar[str] = "bar"

    def parts(self, y: int) -> Sequence[Part]:
        return [("bar", topline(self.console.top_state(), self.extent.width))]


class Footer(Painted):
    """The keys that matter."""

    ground: ClassVar[str] = "bar"

    def __init__(self) -> None:
        super().__init__()
        self._actions: tuple[Action, ...] = ()
        self._words: dict[str, str] = {}

    def show(self, actions: Iterable[Action], words: dict[str, str]) -> None:
        """Show these keys; ``words`` are other words for some of them."""
        self._actions, self._words = tuple(actions), words
        self.repaint()

    def parts(self, y: int) -> Sequence[Part]:
        return [("bar", footer(self._actions, self.extent.width, self._words))]


class Foot(Painted):
    """What is said under a table."""

    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        """``lines`` gives what to say, for a width."""
        super().__init__()
        self._make = lines
        self._lines: list[Line] = []

    def prepare(self, size: Size) -> None:
        self._lines = self._make(size.width)

    def parts(self, y: int) -> Sequence[Part]:
        line: Line = self._lines[y] if y < len(self._lines) else ()
        return [("base", fit_line(line, self.extent.width))]


class Overlay(Painted):
    """Menus, questions and messages, over the lower part of a page."""

    ground: ClassVar[str] = "sheet"
    is_steady: ClassVar[bool] = False

    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        """``lines`` gives what to show, for a width."""
        super().__init__()
        self._make = lines
        self._lines: list[Line] = []
        self.is_rendered = False
        """Lines were handed out since somebody last looked."""

    def render_lines(self, crop: Region) -> list[Strip]:
        self.is_rendered = True
        return super().render_lines(crop)

    def prepare(self, size: Size) -> None:
        self._lines = self._make(size.width)[-size.height :] if size.height else []

    def parts(self, y: int) -> Sequence[Part]:
        line: Line = self._lines[y] if y < len(self._lines) else ()
        return [("sheet", fit_line(line, self.extent.width))]
