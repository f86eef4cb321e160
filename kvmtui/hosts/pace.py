"""How far the periods of the polls are stretched, so that the worker stays within its share of the machine."""

from __future__ import annotations

CORES = 0.125
"""CPU time per time that asking all hosts may take. As much again goes into knowing and showing what they say: together
a quarter of a core."""
MOST = 30.0
"""Periods are never stretched further."""


class Pace:
    """A factor on the periods, at least 1."""

    def __init__(self) -> None:
        self.factor = 1.0

    def measured(self, cpu_s: float, elapsed_s: float) -> float:
        """Take in what asking took lately, return the factor from now on.

        What is measured was measured at the present factor, and falls as that grows; half a step at a time, so that
        a burst (many hosts connecting at once) does not swing it.
        """
        if elapsed_s > 0:
            wanted = max(1.0, min(MOST, self.factor * cpu_s / elapsed_s / CORES))
            self.factor += (wanted - self.factor) / 2
            if self.factor < 1.05:
                self.factor = 1.0
        return self.factor
