"""Looks for findings, while somebody looks at them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.fleet.fleet import Fleet

SLICE_S = 0.005
"""How long it looks before the loop does other things."""
REST_S = 2.0
REST_FACTOR = 30
"""After a round nobody asked for comes a rest of REST_S, or of so many times what it took: rounds take a thirtieth of
the loop at most, however long a window on them stays open."""
FAILED_S = 60.0
"""Rest after a round that failed."""

log = logging.getLogger(__name__)


class Checking:
    """Rounds of checks, one at a time. Lives in the serve loop."""

    def __init__(self, fleet: Fleet, changed: Callable[[], None]) -> None:
        """``changed`` is called when the findings are others than before."""
        self._fleet = fleet
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._round: asyncio.Task[None] | None = None
        self._rested_at = 0.0

    async def renewed(self) -> None:
        """Return once the findings are of now. Who stops waiting ends no round: others may wait for it too."""
        await asyncio.shield(self._begun())

    def look(self) -> None:
        """Begin a round if the last one is long enough ago."""
        if self._round is None and self._loop.time() >= self._rested_at:
            self._begun()

    def _begun(self) -> asyncio.Task[None]:
        if self._round is None:
            self._round = self._loop.create_task(self._check(), name="findings")
            self._round.add_done_callback(self._over)
        return self._round

    def _over(self, task: asyncio.Task[None]) -> None:
        self._round = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("looking for findings", exc_info=error)
            self._rested_at = self._loop.time() + FAILED_S

    async def _check(self) -> None:
        took_s, revision = 0.0, self._fleet.findings.changes.revision
        began = self._loop.time()
        for _ in self._fleet.check():
            if (spent_s := self._loop.time() - began) >= SLICE_S:
                took_s += spent_s
                await asyncio.sleep(0)
                began = self._loop.time()
        took_s += self._loop.time() - began
        self._rested_at = self._loop.time() + max(REST_S, REST_FACTOR * took_s)
        if self._fleet.findings.changes.revision != revision:
            self._changed()
