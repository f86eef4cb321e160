"""Which columns a table has room for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.errors import UsageError
from kvmtui.model.columns import HIDDEN, Column, Kind
from kvmtui.text import clean, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT = frozenset({Kind.TEXT, Kind.STATE, Kind.LIST, Kind.FLAG})
"""Kinds that are written from the left; figures are written from the right."""
CHOSEN = 5
"""Columns up to this priority come before the first one is given more than it wants; none that is chosen has more."""
_COMFORT = 20
"""Cells that the first column is given before columns of lesser priority come."""
_ROOMY = {Kind.TEXT: 40, Kind.LIST: 24}
"""Most cells of a column that grows."""


class Placed(NamedTuple):
    """A column where it stands in the row."""

    column: Column
    x: int
    width: int

    @property
    def end(self) -> int:
        """The first cell behind it."""
        return self.x + self.width


def place(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Return the columns that fit into ``width`` cells, one cell apart, in their own order.

    The first column is always there, cut to ``width`` if it must be; the others come by priority, as long as each
    has the width it wants. What is left over goes to the columns that grow.
    """
    if not columns or width <= 0:
        return ()
    first = columns[0]
    chosen = {first.id: min(first.width, width)}
    left = width - chosen[first.id]
    ranked = sorted((c for c in columns[1:] if c.priority < HIDDEN), key=lambda c: c.priority)
    for column in ranked:
        if column.priority > CHOSEN and first.grow:
            comfort = min(left, max(0, _COMFORT - chosen[first.id]))
            chosen[first.id] += comfort
            left -= comfort
        if column.width + 1 > left:
            break
        chosen[column.id] = column.width
        left -= column.width + 1
    for column in (first, *ranked):
        if column.grow and column.id in chosen and left > 0:
            more = min(left, max(0, _ROOMY[column.kind] - chosen[column.id]))
            chosen[column.id] += more
            left -= more
    placed: list[Placed] = []
    x = 0
    for column in columns:
        if column.id in chosen:
            placed.append(Placed(column, x, chosen[column.id]))
            x += chosen[column.id] + 1
    return tuple(placed)


def called(every: Sequence[Column], words: Sequence[str]) -> list[Column]:
    """Return the columns of ``every`` that somebody names by id or title, with or without its %, each once.

    Raises UsageError, with all words that name none.
    """
    known = {column.title.rstrip("%"): column for column in every}
    known |= {column.title: column for column in every} | {column.id: column for column in every}
    wrong = [clean(word, 40) for word in words if word.casefold() not in known]
    if wrong:
        near = [meant for word in wrong for meant in get_close_matches(word.casefold(), known, 1, 0.6)]
        meant = f"did you mean {', '.join(dict.fromkeys(near))}? " if near else ""
        raise UsageError(
            f"there is no column {', '.join(wrong)}",
            remedy=f"{meant}there are {', '.join(column.id for column in every)}",
        )
    return list(dict.fromkeys(known[word.casefold()] for word in words))


def header(placed: Sequence[Placed], sort: str, *, descending: bool) -> str:
    """Return the titles of the columns; the one that is sorted by carries an arrow."""
    cells = []
    for column, _, width in placed:
        arrow = ("↓" if descending else "↑") if column.id == sort else ""
        title = column.title[: width - 1] + arrow if arrow else column.title
        cells.append(fit(title, width, right=column.kind not in LEFT))
    return " ".join(cells)
