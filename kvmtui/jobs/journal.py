"""The journal of jobs: what is about to happen is on disk before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kvmtui.guard import audit
from kvmtui.jobs import pruning, rows
from kvmtui.jobs.listed import listed
from kvmtui.jobs.past import Past
from kvmtui.jobs.store import Change, Store
from kvmtui.jobs.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kvmtui.errors import NotRecordedError
    from kvmtui.guard.client import ClientId
    from kvmtui.jobs.listed import Listed
    from kvmtui.jobs.past import Told
    from kvmtui.jobs.pruning import Pruned
    from kvmtui.jobs.rows import Kept, Order, Standing
    from kvmtui.jobs.walk import Walk
    from kvmtui.model.job import Step, Target


class Journal:
    """Jobs and steps, each change in one transaction with the audit record of it; made and used in one event loop.

    What is begun waits for its record (``submit``, ``begin``: NotRecordedError, and then nothing may be begun). What
    has happened already is owed: it is written as soon as the disk takes it. A file that is damaged, held, full or
    read-only is tried again at each act and never replaced: what it says was under way is not ours to forget.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        open_store: Callable[[Path, Callable[[], float]], Store] = Store,
    ) -> None:
        """Keep the journal in ``path``; the file is opened when it is first needed."""
        self._clock = clock
        self._past = Past()
        self._writer = Writer(lambda: open_store(path, clock), clock)

    @property
    def trouble(self) -> NotRecordedError | None:
        """Why nothing can be recorded now, or None."""
        return self._writer.trouble

    @property
    def waiting(self) -> int:
        """Changes and questions that the disk has not answered yet."""
        return self._writer.waiting

    async def submit(self, order: Order, standing: Standing, targets: Sequence[Target], steps: Sequence[Step]) -> None:
        """Write a new job with its steps, and forget jobs of long ago. Raises NotRecordedError."""
        job = standing.job
        record = msgspec.structs.replace(
            audit.by(order.who, audit.SUBMITTED, job.started),
            job=job.id,
            verb=job.verb,
            plan=order.plan,
            text=job.subject,
        )
        statements = (*rows.insert(order, standing, targets, steps), rows.prune(job.started))
        await self._writer.write(Change(statements, (record,)))

    async def begin(self, order: Order, step: Step) -> None:
        """Write that ``step`` is about to leave. Raises NotRecordedError: then it must not."""
        await self._writer.write(Change((rows.update_step(order.id, step),), (_record(order, step, audit.INTENT),)))

    def end(self, order: Order, step: Step, standing: Standing) -> None:
        """Write how a step that had begun ended, and where its job stands with it."""
        self._writer.owe(_change(order, step, standing, audit.OUTCOME))

    def resolve(self, order: Order, step: Step, standing: Standing) -> None:
        """Write what a later look made of an unknown outcome."""
        self._writer.owe(_change(order, step, standing, audit.VERIFIED))

    def skip(self, step: Step, standing: Standing) -> None:
        """Write that a step was not begun at all, and why."""
        self._writer.owe(Change((rows.update_step(standing.job.id, step), rows.update(standing))))

    def move(self, standing: Standing) -> None:
        """Write where a job stands."""
        self._writer.owe(Change((rows.update(standing),)))

    def control(self, order: Order, standing: Standing, who: ClientId, phase: str, what: str = "") -> None:
        """Write that somebody stopped or changed a job, and ``what``."""
        record = self._controlled(order, who, phase, what or standing.job.subject)
        self._writer.owe(Change((rows.update(standing), rows.update_how(standing.job)), (record,)))

    async def resume(self, order: Order, who: ClientId, what: str) -> None:
        """Write that somebody lets a job go on. Raises NotRecordedError: then it must not."""
        await self._writer.write(Change((), (self._controlled(order, who, audit.RESUMED, what),)))

    def _controlled(self, order: Order, who: ClientId, phase: str, what: str) -> audit.Record:
        beginning = audit.by(who, phase, self._clock())
        return msgspec.structs.replace(beginning, job=order.id, verb=order.verb, plan=order.plan, text=what)

    async def tell(self, record: audit.Record) -> None:
        """Write a record of what is no step of a job. Raises NotRecordedError: then it must not happen."""
        await self._writer.write(Change((), (record,)))

    async def load(self, unknown_since: float) -> list[Kept]:
        """Return all jobs, the oldest first, as rows.load does. Raises NotRecordedError if it cannot be read."""
        return await self._writer.ask(lambda store: rows.load(store, unknown_since))

    async def detail(self, job: str) -> tuple[str, tuple[Step, ...]]:
        """Return a job's plan and steps, "" and none if there is no such job. Raises NotRecordedError."""
        return await self._writer.ask(lambda store: rows.detail(store, job))

    async def past(self, host: str, uuid: str, limit: int) -> Told:
        """Return what is told of a VM, a host or all, as Past.read does. Raises NotRecordedError."""
        return await self._writer.ask(lambda store: self._past.read(store, host, uuid, limit))

    async def head(self) -> audit.Head:
        """Return where the audit record ends, what was written before this included. Raises NotRecordedError."""
        return await self._writer.ask(lambda store: audit.Head(*store.rows("SELECT seq, hash FROM head")[0]))

    async def listed(self, after: int, newest: int) -> Listed:
        """Return some of the ``newest`` audit records, those behind number ``after``. Raises NotRecordedError."""
        return await self._writer.ask(lambda store: listed(store, after, newest))

    async def step(self, walk: Walk) -> bool:
        """Have a walk along the audit record take its next step; whether it is done. Raises NotRecordedError."""
        return await self._writer.ask(walk.step)

    async def prune(self, keep_s: float) -> Pruned:
        """Remove some of the audit records older than ``keep_s``, and say how many. Raises NotRecordedError."""
        return await self._writer.ask(lambda store: pruning.prune(store, keep_s, self._clock()))

    async def close(self) -> None:
        """Write what is left, and end; takes seconds at most, and milliseconds on a disk that works."""
        await self._writer.close()


def _change(order: Order, step: Step, standing: Standing, phase: str) -> Change:
    return Change((rows.update_step(order.id, step), rows.update(standing)), (_record(order, step, phase),))


def _record(order: Order, step: Step, phase: str) -> audit.Record:
    began = step.began or 0.0
    ended = began if phase == audit.INTENT or step.ended is None else step.ended
    who = order.who
    return audit.Record(
        phase=phase,
        at=audit.stamp(ended),
        user=who.user,
        uid=who.uid,
        pid=who.pid,
        origin=who.origin,
        job=order.id,
        step=step.number,
        host=step.host,
        uuid=step.uuid,
        name=step.name,
        verb=order.verb,
        parameters=order.parameters,
        plan=order.plan,
        outcome="" if phase == audit.INTENT else step.state.value,
        text=step.text,
        words=step.words,
        duration_ms=None if phase == audit.INTENT else round((ended - began) * 1000),
    )
