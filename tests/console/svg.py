"""The lines of a screen as an SVG that looks alike everywhere.

No font is loaded, none can be relied on: letters are placed by the grid and fitted into it, and what is made of dots,
lines or blocks is drawn instead of written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from kvmtui.text import width as cells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.segment import Segment
    from rich.style import Style

CELL_X = 8.4
CELL_Y = 18.0
"""Four rows of braille dots in a cell are as far apart as those of two cells."""
FONT_PX = 14
BASELINE = 13.5
MARGIN = 8.0
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

_LINES = {"─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud", "┬": "lrd",
          "┴": "lru", "┼": "lrud"}  # fmt: skip
"""Character -> the arms it has."""
_THICK = frozenset("┃")
_EIGHTHS = "▏▎▍▌▋▊▉█"
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of the left and the right column of a braille cell, from the top."""
_RUN = re.compile(r"[!-~]+(?: [!-~]+)*")
"""What may be written in one go: words with single blanks between them."""


class _Ink(NamedTuple):
    """How something is drawn."""

    colour: str
    bold: bool = False
    underline: bool = False


class _Drawing:
    """What a screen is made of, by how it is drawn."""

    def __init__(self, text: str, ground: str) -> None:
        self.text = text
        self.ground = ground
        self.grounds: dict[str, list[str]] = defaultdict(list)
        self.texts: dict[_Ink, list[str]] = defaultdict(list)
        self.lines: dict[str, list[str]] = defaultdict(list)
        self.thick: dict[str, list[str]] = defaultdict(list)
        self.blocks: dict[str, list[str]] = defaultdict(list)
        self.dots: dict[str, set[tuple[int, int]]] = defaultdict(set)
        """Colour -> (column, row) in a grid of two by four dots a cell."""

    def segment(self, text: str, style: Style | None, x: int, y: int) -> None:
        """Add what stands at column ``x`` of line ``y``."""
        ink, ground = self._look(style)
        if ground != self.ground:
            self.grounds[ground].append(_rectangle(x, y, cells_of(text)))
        at = x
        for piece in _pieces(text):
            width = cells_of(piece)
            if piece.strip():
                self._put(piece, width, ink, at, y)
            at += width

    def _look(self, style: Style | None) -> tuple[_Ink, str]:
        """Return how a style is drawn, and what it stands on."""
        if style is None:
            return _Ink(self.text), self.ground
        front = style.color.get_truecolor().hex if style.color is not None else self.text
        back = style.bgcolor.get_truecolor().hex if style.bgcolor is not None else self.ground
        if style.reverse:
            front, back = back, front
        return _Ink(front, bool(style.bold), bool(style.underline)), back

    def _put(self, piece: str, width: int, ink: _Ink, x: int, y: int) -> None:
        left, top = x * CELL_X, y * CELL_Y
        if arms := _LINES.get(piece):
            self.lines[ink.colour].append(_arms(arms, left, top))
        elif piece in _THICK:
            self.thick[ink.colour].append(f"M{_n(left + CELL_X / 2)} {_n(top)}v{_n(CELL_Y)}")
        elif piece in _EIGHTHS:
            wide = CELL_X * (_EIGHTHS.index(piece) + 1) / 8
            self.blocks[ink.colour].append(f"M{_n(left)} {_n(top + 3)}h{_n(wide)}v{_n(CELL_Y - 6)}h-{_n(wide)}z")
        elif "\u2800" <= piece <= "\u28ff":
            self.dots[ink.colour] |= {
                (2 * x + column, 4 * y + row)
                for column, bits in enumerate(_DOTS)
                for row, bit in enumerate(bits)
                if (ord(piece) - 0x2800) & bit
            }
        else:
            place = f'x="{_n(left)}" y="{_n(top + BASELINE)}" textLength="{_n(width * CELL_X)}"'
            self.texts[ink].append(f'<text {place} lengthAdjust="spacingAndGlyphs">{escape(piece)}</text>')

    def svg(self, columns: int, lines: int, title: str) -> str:
        """Return the whole picture."""
        wide, high = columns * CELL_X + 2 * MARGIN, lines * CELL_Y + 2 * MARGIN
        drawn = [f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in self.grounds.items()]
        drawn += [f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in self.blocks.items()]
        drawn += [f'<path class="l" stroke="{colour}" d="{"".join(parts)}"/>' for colour, parts in self.lines.items()]
        drawn += [f'<path class="t" stroke="{colour}" d="{"".join(parts)}"/>' for colour, parts in self.thick.items()]
        drawn += [f'<path class="d" stroke="{colour}" d="{_columns(dots)}"/>' for colour, dots in self.dots.items()]
        for ink, texts in self.texts.items():
            bold = ' font-weight="bold"' if ink.bold else ""
            underline = ' text-decoration="underline"' if ink.underline else ""
            drawn += [f'<g fill="{ink.colour}"{bold}{underline}>', *texts, "</g>"]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(wide)} {_n(high)}" role="img">\n'
            f"<title>{escape(title)}</title>\n"
            f"<style>text{{font:{FONT_PX}px {FONTS};white-space:pre}}path{{shape-rendering:auto}}"
            ".l{stroke-width:1;fill:none}.t{stroke-width:3;fill:none}"
            f".d{{stroke-width:2.6;fill:none;stroke-linecap:round;stroke-dasharray:0 {_n(CELL_Y / 4)}}}</style>\n"
            f'<rect width="100%" height="100%" rx="6" fill="{self.ground}"/>\n'
            f'<g transform="translate({_n(MARGIN)} {_n(MARGIN)})">\n'
        )
        return head + "\n".join(drawn) + "\n</g>\n</svg>\n"


def draw(lines: Sequence[Iterable[Segment]], title: str, *, text: str, ground: str) -> str:
    """Return lines of segments as an SVG; ``text`` and ``ground`` are the terminal's own colours ("#14171c")."""
    drawing = _Drawing(text, ground)
    columns = 0
    for y, line in enumerate(lines):
        x = 0
        for words, style, _ in line:
            drawing.segment(words, style, x, y)
            x += cells_of(words)
        columns = max(columns, x)
    return drawing.svg(columns, len(lines), title)


def _pieces(text: str) -> Iterator[str]:
    """Return a text cut into runs that may be written in one go, blanks, and single characters that may not."""
    at = 0
    while at < len(text):
        run = _RUN.match(text, at)
        piece = run[0] if run else text[at]
        yield piece
        at += len(piece)


def _arms(arms: str, left: float, top: float) -> str:
    x, y = left + CELL_X / 2, top + CELL_Y / 2
    ends = {"l": (left, y), "r": (left + CELL_X, y), "u": (x, top), "d": (x, top + CELL_Y)}
    return "".join(f"M{_n(x)} {_n(y)}L{_n(ends[arm][0])} {_n(ends[arm][1])}" for arm in arms)


def _columns(dots: set[tuple[int, int]]) -> str:
    """Return dots as dashed lines, one for each unbroken column of them: a dash of no length is a dot."""
    drawn = []
    for column, row in sorted(dots):
        if (column, row - 1) in dots:
            continue
        last = row
        while (column, last + 1) in dots:
            last += 1
        x, step = (column + 0.5) * CELL_X / 2, CELL_Y / 4
        drawn.append(f"M{_n(x)} {_n((row + 0.5) * step)}v{_n((last - row) * step)}")
    return "".join(drawn)


def _rectangle(x: int, y: int, width: int) -> str:
    return f"M{_n(x * CELL_X)} {_n(y * CELL_Y)}h{_n(width * CELL_X)}v{_n(CELL_Y)}h-{_n(width * CELL_X)}z"


def _n(value: float) -> str:
    """Return a number in as few characters as it needs."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
