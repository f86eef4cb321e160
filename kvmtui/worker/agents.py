"""The SSH agents that clients offer while they are there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FRESH_S = 4.0
"""How long hosts that need a human may take to be tried with an agent that has just been offered."""
PATH_MAX = 200


class Agents:
    """Tells the hosts which agents there are. Times are of ``clock``."""

    def __init__(self, offer: Callable[[tuple[str, ...]], None], clock: Callable[[], float]) -> None:
        self._offer = offer
        self._clock = clock
        self._offered: tuple[str, ...] = ()
        self._changed_at = float("-inf")

    def offer_own(self) -> None:
        """Offer the agent of who started this process, until it is known who is there: he has not said hello yet."""
        self.offer([os.environ.get("SSH_AUTH_SOCK", "")])

    def offer(self, agents: Iterable[str]) -> None:
        """Offer these and no others, the last first."""
        known = [agent for agent in agents if agent.startswith("/") and len(agent) <= PATH_MAX]
        offered = tuple(dict.fromkeys(reversed(known)))
        if offered == self._offered:
            return
        if set(offered) - set(self._offered):
            self._changed_at = self._clock()
        self._offered = offered
        self._offer(offered)

    def is_fresh(self) -> bool:
        """Whether an agent was offered so recently that what it opens may not be open yet."""
        return self._clock() - self._changed_at < FRESH_S
