"""What a terminal shows, from the bytes it was sent."""

from __future__ import annotations

import codecs
import re

from kvmtui.text import width

_PIECE = re.compile(
    r"\x1b\[(?P<args>[0-9;:?<>=!]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[()][0-9A-B]|\x1b[=>78cDEHMNOZ]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)

Style = tuple[str, str, frozenset[str]]
"""Foreground, background, attributes, as SGR codes."""
PLAIN: Style = ("39", "49", frozenset())
Cell = tuple[str, Style]
"""A character ("" behind a wide one), and how it looks."""
BLANK: Cell = (" ", PLAIN)


class Screen:
    """The cells of a terminal; knows what Textual draws with, no scrolling."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.cells: list[list[Cell]] = [[BLANK] * columns for _ in range(lines)]
        self._x = self._y = 0
        self._style = PLAIN
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come; a sequence may be cut anywhere."""
        text, at = self._rest + self._decode(data), 0
        while at < len(text) and (found := _PIECE.match(text, at)):
            at = found.end()
            if shown := found["text"]:
                self._put(shown)
            elif control := found["control"]:
                self._control(control)
            elif final := found["final"]:
                self._sequence(found["args"], final)
        self._rest = text[at:]

    def line(self, y: int, x: int = 0, end: int | None = None) -> str:
        """Return the text of line ``y`` between two columns."""
        return "".join([character for character, _ in self.cells[y][x:end]])

    def changed_since(self, before: list[list[Cell]]) -> int:
        """Return how many cells look otherwise than in a copy() taken before."""
        pairs = zip(self.cells, before, strict=True)
        return sum(now != old for lines in pairs if lines[0] != lines[1] for now, old in zip(*lines, strict=True))

    def places_since(self, before: list[list[Cell]]) -> int:
        """Return at how many places cells look otherwise than in a copy() taken before: runs of them, on one line."""
        count = 0
        for now, old in zip(self.cells, before, strict=True):
            is_same = [cell == other for cell, other in zip(now, old, strict=True)]
            count += sum(not same and (at == 0 or is_same[at - 1]) for at, same in enumerate(is_same))
        return count

    def copy(self) -> list[list[Cell]]:
        """Return the cells as they are now."""
        return [list(line) for line in self.cells]

    def _put(self, text: str) -> None:
        if self._y >= self.lines:
            return
        line = self.cells[self._y]
        for character in text:
            cells = 1 if character.isascii() else width(character)
            if cells == 0:
                self._join(line, character)
                continue
            if self._x + cells > self.columns:
                return
            line[self._x] = (character, self._style)
            if cells == 2:
                line[self._x + 1] = ("", self._style)
            self._x += cells

    def _join(self, line: list[Cell], mark: str) -> None:
        """Put a mark on the letter before it, in whose cell it stands."""
        at = self._x - 1
        if at > 0 and not line[at][0]:
            at -= 1
        if at >= 0:
            letter, style = line[at]
            line[at] = (letter + mark, style)

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control == "\n":
            self._y = min(self.lines - 1, self._y + 1)
        elif control == "\b":
            self._x = max(0, self._x - 1)

    def _sequence(self, args: str, final: str) -> None:
        numbers = [int(part) if part.isdigit() else 0 for part in args.split(";")]
        first = max(1, numbers[0])
        match final:
            case "H":
                self._y = min(self.lines, first) - 1
                self._x = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
            case "C":
                self._x = min(self.columns - 1, self._x + first)
            case "m":
                self._style = restyled(self._style, args)
            case "J" if numbers[0] == 2:
                self.cells = [[BLANK] * self.columns for _ in range(self.lines)]
            case "K" if self._y < self.lines:
                self.cells[self._y][self._x :] = [BLANK] * (self.columns - self._x)


def restyled(style: Style, args: str) -> Style:
    """Return a style after SGR codes."""
    foreground, background, attributes = style
    codes = iter(args.split(";"))
    for code in codes:
        if code in {"", "0"}:
            foreground, background, attributes = PLAIN
        elif code in {"38", "48"}:
            kind = next(codes, "")
            colour = ";".join([code, kind, *[next(codes, "") for _ in range(3 if kind == "2" else 1)]])
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
        elif len(code) == 1:
            attributes |= {code}
        elif code.startswith("2"):
            attributes -= {"1", "2"} if code == "22" else {code[1]}
        elif code.startswith(("4", "10")):
            background = code
        else:
            foreground = code
    return foreground, background, attributes
