"""The way back: where somebody was before each jump."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.console.arrangement import Arrangement

PLACES_MAX = 50


class Place(NamedTuple):
    """Tables as they were looked at."""

    pane: str
    arrangements: dict[str, Arrangement]
    """Of the tables that are seen together, by name."""
    key: str
    """Of the row under the cursor."""


class Places:
    """Places, the last one on top; the oldest are forgotten."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def leave(self, place: Place) -> None:
        """Remember a place that is left for another."""
        if not self._places or self._places[-1] != place:
            self._places = [*self._places, place][-PLACES_MAX:]

    def back(self) -> Place | None:
        """Return the place that was left last, and forget it; None if there is none."""
        return self._places.pop() if self._places else None
