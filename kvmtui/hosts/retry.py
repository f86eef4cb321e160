"""How long to wait before a host is tried again: for ever, with back-off, with jitter."""

from __future__ import annotations

import random
from collections.abc import Callable

from kvmtui.model.host import LinkState

FIRST_S = 1.0
LONGEST_S = 60.0
NEEDS_YOU_S = 300.0
"""What needs a human seldom mends itself; trying a refused login again and again locks accounts."""
STEADY_S = 10.0
"""A host that was up for less has not come back: the waits go on growing."""


class Retry:
    """The waits of one host."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        """``jitter`` gives numbers from 0 to 1: hosts that were lost together are not tried together."""
        self._jitter = jitter
        self._failures = 0

    def wait_s(self, state: LinkState, up_for_s: float) -> float:
        """Return how long to wait; ``state`` is how the host is now, ``up_for_s`` how long it was up before, or 0."""
        self._failures = 0 if up_for_s >= STEADY_S else self._failures + 1
        if state is LinkState.NEEDS_YOU:
            return NEEDS_YOU_S
        longest_s = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 10))
        return longest_s * (1 + self._jitter()) / 2
