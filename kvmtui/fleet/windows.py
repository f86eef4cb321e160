"""Live views: a query in, the rows around a screen out, then what changes of them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from kvmtui.errors import UsageError
from kvmtui.fleet.fields import RESOURCES, Row
from kvmtui.fleet.ledger import Said
from kvmtui.fleet.selection import OF_VMS, Selection, line_key, own_key
from kvmtui.wire.messages import Page, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.wire.messages import Query

COUNT_MAX = 1_000
"""Rows of one page or window."""

Cells = tuple[Any, ...]
"""The values of a row, in the order of the query's columns."""


def _reader(query: Query, fleet: Fleet, *, live: bool) -> Callable[[Row, float], Cells]:
    """Return what reads the query's columns of a row.

    ``live``: the age of a row that is fresh reads None, so that only stale rows change by growing older.
    """
    columns = query.columns
    if not columns:
        return lambda _row, _now: ()
    read: Callable[[Row], Any] = attrgetter(*columns)
    whole = read if len(columns) > 1 else lambda row: (read(row),)
    if "seen" not in columns:
        return lambda row, _now: whole(row)
    place = columns.index("seen")
    seen: Callable[[Row], float] = fleet.seen if query.resource == "vms" else attrgetter("seen")
    out_of_sight = RESOURCES[query.resource].out_of_sight

    def cells(row: Row, now: float) -> Cells:
        values = whole(row)
        at = seen(row)
        is_fresh = live and now - at <= fleet.late_after_s and not out_of_sight(row)
        return (*values[:place], None if is_fresh else at, *values[place + 1 :])

    return cells


def _count(query: Query) -> int:
    return max(1, min(query.count, COUNT_MAX))


def _elsewhere(query: Query, there: Query) -> Query:
    """Return ``query`` for another place of its list."""
    return replace(
        query,
        first=there.first,
        count=there.count,
        above=there.above,
        below=there.below,
        follow=there.follow,
        hold=there.hold,
    )


class Snapshot:
    """What a query selects at one moment, to be read page by page."""

    def __init__(self, query: Query, selection: Selection, fleet: Fleet, now: float) -> None:
        """``selection`` is that of ``query``, refreshed just now."""
        self.now = now
        self._query = _unpaged(query)
        self._rows = [selection.rows[key] for key in selection.keys(0, len(selection))]
        self._total = selection.total
        self._read = _reader(query, fleet, live=False)
        self._is_demo = fleet.is_demo

    def has(self, query: Query) -> bool:
        """Whether ``query`` asks for another page of the same."""
        return _unpaged(query) == self._query

    def page(self, query: Query) -> Page:
        """Return the rows ``first`` to ``first + count``; none if there are not so many."""
        first = max(0, query.first)
        return Page(
            rows=tuple(self._read(row, self.now) for row in self._rows[first : first + _count(query)]),
            matched=len(self._rows),
            total=self._total,
            now=self.now,
            demo=self._is_demo,
        )


def _unpaged(query: Query) -> Query:
    return replace(query, first=0, count=1, above=0, below=0)


def page(query: Query, fleet: Fleet, written: Sequence[Row], now: float) -> Page:
    """Return one page of a query as it is now. Raises as Selection does."""
    selection = Selection(query, fleet)
    selection.refresh(fleet, written, now, hold=False)
    return Snapshot(query, selection, fleet, now).page(query)


class _Sent(NamedTuple):
    """A row as the client has it."""

    row: Row
    cells: Cells


class Window:
    """One live view of one client. What update() returned is taken for received."""

    def __init__(self, number: int, query: Query, fleet: Fleet) -> None:
        """Raises FilterError, or UsageError for a resource or column that does not exist."""
        self.number = number
        self._query: Query
        self._open(query, fleet)

    @property
    def shown(self) -> list[Row]:
        """The rows that the client looks at, as they were last sent."""
        query, first = self._query, max(0, self._query.first)
        looked_at = range(first + max(0, query.above), first + _count(query) - max(0, query.below))
        rows = [sent.row for index, sent in self._sent.items() if index in looked_at]
        return rows or [sent.row for sent in self._sent.values()]

    def change(self, query: Query, fleet: Fleet) -> None:
        """Show another query. Raises as the constructor does; the window then stays as it was.

        Another place, ``follow`` or ``hold`` goes on with what was sent; anything else begins anew.
        """
        old = self._query
        if _elsewhere(query, old) == old:
            self._query = query
        else:
            self._open(query, fleet)

    def _open(self, query: Query, fleet: Fleet) -> None:
        self._selection = Selection(query, fleet)
        self._query = query
        self._read = _reader(query, fleet, live=True)
        self._sent: dict[int, _Sent] = {}
        self._header: tuple[object, ...] = ()

    def keys(self, first: str, last: str) -> tuple[str, ...]:
        """Return the keys of the rows as they were last sent, on the screen or not; with ``first`` and ``last`` (keys)
        those from the one to the other. Raises UsageError if one of these is not in the list."""
        selection = self._selection
        begin, end = 0, len(selection)
        if first or last:
            places = [selection.place(own_key(self._query.resource, key)) for key in (first, last)]
            known = [place for place in places if place is not None]
            if len(known) < len(places):
                raise UsageError("one end of the range is not in the list any more")
            begin, end = min(known), max(known) + 1
        return tuple(map(line_key, selection.keys(begin, end - begin)))

    def has(self, host: str, uuid: str) -> bool:
        """Return whether a VM is in the list, on the screen or not."""
        return (host, uuid) in self._selection

    def refresh(self, fleet: Fleet, written: Sequence[Row], now: float, until: float) -> bool:
        """Do part of what update() would do, until a moment of time.monotonic(); return whether it is done."""
        return self._selection.refresh(fleet, written, now, hold=self._query.hold, until=until)

    def update(
        self, fleet: Fleet, written: Sequence[Row], now: float, marks: Collection[str] = frozenset()
    ) -> Rows | None:
        """Return what changed since the last update, or None if nothing did.

        ``marks`` are the UUIDs that the client has marked: those in the list are counted. Beyond the end of the list
        the last rows are given: ``first`` of the answer says where it begins.
        """
        selection, query = self._selection, self._query
        selection.refresh(fleet, written, now, hold=query.hold)
        matched, count, first = len(selection), _count(query), max(0, query.first)
        if first >= matched:
            first = max(0, matched - count)
        rows: list[tuple[int, str, Cells]] = []
        sent: dict[int, _Sent] = {}
        ages = "seen" in query.columns
        for index, key in enumerate(selection.keys(first, count), first):
            row, old = selection.rows[key], self._sent.get(index)
            if old is not None and old.row is row and not ages:
                sent[index] = old
                continue
            sent[index] = new = _Sent(row, self._read(row, now))
            if old is None or old.cells != new.cells or old.row.key != row.key:
                rows.append((index, row.key, new.cells))
        at = selection.place(own_key(query.resource, query.follow)) if query.follow else None
        marked = self._marked(fleet, marks)
        said = fleet.ledger.said if query.resource == "audit" else Said()
        header = (said, first, len(sent), matched, selection.total, at, query.follow, len(marks), marked)
        is_new, is_same = not self._header, not rows and header == self._header
        self._sent, self._header = sent, header
        if is_same:
            return None
        return Rows(
            window=self.number,
            reset=is_new,
            first=first,
            count=len(sent),
            matched=matched,
            total=selection.total,
            rows=tuple(rows),
            columns=query.columns if is_new else (),
            at=at,
            follow=query.follow,
            marks=len(marks),
            marked=marked,
            said=said.text,
            severity=said.severity,
            now=now,
        )

    def _marked(self, fleet: Fleet, marks: Collection[str]) -> int:
        if not marks or self._query.resource not in OF_VMS:
            return 0
        selection = self._selection
        return sum(any((vm.host, uuid) in selection for vm in fleet.namesakes(uuid)) for uuid in marks)
