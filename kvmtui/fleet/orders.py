"""The rows of a resource in one order, shared by all who look at it, kept at the price of what changed."""

from __future__ import annotations

import time
from itertools import islice
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmtui.fleet.blocks import Blocks
from kvmtui.fleet.fields import RESOURCES, Row, reader
from kvmtui.fleet.order import Entry, first_of, second_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from kvmtui.fleet.changes import Changes

SLICE = 500
"""Rows that are read at a stretch, before somebody may say that this is enough for now."""
KEPT = 4
"""Orders that are kept though nobody looks at them."""
_WHOLE = 6
"""Where more than one in so many rows will have moved, all are sorted anew."""


class Source(NamedTuple):
    """Where rows come from."""

    rows: Mapping[Any, Row]
    """Own key -> row."""
    changes: Changes[Any] | None
    """What changed since when; None where nobody keeps count of that."""
    by_second: Callable[[], Iterable[tuple[str, Any]]]
    """Returns (second part of the entry, own key) of all rows, in order."""
    folded: Mapping[Any, str] | None = None
    """Own key -> name without letters' case, where that is kept."""


def by_second(resource: str, rows: Mapping[Any, Row]) -> list[tuple[str, Any]]:
    """Return the rows of a resource by the second part of their entries, as a Source gives them."""
    second = second_of(resource)
    return sorted((second(row), own) for own, row in rows.items())


def advance(work: Iterator[None], until: float) -> bool:
    """Go on with work that yields now and then, until a moment of time.monotonic(); return whether it is done."""
    return all(until == inf or time.monotonic() < until for _ in work)


class Order:
    """All rows of a resource by one column. ``entries`` and ``sorted`` are current as of the last refresh()."""

    def __init__(self, resource: str, sort: str, descending: bool, seen: Callable[[Row], float] | None) -> None:
        """``seen`` reads the column of that name; None: as any other."""
        reading = {column: reader(column) for column in RESOURCES[resource].columns}
        if seen is not None:
            reading["seen"] = seen
        self.entries: dict[Any, Entry] = {}
        """Own key -> entry."""
        self.sorted: Blocks[Entry] = Blocks()
        self.version = 0
        """Another one when anything in the order is."""
        self.members = 0
        """Another one when a row came or went."""
        self._first = first_of(resource, sort, descending, reading)
        self._second = second_of(resource)
        self._is_timely = sort == "seen"
        self._revision = -1
        self._source: Source
        self._work: Iterator[None] | None = None

    def refresh(self, source: Source, until: float = inf) -> bool:
        """Take in what changed; return whether that is done, or more is left to do than there was time until."""
        self._source = source
        work, self._work = self._work or self._take_in(), None
        if not advance(work, until if source.changes is not None else inf):
            self._work = work
        return self._work is None

    def _take_in(self) -> Iterator[None]:
        changes = self._source.changes
        if changes is None:
            yield from self._sort()
            return
        is_known = self._revision >= 0 and not self._is_timely
        while not is_known or changes.revision != self._revision:
            newer = changes.since(self._revision) if is_known else None
            self._revision, is_known = changes.revision, True
            if newer is None or not (yield from self._move(newer)):
                yield from self._sort()  # meanwhile more may have changed

    def _sort(self) -> Iterator[None]:
        """Sort all rows: those whose first parts are equal stay in the order of the second."""
        first = self._first
        others = iter(list(self._source.by_second()))
        found: list[Entry] = []
        while some := list(islice(others, SLICE)):
            rows = self._source.rows
            found += [(first(row), second, own) for second, own in some if (row := rows.get(own)) is not None]
            yield
        found.sort(key=itemgetter(0))
        yield
        entries = {entry[2]: entry for entry in found}
        self.members += entries.keys() != self.entries.keys()
        self.version += 1
        self.entries, self.sorted = entries, Blocks(found)

    def _move(self, newer: list[Any]) -> Generator[None, None, bool]:
        """Put rows where they belong now; return False if there are so many that sorting all of them is less work."""
        moved = 0
        for start in range(0, len(newer), SLICE):
            if start:
                yield
            rows, some = self._source.rows, newer[start : start + SLICE]
            moved += sum([self._place(own, rows.get(own)) for own in some])
            expected = moved * len(newer) // (start + len(some))
            if expected > SLICE and expected * _WHOLE > len(self.entries):
                self.version += 1
                return False
        self.version += moved > 0
        return True

    def _place(self, own: Any, row: Row | None) -> bool:  # noqa: ANN401 - of any resource
        """Put a row where it belongs, or take it out (None); return whether that changed anything."""
        before = self.entries.get(own)
        after = None if row is None else (self._first(row), self._second(row), own)
        if after == before:
            return False
        if before is not None:
            self.sorted.remove(before)
        if after is not None:
            self.sorted.add(after)
            self.entries[own] = after
        else:
            del self.entries[own]
        self.members += before is None or after is None
        return True


class Orders:
    """The orders that somebody looks at, or did lately."""

    def __init__(self, seen: Callable[[Row], float]) -> None:
        """``seen`` reads that column of a VM."""
        self._seen = seen
        self._kept: dict[tuple[str, str, bool], Order] = {}

    def order(self, resource: str, sort: str, descending: bool) -> Order:
        """Return the order of a resource by a column, as first_of() takes it."""
        which = (resource, sort, descending)
        order = self._kept.pop(which, None) or Order(
            resource, sort, descending, self._seen if resource == "vms" else None
        )
        self._kept[which] = order
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return order
