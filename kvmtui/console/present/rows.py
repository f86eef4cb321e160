"""Rows of tables: cells, with words laid over the columns they make pointless."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.columns import LEFT
from kvmtui.text import fit, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed


_WORDS_LEAST = 5
"""Cells below which words say nothing."""


class Words(NamedTuple):
    """Words that stand on a row in place of its columns from some cell on."""

    text: str
    role: str
    x: int
    """First cell they take."""


def compose(placed: Sequence[Placed], cells: Sequence[Sequence[Span]], total: int, words: Words | None) -> Line:
    """Return a row of exactly ``total`` cells.

    ``cells`` are those of the columns, fitted; columns that end behind the first cell of ``words`` give way to them.
    """
    spans: list[Span] = []
    at = 0
    stop = words.x if words else total
    for column, cell in zip(placed, cells, strict=True):
        if column.end > stop:
            break
        _add(spans, " " * (column.x - at), "text")
        for span in cell:
            _add(spans, span.text, span.role)
        at = column.end
    if words is not None:
        _add(spans, " " * (words.x - at), "text")
        _add(spans, fit(words.text, total - words.x), words.role)
    else:
        _add(spans, " " * (total - at), "text")
    return tuple(spans)


def words_at(
    text: str, role: str, placed: Sequence[Placed], total: int, *, after: str, keep: Sequence[str] = ()
) -> Words | None:
    """Return ``text`` where it begins: behind as many columns as leave it room, behind ``after`` in any case.

    ``keep`` are the ids of columns that are worth more than the end of the words, most important first. The first
    column is never given up; where nothing is left beside it, there are no words.
    """
    first = _behind(placed[0]) if placed else 0
    least = next((_behind(p) for p in placed if p.column.id == after), first)
    if total - least < _WORDS_LEAST:
        least = first
    if total - least < _WORDS_LEAST:
        return None
    wanted = min(width(text), max(24, total // 3))
    for column_id in reversed(keep):
        for p in placed:
            if p.column.id == column_id and _behind(p) >= least and total - _behind(p) >= wanted:
                return Words(text, role, _behind(p))
    return Words(text, role, least)


def _behind(placed: Placed) -> int:
    """Return the first cell for words behind a column: a figure and words are not to run together."""
    return placed.end + (1 if placed.column.kind in LEFT else 2)


def _add(spans: list[Span], text: str, role: str) -> None:
    """Append ``text``, in one span with what is before it where the role is the same."""
    if not text:
        return
    if spans and spans[-1].role == role:
        spans[-1] = Span(spans[-1].text + text, role)
    else:
        spans.append(Span(text, role))
