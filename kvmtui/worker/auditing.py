"""Looks after the audit record: anchors, pruning, what is shown of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from kvmtui.errors import NotRecordedError
from kvmtui.fleet.ledger import Said
from kvmtui.jobs.listed import SLICE as READ_AT_ONCE
from kvmtui.jobs.pruning import SLICE as PRUNED_AT_ONCE
from kvmtui.jobs.walk import Walk
from kvmtui.text import duration, plural
from kvmtui.worker.anchoring import Anchoring

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kvmtui.config.structs import AuditConfig
    from kvmtui.fleet.ledger import Ledger
    from kvmtui.jobs.journal import Journal

PRUNE_S = 3_600.0
"""How often it is looked whether something is old enough to go."""
VERIFY_S = 600.0
"""How often the chain is verified as long as somebody looks at it; anew whenever somebody begins to."""
REST_S = 0.05
"""Between two slices of a walk, or of what is pruned, which is for those who act."""
PATIENCE_S = 3.0
"""How long somebody waits for the newest records; what is known is shown without them."""

log = logging.getLogger(__name__)


class Auditing:
    """What is done about the record beside writing it, one thing of a kind at a time. Lives in the serve loop."""

    def __init__(
        self,
        journal: Journal,
        path: Path,
        config: AuditConfig,
        ledger: Ledger,
        clock: Callable[[], float],
        tell: Callable[[str, str], None],
        changed: Callable[[], None],
    ) -> None:
        """``tell`` is called with (about, what is to be said of it in the worker's status, or ""), ``changed`` when
        the ``ledger`` has changed."""
        self.anchoring = Anchoring(journal, path, config, clock, lambda words: tell("anchor", words))
        self._journal = journal
        self._config = config
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._prune_at = 0.0
        self._verify_at = 0.0
        self._chain = Said()
        """What is known of the chain."""
        self._written = 0
        """Records that the journal has."""

    def apply(self, config: AuditConfig) -> None:
        """Put another config in force."""
        self._config = config
        self._prune_at = 0.0
        self.anchoring.apply(config)

    def tick(self, *, is_shown: bool) -> None:
        """Begin what is due, once a second; ``is_shown``: somebody looks at the record."""
        if (trouble := self._journal.trouble) is not None:
            self._chain = Said(f"the journal: {trouble.text}", 3)
            self._say()
            return
        now = self._loop.time()
        if self.anchoring.is_due:
            self._begin("anchor", self.anchoring.look)
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_S
            self._begin("prune", self._prune)
        if not is_shown:
            self._verify_at = 0.0
            return
        self._begin("read", self._read)
        if now >= self._verify_at:
            self._verify_at = now + VERIFY_S
            self._begin("verify", self._verify)

    async def renewed(self) -> None:
        """Return once the newest records are in the ledger, or are too long in coming."""
        task = self._begin("read", self._read)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(task)

    async def close(self) -> None:
        """End, once the journal is closed."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.anchoring.close()

    def _begin(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
        if name not in self._tasks:
            task = self._loop.create_task(self._do(name, work), name=f"audit {name}")
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name))
        return self._tasks[name]

    async def _do(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
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
            await asyncio.sleep(REST_S)
        if gone:
            log.info("pruned %s older than %s from the audit record", plural(gone, "record"), duration(keep_s))
        broken = f"the audit record is not pruned, it is not sound: {pruned.why} · kvmtui audit verify"
        self._tell("audit", broken if pruned.why else "")

    async def _read(self) -> None:
        """Bring the newest records into the ledger."""
        ledger = self._ledger
        while True:
            before = ledger.changes.revision
            told = await self._journal.listed(ledger.last, ledger.most)
            ledger.take(told.rows, told.first, told.last)
            self._written = told.last - told.first + 1 if told.last else 0
            if ledger.changes.revision != before:
                self._changed()
            self._say()
            if len(told.rows) < READ_AT_ONCE:
                break

    async def _verify(self) -> None:
        """Walk along the chain, and say where it stands."""
        walk = Walk()
        while not await self._journal.step(walk):
            if not self._chain.text:
                self._chain = Said("chain: being verified")
                self._say()
            await asyncio.sleep(REST_S)
        found = walk.found
        assert found is not None
        if found.is_sound:
            at = time.strftime("%H:%MZ", time.gmtime(self._clock()))
            self._chain = Said(
                f"chain sound, {found.records:,} {'record' if found.records == 1 else 'records'}, verified {at}"
            )
            self._tell("chain", "")
        else:
            self._chain = Said(f"chain BROKEN at record {found.broken:,}", 4)
            self._tell("chain", f"the audit record is not sound: {found.why} · kvmtui audit verify")
        self._say()

    def _say(self) -> None:
        """Say of the list what is to be said of it."""
        shown = len(self._ledger.rows)
        newest = f"{shown:,} newest shown" if shown < self._written else ""
        said = Said(" · ".join(part for part in (self._chain.text, newest) if part), self._chain.severity)
        if said != self._ledger.said:
            self._ledger.said = said
            self._changed()
