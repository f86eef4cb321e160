"""Telling of jobs that change faster than anyone can read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.model.job import Job

PERIOD_S = 0.1
"""A job is told of at most so often; the last word always is."""


class Teller:
    """Passes jobs on to ``announce``: the first change at once, what follows bundled."""

    def __init__(self, announce: Callable[[Job], None]) -> None:
        self._announce = announce
        self._changed: dict[str, Job] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, job: Job) -> None:
        """A job is now as it is."""
        if self._timer is None:
            self._announce(job)
            self._wait()
        else:
            self._changed[job.id] = job

    def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._again)

    def _again(self) -> None:
        self._timer = None
        if self._changed:
            self._flush()
            self._wait()

    def _flush(self) -> None:
        changed, self._changed = self._changed, {}
        for job in changed.values():
            self._announce(job)
