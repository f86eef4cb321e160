"""Figures as graphs of braille dots over time, or as bars of their share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SPAN_S = 900.0
"""Seconds that a graph shows."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEFT_DOTS = (0x40, 0x04, 0x02, 0x01)
"""Dots of the left column of a braille cell, from the bottom."""
_RIGHT_DOTS = (0x80, 0x20, 0x10, 0x08)


def bar(pct: float | None, cells: int) -> str:
    """Return a share of 100 as a bar of exactly ``cells`` cells; dots for what is left, "–" for None."""
    if pct is None:
        return "–".ljust(cells)
    eighths = round(max(0.0, min(100.0, pct)) / 100 * cells * 8)
    full, part = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[part] if part else "")
    return drawn + "·" * (cells - len(drawn))


def buckets(
    points: Sequence[tuple[float | None, ...]], figure: int, count: int, now: float, span_s: float = SPAN_S
) -> list[float | None]:
    """Return the highest value of each of ``count`` equal spans of time that end ``now``; None where none was taken.

    ``points`` are (time, value, …), oldest first; ``figure`` is the place of the value. Spans are at fixed places of
    the clock, so that a graph moves by whole columns instead of flickering.
    """
    drawn: list[float | None] = [None] * count
    if count <= 0:
        return drawn
    step = span_s / count
    last = math.floor(now / step)
    for point in points:
        at, value = point[0], point[figure]
        if at is None or value is None:
            continue
        index = count - 1 - (last - math.floor(at / step))
        if 0 <= index < count:
            before = drawn[index]
            drawn[index] = value if before is None else max(before, value)
    return drawn


def bridge(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return ``values`` with holes of at most ``most`` columns filled by what was before them.

    A column narrower than the period of the samples has none of its own now and then, and the newest has none yet;
    that is no gap.
    """
    bridged = list(values)
    start = 0
    while start < len(bridged):
        end = start
        while end < len(bridged) and values[end] is None:
            end += 1
        if start > 0 and end - start <= most:
            bridged[start:end] = [bridged[start - 1]] * (end - start)
        start = end + 1
    return bridged


def braille(values: Sequence[float | None], rows: int, top: float, *, hanging: bool = False) -> list[str]:
    """Return ``rows`` lines of an area graph, two values a cell, each column filled up to its value.

    ``top`` is the value at full height. A value of 0 is one dot; None is nothing. ``hanging``: from the top down.
    """
    cells = (len(values) + 1) // 2
    heights = [_dots(value, rows * 4, top) for value in values] + [0]
    lines: list[str] = []
    for line in range(rows):
        below = (line if hanging else rows - 1 - line) * 4
        drawn: list[str] = []
        for cell in range(cells):
            left = _column(heights[2 * cell] - below, _LEFT_DOTS, hanging=hanging)
            right = _column(heights[2 * cell + 1] - below, _RIGHT_DOTS, hanging=hanging)
            drawn.append(chr(0x2800 + left + right) if left or right else " ")
        lines.append("".join(drawn))
    return lines


def _dots(value: float | None, full: int, top: float) -> int:
    """Return how many dots high a value is."""
    if value is None:
        return 0
    if value >= top:
        return full if value > 0 else 1
    return max(1, round(value / top * full))


def _column(height: int, dots: tuple[int, ...], *, hanging: bool) -> int:
    """Return the dots of half a cell that is filled ``height`` dots high."""
    count = max(0, min(4, height))
    return sum(dots[4 - count :] if hanging else dots[:count])


def nice_top(peak: float | None, *, binary: bool) -> float:
    """Return the top of a scale for values up to ``peak``: 1, 2 or 5 times a power of ten, or of 1024 for bytes."""
    if not peak or peak <= 0:
        return 1024.0 if binary else 1.0
    unit = 1024.0 ** math.floor(math.log(peak, 1024)) if binary else 1.0
    amount = peak / unit
    decade = 10.0 ** math.floor(math.log10(amount))
    for step in (1, 2, 5, 10):
        if amount <= step * decade * 1.0001:
            return step * decade * unit
    return 10 * decade * unit


def peak_of(points: Sequence[tuple[float | None, ...]], figure: int) -> float | None:
    """Return the highest value taken, None if there is none."""
    return max((value for point in points if (value := point[figure]) is not None), default=None)
