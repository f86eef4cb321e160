"""A pane: a frame or a title, with something inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, fit_line, join, line_width
from kvmtui.console.present.frame import has_title
from kvmtui.console.widgets.painted import Painted, Part

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pane(Painted):
    """Base of the panes of a page; ``number`` is the key that leads to it, 0 if none does.

    ``framed`` draws lines around it; else its title is a line of its own.
    """

    def __init__(self, number: int, name: str) -> None:
        super().__init__(id=name)
        self.number = number
        self.framed = True
        self.has_focus_of_keys = False

    def titles(self) -> list[Line]:
        """Return what the title says, most important first; what does not fit is left out."""
        raise NotImplementedError

    def inner(self, y: int, width: int) -> Sequence[Part]:
        """Return line ``y`` of what is inside, in exactly ``width`` cells."""
        raise NotImplementedError

    def thumb(self) -> range:
        """Return the inner lines at which the right edge shows where in a long list we are."""
        return range(0)

    def more(self) -> str:
        """Return what the lower edge says of what is below it; "" if nothing is."""
        return ""

    def tick(self) -> None:
        """A second has passed."""
        self.repaint()

    def look(self, *, framed: bool, focused: bool) -> None:
        """Say how the pane stands on its page, and paint what that changes."""
        if (framed, focused) != (self.framed, self.has_focus_of_keys):
            self.framed, self.has_focus_of_keys = framed, focused
            self.repaint()

    @property
    def inner_width(self) -> int:
        """Cells inside."""
        return max(0, self.extent.width - (2 if self.framed else 0))

    @property
    def inner_height(self) -> int:
        """Lines inside."""
        return max(0, self.extent.height - (2 if self.framed else self.first_inner))

    @property
    def title_room(self) -> int:
        """Cells that the title has."""
        return self.extent.width - (4 if self.framed else 2)

    @property
    def first_inner(self) -> int:
        """The widget's line at which the inside begins."""
        return 1 if has_title(self.extent.height, framed=self.framed) else 0

    def parts(self, y: int) -> Sequence[Part]:
        wide, high = self.extent
        line = "focus" if self.has_focus_of_keys else "frame"
        if y < self.first_inner:
            return [("base", self._title(wide, line))]
        if not self.framed:
            return self.inner(y - self.first_inner, wide)
        if y == high - 1:
            more = f" {self.more()} ─" if self.more() else ""
            more = more if len(more) + 3 <= wide else ""
            return [("base", (Span("└" + "─" * max(0, wide - 2 - len(more)) + more + "┘", line),))]
        right = Span("┃" if y - 1 in self.thumb() else "│", line)
        return [("base", (Span("│", line),)), *self.inner(y - 1, max(0, wide - 2)), ("base", (right,))]

    def _title(self, wide: int, line: str) -> Line:
        left, fill, right = ("┌", "─", "┐") if self.framed else ("", "─", "")
        room = self.title_room
        number = Span(f"{self.number} " if self.number else "", "key" if self.has_focus_of_keys else "faint")
        chosen: list[Line] = []
        for title in self.titles():
            if chosen and line_width(join([(number,), *chosen, title], "")) + 4 * len(chosen) > room:
                break
            chosen.append(title)
        said = fit_line((number, *join(chosen, f" {fill}{fill} ", line)), max(0, room)) if room > 0 else ()
        text = _trimmed(said)
        rest = wide - line_width(text) - len(left) - len(right) - 2
        return (Span(f"{left} ", line), *text, Span(f" {fill * max(0, rest)}{right}", line))


def _trimmed(line: Line) -> Line:
    """Return ``line`` without the blank that fills it up."""
    spans = list(line)
    while spans and not spans[-1].text.strip():
        spans.pop()
    if spans:
        spans[-1] = Span(spans[-1].text.rstrip(), spans[-1].role)
    return tuple(spans)
