"""A long sorted list that takes single changes at the price of a short one."""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T", bound=Any)

BLOCK = 512
"""Entries of a block; one of twice as many is cut in two."""


class Blocks(Generic[T]):
    """Entries that compare with each other, no two of them equal, in order."""

    def __init__(self, entries: Iterable[T] = ()) -> None:
        """``entries`` must be in order."""
        whole = list(entries)
        self._blocks = [whole[start : start + BLOCK] for start in range(0, len(whole), BLOCK)]
        self._lasts = [block[-1] for block in self._blocks]
        self._length = len(whole)
        self._lent: set[int] = set()
        """Numbers (id) of blocks that a view shares: they are copied before they change."""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._blocks)

    def view(self) -> Blocks[T]:
        """Return the entries as they are now; it does not follow changes, and is not to be changed itself."""
        seen = Blocks[T]()
        seen._blocks, seen._lasts, seen._length = list(self._blocks), list(self._lasts), self._length
        self._lent = set(map(id, self._blocks))
        return seen

    def add(self, entry: T) -> None:
        """Put an entry in its place."""
        self._length += 1
        if not self._blocks:
            self._blocks.append([entry])
            self._lasts.append(entry)
            return
        at = min(bisect_left(self._lasts, entry), len(self._blocks) - 1)
        block = self._own(at)
        insort(block, entry)
        if len(block) > 2 * BLOCK:
            self._blocks[at : at + 1] = [block[:BLOCK], block[BLOCK:]]
            self._lasts[at : at + 1] = [block[BLOCK - 1], block[-1]]
        else:
            self._lasts[at] = block[-1]

    def remove(self, entry: T) -> None:
        """Take an entry out. Raises ValueError if it is not there."""
        at, place = self._find(entry)
        block = self._own(at)
        del block[place]
        self._length -= 1
        if not block:
            del self._blocks[at], self._lasts[at]
            return
        self._lasts[at] = block[-1]
        if at + 1 < len(self._blocks) and len(block) + len(self._blocks[at + 1]) <= BLOCK:
            self._blocks[at : at + 2] = [block + self._blocks[at + 1]]
            del self._lasts[at]

    def place(self, entry: T) -> int:
        """Return where an entry is. Raises ValueError if it is not there."""
        at, place = self._find(entry)
        return sum(map(len, self._blocks[:at])) + place

    def span(self, first: int, count: int) -> list[T]:
        """Return the entries ``first`` to ``first + count``, as many of them as there are."""
        ends = list(accumulate(map(len, self._blocks)))
        at = bisect_left(ends, first + 1)
        found: list[T] = []
        if at < len(ends):
            begin = first - (ends[at - 1] if at else 0)
            while at < len(self._blocks) and len(found) < count:
                found += self._blocks[at][begin : begin + count - len(found)]
                at, begin = at + 1, 0
        return found

    def _find(self, entry: T) -> tuple[int, int]:
        at = bisect_left(self._lasts, entry)
        if at < len(self._blocks):
            place = bisect_left(self._blocks[at], entry)
            if self._blocks[at][place] == entry:
                return at, place
        raise ValueError(f"{entry!r} is not there")

    def _own(self, at: int) -> list[T]:
        """Return a block that no view shares."""
        block = self._blocks[at]
        if id(block) in self._lent:
            self._lent.discard(id(block))
            block = self._blocks[at] = list(block)
        return block
