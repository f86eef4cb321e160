"""What is known of one thing, as lines with labels."""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, fit_line, join, line_width, wrap
from kvmtui.text import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABEL = 14
_TWO = 90
"""Cells from which figures stand beside the rest."""


def fact(label: str, *spans: Span) -> Line:
    """Return one line."""
    return (Span(f"  {label:<{_LABEL}}", "faint"), *spans)


def long_fact(label: str, text: str, role: str, width: int) -> list[Line]:
    """Return a text of any length in lines of ``width`` cells."""
    pieces = wrap(text, max(10, width - _LABEL - 3))
    return [fact(label if number == 0 else "", Span(piece, role)) for number, piece in enumerate(pieces)]


def left_width(width: int) -> int:
    """Return the cells that the left column has on a page of ``width``."""
    return width if width < _TWO else width // 2


def beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """Return two columns side by side where there is room for both, else one below the other.

    What is below is in two columns itself where each of its lines leaves room for another.
    """
    half = width // 2
    if width >= _TWO:
        return [(), *_pairs(left, right, half)]
    if any(line_width(line) > half - 1 for line in right):
        return [(), *left, (), *right]
    middle = -(-len(right) // 2)
    return [(), *left, (), *_pairs(right[:middle], right[middle:], half)]


def _pairs(left: Sequence[Line], right: Sequence[Line], half: int) -> list[Line]:
    return [(*fit_line(a, half), *b) for a, b in zip_longest(left, right, fillvalue=())]


def read_at(label: str, at: float | None, now: float) -> Line:
    """Return when something was read; rows of live windows say so only where it is late."""
    text = f"{duration(now - at)} ago, {time.strftime('%H:%M:%S %Z', time.localtime(at))}" if at else "in time"
    return fact(label, Span(text, "faint"))


def tabs(names: Sequence[str], chosen: str, room: int) -> Line:
    """Return the names of tabs; in less cells than they take, the chosen one with those beside it, or by itself."""
    at = names.index(chosen)
    line: Line = ()
    for around in (len(names), 1, 0):
        first, end = max(0, at - around), at + around + 1
        shown = ["…"] * bool(first) + list(names[first:end]) + ["…"] * (end < len(names))
        line = join([(Span(name, "title" if name == chosen else "faint"),) for name in shown], "  ")
        if line_width(line) <= room:
            break
    return line
