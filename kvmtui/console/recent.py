"""The recent figures of one row, as the worker sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.wire.messages import Series

POINTS_MAX = 4_000
"""Points that are kept: 15 minutes at four a second."""


class Recent:
    """Points of one series."""

    def __init__(self) -> None:
        self.figures: tuple[str, ...] = ()
        """Column ids of the values in a point, after the time."""
        self.points: list[tuple[float | None, ...]] = []
        """(seconds since the epoch, value, …), oldest first."""

    def take(self, series: Series) -> None:
        """Take a message of the worker."""
        if series.reset:
            self.points = []
        self.figures = series.figures
        self.points = [*self.points, *series.points][-POINTS_MAX:]

    @property
    def has_values(self) -> bool:
        """Whether anything was measured at all."""
        return any(value is not None for point in self.points for value in point[1:])
