"""Looks after the audit record: anchors, pruning, what is shown of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kvmtui.errors import NotRecordedError
from kvmtui.jobs.pruning import SLICE as PRUNED_AT_ONCE
from kvmtui.text import duration, plural
from kvmtui.worker.anchoring import Anchoring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kvmtui.config.structs import AuditConfig
    from kvmtui.jobs.journal import Journal

PRUNE_S = 3_600.0
"""How often it is looked whether something is old enough to go."""

log = logging.getLogger(__name__)


class Auditing:
    """What is done about the record beside writing it, one thing of a kind at a time. Lives in the serve loop."""

    def __init__(
        self,
        journal: Journal,
        path: Path,
        config: AuditConfig,
        clock: Callable[[], float],
        tell: Callable[[str, str], None],
    ) -> None:
        """``tell`` is called with (about, what is to be said of it in the worker's status, or "")."""
        self.anchoring = Anchoring(journal, path, config, clock, lambda words: tell("anchor", words))
        self._journal = journal
        self._config = config
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._prune_at = 0.0

    def apply(self, config: AuditConfig) -> None:
        """Put another config in force."""
        self._config = config
        self._prune_at = 0.0
        self.anchoring.apply(config)

    def tick(self) -> None:
        """Begin what is due, once a second."""
        if self._journal.trouble is not None:
            return
        if self.anchoring.is_due:
            self._begin("anchor", self.anchoring.look)
        if self._loop.time() >= self._prune_at:
            self._prune_at = self._loop.time() + PRUNE_S
            self._begin("prune", self._prune)

    async def close(self) -> None:
        """End, once the journal is closed."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.anchoring.close()

    def _begin(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        if name not in self._tasks:
            task = self._loop.create_task(self._do(name, work), name=f"audit {name}")
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name))

    async def _do(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except NotRecordedError as error:
            log.info("audit %s: %s", name, error)
        except Exception:  # the top of the task: it is tried again when it is due
            log.exception("audit %s", name)

    async def _prune(self) -> None:
        keep_s, gone = self._config.keep_s, 0
        while True:
            pruned = await self._journal.prune(keep_s)
            gone += pruned.records
            if pruned.why or pruned.records < PRUNED_AT_ONCE:
                break
        if gone:
            log.info("pruned %s older than %s from the audit record", plural(gone, "record"), duration(keep_s))
        broken = f"the audit record is not pruned, it is not sound: {pruned.why} · kvmtui audit verify"
        self._tell("audit", broken if pruned.why else "")
