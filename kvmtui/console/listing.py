"""A long list of which only the rows around the screen are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kvmtui.console.arrangement import Arrangement
from kvmtui.console.present.values import safe_value
from kvmtui.text import clean
from kvmtui.wire.messages import Query

if TYPE_CHECKING:
    from kvmtui.wire.messages import Rows

SPAN_MAX = 1_000
"""Rows that a query may ask for."""
_LEAST = 8
_AHEAD, _BEHIND = 3, 1
"""Screens that are asked for beside the one that is seen, in the direction in which it last moved and in the other: a
page that is turned to is there before it is asked for."""


class Held(NamedTuple):
    """A row as the worker last sent it."""

    key: str
    values: dict[str, Any]


class Changed(NamedTuple):
    """What a message changed: rows by index, or all that is shown."""

    everything: bool
    rows: frozenset[int] = frozenset()


class Listing:
    """Query, rows, cursor and scroll position of one table; knows no terminal and no worker.

    The cursor follows its row (by key) wherever that goes. Only at the very top, where nobody has moved it or where
    ``g`` put it, it stays at the top and takes the row that is there: what is worst stands under it.
    """

    def __init__(self, resource: str, columns: tuple[str, ...], *, sort: str = "", descending: bool = False) -> None:
        self.resource = resource
        self.columns = columns
        """Ids of the columns that are asked for."""
        self.chosen: tuple[str, ...] = ()
        """Ids of the columns that somebody has chosen to see; () for the usual ones."""
        self.filter = ""
        self.scope: tuple[str, ...] = ()
        self.job = ""
        """Of steps: the id of their job."""
        self.only_wrong = False
        self.sort = sort
        self.descending = descending
        self.cursor = 0
        """Index of the row under the cursor."""
        self.key = ""
        """Its key; "" while it is not known."""
        self.top = 0
        """Index of the first row shown."""
        self.height = _LEAST
        """Rows shown."""
        self.matched = 0
        self.total = 0
        self.marks = 0
        """VMs that were marked when the worker last counted, and how many of them are in the list."""
        self.marked = 0
        self.said = ""
        """What the worker says of the list as a whole."""
        self.severity = 0
        """How bad that is."""
        self.holding = False
        self.is_answered = False
        """Whether any rows have come yet."""
        self._at_top = True
        self._held: dict[int, Held] = {}
        self._places: dict[str, int] = {}
        self._told: tuple[str, ...] = ()
        """Ids of the columns that the values of rows are of."""
        self._asked_top = 0
        """Where the screen was when rows were last asked for."""
        self._goes_up = False
        """Whether the screen last moved towards the beginning."""

    @property
    def arrangement(self) -> Arrangement:
        """How it is arranged."""
        return Arrangement(
            filter=self.filter,
            scope=self.scope,
            only_wrong=self.only_wrong,
            sort=self.sort,
            descending=self.descending,
            columns=self.chosen,
        )

    # --- what to ask for ---------------------------------------------------------------------------------------

    def query(self) -> Query:
        """Return the query for the rows around the screen; from now on they count as asked for."""
        self._asked_top = self.top
        return self._query(self.filter, self.top)

    def trial(self, text: str) -> Query:
        """Return the query for the first rows that match another filter; nothing changes until accept()."""
        return msgspec.structs.replace(self._query(text, 0), follow="", hold=False)

    def accept(self, text: str) -> None:
        """Have another filter, which the worker understood; begin at the top."""
        self.filter = text
        self.restart()
        self._asked_top = 0

    def _query(self, text: str, top: int) -> Query:
        if self.only_wrong:
            text = f"{_WRONG} ({text})" if text.strip() else _WRONG
        height, near = max(_LEAST, self.height), self.height // 2
        ahead, behind = _AHEAD * height, _BEHIND * height + height // 4  # so far it moves before anything is asked
        before, after = (ahead, behind) if self._goes_up else (behind, ahead)
        first = max(0, top - before)
        return Query(
            resource=self.resource,
            filter=text,
            scope=self.scope,
            job=self.job,
            columns=self.columns,
            sort=self.sort,
            descending=self.descending,
            first=first,
            count=min(SPAN_MAX, top - first + height + after),
            above=max(0, top - first - near),
            below=max(0, after - near),
            follow="" if self._at_top else self.key,
            hold=self.holding,
        )

    def offset_in_typed(self, offset: int) -> int:
        """Return where in the typed filter an error at ``offset`` of the filter asked for is."""
        return max(0, offset - len(_WRONG) - 2) if self.only_wrong else offset

    @property
    def needs_rows(self) -> bool:
        """Whether the screen has moved so far that other rows than those asked for are near it."""
        return abs(self.top - self._asked_top) >= max(1, self.height // 4)

    @property
    def has_holes(self) -> bool:
        """Whether a row of the screen is not held."""
        shown = range(self.top, min(self.top + self.height, self.matched))
        return any(index not in self._held for index in shown)

    # --- rows --------------------------------------------------------------------------------------------------

    def row(self, index: int) -> Held | None:
        """Return the row at ``index``; None for a hole."""
        return self._held.get(index)

    @property
    def current(self) -> Held | None:
        """The row under the cursor, if it is held and still the one the cursor stands for."""
        held = self._held.get(self.cursor)
        return held if held is not None and held.key == self.key else None

    def find(self, key: str) -> Held | None:
        """Return the row with that key, if it is held."""
        place = self._places.get(key)
        return None if place is None else self._held.get(place)

    def place(self, key: str, otherwise: int) -> int:
        """Return where the row with that key is, ``otherwise`` if it is not held."""
        return self._places.get(key, otherwise)

    def held_indexes(self) -> list[int]:
        """Return the indexes of the rows that are held, in order."""
        return sorted(self._held)

    def take(self, rows: Rows) -> Changed:
        """Take a message of the worker; return what is to be painted anew."""
        before = self._seen()
        if rows.reset:
            self._told = rows.columns
            self._held.clear()
            self._places.clear()
        else:
            self._forget_outside(rows.first, rows.first + rows.count)
        names = self._told
        changed: set[int] = set()
        for index, key, cells in rows.rows:
            self._put(index, Held(key, dict(zip(names, map(safe_value, cells), strict=False))))
            changed.add(index)
        for index in [index for index in self._held if index >= rows.matched]:
            self._drop(index)
        self.matched, self.total, self.is_answered = rows.matched, rows.total, True
        self.marks, self.marked = rows.marks, rows.marked
        self.said, self.severity = clean(rows.said), rows.severity
        self._follow(rows)
        return Changed(everything=rows.reset or before != self._seen(), rows=frozenset(changed))

    def _seen(self) -> tuple[object, ...]:
        """Return what more than single rows are painted by."""
        counts = (self.matched, self.total, self.marks, self.marked)
        return (*counts, self.top, self.cursor, self.is_answered, self.said, self.severity)

    def _put(self, index: int, row: Held) -> None:
        self._drop(index)
        old = self._places.get(row.key)
        if old is not None:
            self._drop(old)
        self._held[index] = row
        self._places[row.key] = index

    def _drop(self, index: int) -> None:
        row = self._held.pop(index, None)
        if row is not None and self._places.get(row.key) == index:
            del self._places[row.key]

    def _forget_outside(self, first: int, end: int) -> None:
        for index in [index for index in self._held if not first <= index < end]:
            self._drop(index)

    def _follow(self, rows: Rows) -> None:
        """Bring the cursor to where its row is now."""
        last = max(0, self.matched - 1)
        if not self._at_top and self.key:
            place = self._places.get(self.key)
            if place is None and rows.follow == self.key:
                place = rows.at
                if place is None:
                    self.key = ""
            if place is not None and place != self.cursor:
                self.top += place - self.cursor
                self.cursor = place
        if self._at_top:
            self.cursor = self.top = 0
            self.key = ""
        self.cursor = min(self.cursor, last)
        self._scroll()
        if not self.key:
            held = self._held.get(self.cursor)
            self.key = held.key if held is not None else ""

    # --- moving ------------------------------------------------------------------------------------------------

    def move(self, rows: int) -> bool:
        """Move the cursor by ``rows``, as far as it goes; return whether it moved."""
        return self.go(self.cursor + rows)

    def go(self, index: int) -> bool:
        """Move the cursor to ``index``, or as near as there are rows; return whether anything moved."""
        index = max(0, min(index, self.matched - 1))
        before = (self.cursor, self.top)
        self._at_top = False
        self.cursor = index
        held = self._held.get(index)
        self.key = held.key if held is not None else ""
        self._scroll()
        if self.top != before[1]:
            self._goes_up = self.top < before[1]
        return before != (self.cursor, self.top)

    def go_top(self) -> bool:
        """Move the cursor to the top, where it stays whatever comes there."""
        moved = self.go(0)
        self._at_top = True
        return moved

    def stay(self) -> None:
        """Follow the row under the cursor from now on: somebody acts on it."""
        self._at_top = self._at_top and not self.key

    def restart(self) -> None:
        """Begin at the top: the list is another one now."""
        self.cursor = self.top = 0
        self._at_top = True
        self.holding = self._goes_up = False
        held = self._held.get(0)
        self.key = held.key if held is not None else ""

    def seek(self, key: str) -> None:
        """Follow the row with that key from the next message on."""
        self.key = key
        self._at_top = False

    def keys(self) -> list[str]:
        """Return the keys of the rows that are held, in order."""
        return [self._held[index].key for index in sorted(self._held)]

    def resize(self, height: int) -> None:
        """Say how many rows there is room for."""
        self.height = max(1, height)
        self._scroll()

    def _scroll(self) -> None:
        """Keep the cursor on the screen, and the screen on the list."""
        top = min(self.top, max(0, self.matched - self.height))
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + self.height:
            top = self.cursor - self.height + 1
        self.top = max(0, top)


_WRONG = "severity>1"
