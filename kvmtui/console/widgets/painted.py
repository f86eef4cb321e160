"""A widget made of lines, of which only those that differ are painted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.widget import Widget

from kvmtui.console.present.cells import safe, to_ascii
from kvmtui.console.widgets.ink import Ink
from kvmtui.text import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from textual.strip import Strip

    from kvmtui.console.app import Console
    from kvmtui.console.present.cells import Line

Part = tuple[str, "Line"]
"""A piece of a line and the ground it stands on."""


class Painted(Widget, can_focus=False):
    """Base of everything the console shows.

    A subclass says what a line is made of; strips are kept here, compared, and sent only where they differ. Nothing of
    Textual's own rendering (markup, styles, filters) touches them, and nothing gets past the cleaning in ``_strip``.
    """

    ground: ClassVar[str] = "base"
    is_steady: ClassVar[bool] = True
    """Whether a line mostly stays as it is, so that only the cells that differ are sent."""

    DEFAULT_CSS = "Painted { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual names it
        super().__init__(id=id)
        self.is_placed = True
        """Whether it is on the page; what is not need not be painted."""
        self.extent = Size(0, 0)
        """Cells and lines, as when lines were last asked for: Textual works its own ``size`` out at every look."""
        self._strips: list[Ink] = []

    @property
    def console(self) -> Console:
        """The app this is in."""
        return cast("Console", self.app)

    def parts(self, y: int) -> Sequence[Part]:
        """Return what stands in line ``y`` of the widget, left to right, in as many cells as it is wide."""
        raise NotImplementedError

    def prepare(self, size: Size) -> None:
        """Make ready for lines to be asked for; called before all of them are painted, and when the size changes."""

    def repaint(self, lines: Iterable[int] | None = None) -> None:
        """Paint ``lines`` again (None: all), those that look as before left out."""
        if not self.is_placed or not self.is_mounted:
            return
        self.extent = self.size
        if not self.extent:
            return
        if lines is None:
            self.prepare(self.extent)
        wide, high = self.extent
        if len(self._strips) != high:
            self._strips = [self._strip(y, wide) for y in range(high)]
            self.refresh()
            return
        differ = []
        for y in range(high) if lines is None else lines:
            if 0 <= y < high:
                strip = self._strip(y, wide)
                if strip != self._strips[y]:
                    self._strips[y] = strip.follow(self._strips[y]) if self.is_steady else strip
                    differ.append(Region(0, y, wide, 1))
        if differ:
            self.refresh(*differ)

    def on_resize(self) -> None:
        self.paint_anew()

    def paint_anew(self) -> None:
        """Paint everything: nothing looks as it did."""
        self._strips = []
        self.repaint()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines as they were last painted."""
        self.extent = self.size
        wide, high = self.extent
        if len(self._strips) != high or (self._strips and self._strips[0].cell_length != wide):
            self.prepare(self.extent)
            self._strips = [self._strip(y, wide) for y in range(high)]
        strips: list[Strip] = [*self._strips[crop.y : crop.bottom]]
        if crop.x or crop.width < wide:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def _strip(self, y: int, wide: int) -> Ink:
        """Return line ``y`` as segments: safe, and exactly ``wide`` cells."""
        style = self.console.palette.style
        ascii_only = self.console.ascii_only
        segments: list[Segment] = []
        cells = 0
        for ground, line in self.parts(y):
            for text, role in line:
                if not text:
                    continue
                shown = safe(text)
                if ascii_only:
                    shown = to_ascii(shown)
                cells += width(shown)
                segments.append(Segment(shown, style(role, ground)))
        strip = Ink(_merged(segments), cells)
        if cells != wide:
            return Ink(strip.crop_extend(0, wide, cast("Any", style("text", self.ground))), wide)
        return strip


def _merged(segments: list[Segment]) -> list[Segment]:
    """Return segments with neighbours of one style made one, blanks as whatever is before them on the same ground."""
    merged: list[Segment] = []
    for segment in segments:
        if merged and (merged[-1].style is segment.style or _looks_blank(segment, merged[-1].style)):
            merged[-1] = Segment(merged[-1].text + segment.text, merged[-1].style)
        else:
            merged.append(segment)
    return merged


def _looks_blank(segment: Segment, before: Style | None) -> bool:
    """Return whether blanks look the same in the style before them: only ground, underline and reverse show."""
    style = segment.style
    if style is None or before is None or segment.text.strip(" "):
        return False
    if style.bgcolor != before.bgcolor or style.underline != before.underline or style.reverse != before.reverse:
        return False
    return not style.reverse or style.color == before.color
