"""A text that can be scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kvmtui.console.present.cells import Line, Span, fit_line, plain
from kvmtui.console.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.geometry import Size

    from kvmtui.console.widgets.painted import Part


@runtime_checkable
class Made(Protocol):
    """Lines that are made when they are looked at."""

    def texts(self) -> Iterable[str]:
        """Return what they say."""


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
        self.needle = ""
        """What is looked for; lines that have it stand out."""
        self._at = -1
        """The line with it that was gone to last."""

    def prepare(self, size: Size) -> None:
        self._lines = self._make(self.inner_width, self.inner_height)
        self.top = max(0, min(self.top, len(self._lines) - self.inner_height))

    def titles(self) -> list[Line]:
        return self._titles()

    def inner(self, y: int, width: int) -> Sequence[Part]:
        at = self.top + y
        line: Line = self._lines[at] if at < len(self._lines) else (Span(""),)
        ground = "base" if not self._has(line) else "cursor" if at == self._at else "idle"
        more = self.more() if not self.framed and y == self.inner_height - 1 else ""
        if not more or len(more) + 1 >= width:
            return [(ground, fit_line(line, width))]
        return [(ground, (*fit_line(line, width - len(more) - 1), Span(f" {more}", "focus")))]

    def _has(self, line: Line) -> bool:
        return bool(self.needle) and self.needle in plain(line).casefold()

    def look_for(self, text: str) -> tuple[int, int]:
        """Look for a text, whatever the case of its letters, and go to the first title that has it.

        Where none has, to the first line from here on that has it. Return how many lines have it, of how many.
        """
        self.needle, self._at = text.casefold(), -1
        hits = self._hits()
        if hits:
            titled = None if isinstance(self._lines, Made) else next(filter(self._is_titled, hits), None)
            if titled is None:
                self._show(next((hit for hit in hits if hit >= self.top), hits[0]))
            else:
                self._at = titled
                self.go(titled)
        self.repaint()
        return len(hits), len(self._lines)

    def next_hit(self, step: int) -> bool:
        """Go to the next line that has it, or the one before; from the end on again; return whether there is one."""
        hits = self._hits()
        if not hits:
            return False
        if step > 0:
            self._show(next((hit for hit in hits if hit > self._at), hits[0]))
        else:
            self._show(next((hit for hit in reversed(hits) if hit < self._at), hits[-1]))
        return True

    def _hits(self) -> list[int]:
        if not self.needle:
            return []
        texts = self._lines.texts() if isinstance(self._lines, Made) else map(plain, self._lines)
        return [at for at, text in enumerate(texts) if self.needle in text.casefold()]

    def _is_titled(self, at: int) -> bool:
        """Whether what is looked for is in a title."""
        return any(span.role == "title" and self.needle in span.text.casefold() for span in self._lines[at])

    def _show(self, at: int) -> None:
        self._at = at
        if not self.top <= at < self.top + self.inner_height:
            self.go(at - self.inner_height // 3)
        self.repaint()

    def more(self) -> str:
        below = len(self._lines) - self.top - self.inner_height
        return f"▼ {below:,} more" if below > 0 and self.inner_height > 0 else ""

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
