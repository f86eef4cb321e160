"""How far the periods of the polls are stretched, so that the worker stays within its share of the machine."""

from __future__ import annotations

import math

CORES = 0.125
"""CPU time per time that asking all hosts may take. As much again goes into knowing and showing what they say: together
a quarter of a core."""
MOST = 30.0
"""Periods are never stretched further."""
MEMORY_S = 30.0
"""Over how long the load is averaged: longer than a round of statistics, which comes in bursts."""
NOTICEABLE = 1.05


class Pace:
    """A factor on the periods, at least 1."""

    def __init__(self) -> None:
        self.factor = 1.0
        self._load = 0.0
        """Cores that asking would take at the periods of the config, averaged."""

    def measured(self, cpu_s: float, elapsed_s: float) -> float:
        """Take in what asking took lately, at the present factor; return the factor from now on."""
        if elapsed_s > 0:
            load = cpu_s / elapsed_s * self.factor
            self._load += (load - self._load) * (1 - math.exp(-elapsed_s / MEMORY_S))
            factor = min(MOST, self._load / CORES)
            self.factor = factor if factor >= NOTICEABLE else 1.0
        return self.factor
