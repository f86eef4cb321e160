"""Those entries of a long sorted list that are wanted, found only as far as somebody reads."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

    from kvmtui.fleet.order import Entry

_AT_A_TIME = 512


class Sifted:
    """The entries of rows that match, in the order of all."""

    def __init__(self, entries: Iterable[Entry], matching: Collection[Any]) -> None:
        """``entries`` are in order, one for each row whose own key is in ``matching``; neither changes later."""
        self._left = iter(entries)
        self._matching = matching
        self._found: list[Entry] = []

    def __len__(self) -> int:
        return len(self._matching)

    def __iter__(self) -> Iterator[Entry]:
        while self._find_more():
            pass
        return iter(self._found)

    def span(self, first: int, count: int) -> list[Entry]:
        """Return the entries ``first`` to ``first + count``, as many of them as there are."""
        while len(self._found) < first + count and self._find_more():
            pass
        return self._found[first : first + count]

    def place(self, entry: Entry) -> int:
        """Return where an entry is. Raises ValueError if it is not there."""
        while not (self._found and self._found[-1] >= entry) and self._find_more():
            pass
        place = bisect_left(self._found, entry)
        if self._found[place : place + 1] != [entry]:
            raise ValueError(f"{entry!r} is not there")
        return place

    def _find_more(self) -> bool:
        """Look through some more of all entries; return whether there were any."""
        some = list(islice(self._left, _AT_A_TIME))
        matching = self._matching
        self._found += [entry for entry in some if entry[2] in matching]
        return bool(some)
