"""A terminal that draws what it is sent, complaining of what does not fit."""

from __future__ import annotations

import re
import unicodedata

_PIECE = re.compile(
    r"\x1b\[(?P<args>[0-9;:?<>=!]*)[ $]?(?P<final>[@-~])|\x1b\][^\x07\x1b]*\x07|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_LONGEST = 100_100
"""Characters of a sequence that may still be under way: one that copies."""
TORN = "\ufffe"
"""What is left of a wide character of which one half was drawn over."""


def cells_of(character: str) -> int:
    """Return the cells of a character as C libraries count, by no table that the console uses."""
    jamo = "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"
    if jamo or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


class Paper:
    """The cells of a terminal of some size."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self._x = self._y = 0

    def draw(self, sent: str) -> str:
        """Draw what was sent; return what is no whole sequence yet. Fails for text that goes over the right edge."""
        at = 0
        while found := _PIECE.match(sent, at):
            at = found.end()
            if found["text"]:
                self._put(found["text"])
            elif found["control"] == "\r":
                self._x = 0
            elif found["control"] == "\n":
                self._y = min(self.lines - 1, self._y + 1)
            elif found["final"] == "H":
                line, _, column = found["args"].partition(";")
                self._y, self._x = int(line or 1) - 1, int(column or 1) - 1
            elif found["final"] == "C":
                self._x += int(found["args"] or 1)
        assert len(sent) - at < _LONGEST, f"a sequence that nobody knows: {sent[at : at + 20]!r}"
        return sent[at:]

    def _put(self, text: str) -> None:
        for character in text:
            cells = cells_of(character)
            if not cells:
                continue
            assert self._x + cells <= self.columns, f"line {self._y} is too long, with {text!r}"
            line = self.cells[self._y]
            self._tear(line, self._x)
            self._tear(line, self._x + cells - 1)
            line[self._x] = character
            if cells == 2:
                line[self._x + 1] = ""
            self._x += cells

    def _tear(self, line: list[str], x: int) -> None:
        """Have the other half of a wide character go to pieces where one is drawn over."""
        if line[x] == "":
            line[x - 1] = TORN
        elif x + 1 < self.columns and line[x + 1] == "":
            line[x + 1] = TORN

    def shown(self) -> list[str]:
        """Return the lines."""
        return ["".join(line) for line in self.cells]
