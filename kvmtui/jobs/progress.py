"""How fast the steps of a job end."""

from __future__ import annotations

from collections import deque

LATELY_S = 300.0
"""How far back it is looked."""
_GRAIN_S = 5.0
"""Ends of so many seconds are counted together."""
FEWEST = 3
"""Ends from which on there is something to go by."""
SHORTEST_S = 2.0
"""Time from which on there is something to go by."""


class Progress:
    """Counts ends over the last LATELY_S, in bounded room. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._ends: deque[list[float]] = deque()

    def begin(self, now: float) -> None:
        """The job goes on from here: what was before tells nothing of what comes."""
        self._since = now
        self._ends.clear()

    def end(self, now: float) -> None:
        """A step has ended."""
        if self._since is None:
            return
        if self._ends and 0 <= now - self._ends[-1][0] < _GRAIN_S:
            self._ends[-1][1] += 1
        else:
            self._ends.append([now, 1])
        while self._ends and not 0 <= now - self._ends[0][0] <= LATELY_S:
            self._ends.popleft()

    def rate(self, now: float) -> float | None:
        """Return how many steps end a minute, or None if there is too little to go by."""
        if self._since is None:
            return None
        span_s = min(now - self._since, LATELY_S)
        count = sum(count for at, count in self._ends if 0 <= now - at <= LATELY_S)
        if count < FEWEST or span_s < SHORTEST_S:
            return None
        return count * 60.0 / span_s
