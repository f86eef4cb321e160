"""The steps of the jobs that somebody looks at."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.errors import NotRecordedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.jobs.engine import Engine
    from kvmtui.model.job import Step

KEPT = 8
"""Jobs whose steps are kept, those that were looked at last."""


class _Kept(NamedTuple):
    steps: tuple[Step, ...]
    is_final: bool
    """They are from the journal, and change no more."""


class JobSteps:
    """Steps by job: of one that goes on as they are now, of the others from the journal."""

    def __init__(self, engine: Engine, came: Callable[[], None]) -> None:
        """``came`` is told when steps have come that were not there when somebody asked."""
        self._engine = engine
        self._came = came
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def read(self, job: str) -> None:
        """Have the steps of a job at hand. Raises UsageError if there is none, NotRecordedError."""
        kept = self._kept.get(job)
        if self._engine.steps(job) is None and (kept is None or not kept.is_final):
            self._keep(job, (await self._engine.detail(job)).steps, is_final=self._engine.steps(job) is None)

    def rows(self, job: str) -> tuple[Step, ...]:
        """Return its steps as far as they are at hand: read() has them there."""
        live = self._engine.steps(job)
        if live is not None:
            self._keep(job, live, is_final=False)
            return live
        kept = self._kept.get(job, _Kept((), is_final=False))
        if not kept.is_final and job not in self._reading:  # it has ended: its last word is in the journal
            self._reading[job] = asyncio.create_task(self._read_again(job), name=f"steps of {job}")
        return kept.steps

    async def _read_again(self, job: str) -> None:
        try:
            with contextlib.suppress(UsageError, NotRecordedError):  # what is kept is shown on
                await self.read(job)
                self._came()
        finally:
            del self._reading[job]

    def _keep(self, job: str, steps: tuple[Step, ...], *, is_final: bool) -> None:
        self._kept[job] = _Kept(steps, is_final)
        self._kept.move_to_end(job)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
