"""XML in colours, of which only the lines that are seen are worked out."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import overload

from kvmtui.console.present.cells import Line, Span
from kvmtui.text import width as width_of

TAG_MAX = 20_000
"""Characters of a tag that is coloured; nothing sane has a longer one."""

_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
    r"""|<[/!]?[^\W\d](?:[^<>"']++|"[^"]*"|'[^']*')*+>?""",
    re.DOTALL,
)
"""One piece of markup. A torn one goes as far as it can be one; no text makes this slower than its length."""
_IN_TAG = re.compile(r"""(?P<name></?[^\s<>"'=/]+)|(?P<attribute>[^\s<>"'=/]+)|(?P<value>"[^"]*"?|'[^']*'?)""")
_COMMENT, _TEXT = "xml-comment", "text"
_ROLES = {"name": "xml-tag", "attribute": "xml-attribute", "value": "xml-value"}


class XmlLines(Sequence[Line]):
    """The lines of an XML text in so many cells; those that are too long go on in the next."""

    def __init__(self, source: str, width: int) -> None:
        self.width = width
        self._source = source
        cells = max(2, width - 2)
        self._starts, self._ends = array("I"), array("I")
        at = 0
        for line in source.split("\n"):
            self._add(line, at, cells)
            at += len(line) + 1
        self._from, self._to = array("I"), array("I")
        for found in _MARKUP.finditer(source):
            self._from.append(found.start())
            self._to.append(found.end())

    def _add(self, line: str, at: int, cells: int) -> None:
        """Cut a line that begins at ``at`` where it is full."""
        starts = range(at, at + max(1, len(line)), cells) if line.isascii() else _cuts(line, at, cells)
        self._starts.extend(starts)
        self._ends.extend([*starts[1:], at + len(line)])

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        return (Span(" "), *self._spans(self._starts[index], self._ends[index]))

    def texts(self) -> Iterator[str]:
        """Return the lines without their colours, which costs a tenth."""
        return (f" {self._source[start:end]}" for start, end in zip(self._starts, self._ends, strict=True))

    def _spans(self, start: int, end: int) -> list[Span]:
        """Return the text from ``start`` to ``end`` by what it is."""
        spans: list[Span] = []
        at = start
        place = max(0, bisect_right(self._from, start) - 1)
        while place < len(self._from) and self._from[place] < end:
            first, last = self._from[place], self._to[place]
            place += 1
            if last <= at:
                continue
            self._put(spans, at, first, _TEXT)
            at = max(at, first)
            for piece_end, role in self._pieces(first, last, end):
                self._put(spans, at, min(piece_end, end), role)
                at = max(at, min(piece_end, end))
        self._put(spans, at, end, _TEXT)
        return spans

    def _put(self, spans: list[Span], start: int, end: int, role: str) -> None:
        if start < end:
            spans.append(Span(self._source[start:end], role))

    def _pieces(self, first: int, last: int, end: int) -> list[tuple[int, str]]:
        """Return the pieces of a piece of markup, as far as ``end``: where each ends, what it is."""
        if self._source.startswith(("<!", "<?"), first):
            return [(last, _TEXT if self._source.startswith("<![CDATA[", first) else _COMMENT)]
        if last - first > TAG_MAX:
            return [(last, _TEXT)]
        pieces = []
        at = first
        for found in _IN_TAG.finditer(self._source, first, last):
            if found.start() >= end:
                break
            if found.start() > at:
                pieces.append((found.start(), "xml-tag"))
            at = found.end()
            pieces.append((at, _ROLES[found.lastgroup or "name"]))
        pieces.append((last, "xml-tag"))
        return pieces


def _cuts(line: str, at: int, cells: int) -> list[int]:
    """Return where the pieces of a line begin that takes more cells than it has characters."""
    starts, used = [at], 0
    wide: dict[str, int] = {}
    for place, character in enumerate(line, at):
        takes = wide.get(character)
        if takes is None:
            takes = wide[character] = width_of(character)
        if used + takes > cells:
            starts.append(place)
            used = 0
        used += takes
    return starts
