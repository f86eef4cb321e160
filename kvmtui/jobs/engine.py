"""The engine: jobs that outlive who asked for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui.actions import VERBS
from kvmtui.errors import NotRecordedError, RefusedError, UsageError
from kvmtui.guard import gate
from kvmtui.guard.roles import Role
from kvmtui.jobs import plan
from kvmtui.jobs.control import ACTS, Controls
from kvmtui.jobs.dispatch import Dispatch
from kvmtui.jobs.foreign import Foreign
from kvmtui.jobs.holds import Holds
from kvmtui.jobs.live import LiveJob
from kvmtui.jobs.plan import Plans
from kvmtui.jobs.rows import HELD, JOBS_MAX, Order
from kvmtui.jobs.run import Runner
from kvmtui.jobs.tell import Teller
from kvmtui.jobs.verify import WATCHED_S, Verifier
from kvmtui.model.job import ENDED, Job, JobDetail, JobState, Step, StepState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kvmtui.guard.client import ClientId
    from kvmtui.jobs.around import Acts, FleetView, JobsConfig
    from kvmtui.jobs.journal import Journal
    from kvmtui.jobs.rows import Kept, Standing
    from kvmtui.model.job import How, Plan, Skip
    from kvmtui.wire.messages import Eligible

RETRY_S = 10.0
"""How often a journal that could not be read is tried again."""
READY_S = 3.0
"""How long a question about jobs waits for a journal that is slow to read: a little longer than one that is held."""

logger = logging.getLogger(__name__)


class Engine:
    """All jobs of the worker. Made and used in one event loop.

    ``announce`` is told of every job that changed, at most every tenth of a second for each.
    """

    def __init__(
        self,
        journal: Journal,
        acts: Acts,
        fleet: FleetView,
        config: JobsConfig,
        announce: Callable[[Job], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._rules = gate.rules_of(config)
        self._fleet = fleet
        self._holds = Holds(fleet)
        self._foreign = Foreign(acts, fleet, clock)
        self._plans = Plans(fleet, clock, self._holds.holder, self._foreign.job)
        runner = Runner(journal, acts, fleet, lambda: self._rules, clock)
        self._verifier = Verifier(acts, fleet, clock, self._found, self._drop)
        self._dispatch = Dispatch(journal, runner, self._holds, self._changed, self._verifier.watch, clock)
        self._controls = Controls(journal, self._dispatch, self._changed)
        self._teller = Teller(announce)
        self._jobs: dict[str, Job] = {}
        self._live: dict[str, LiveJob] = {}
        self._submits: set[asyncio.Task[Job]] = set()
        self._recovered = False
        self._asked = asyncio.Event()
        self._recovering = asyncio.Lock()
        self._retry: asyncio.Task[None] | None = None
        self._is_leaving = False
        self.apply(config)

    def apply(self, config: JobsConfig) -> None:
        """Put another config in force, for what has not begun."""
        self._rules = gate.rules_of(config)
        self._bulk = config.bulk
        self._dispatch.limit(config.limits.per_host, config.limits.overall)

    # --- after a start ----------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Read what the journal has. Steps that were left begun are looked at, in the background; what had not begun
        waits for a human. A journal that cannot be read is tried again; until it can, nothing is begun.
        """
        try:
            await self._recover()
        except NotRecordedError:
            if self._retry is None:
                self._retry = asyncio.create_task(self._recover_later(), name="journal retry")
        finally:
            self._asked.set()

    async def ready(self) -> None:
        """Wait until it is known what the journal has, or that it cannot be read; READY_S at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_S):
                await self._asked.wait()

    async def _recover_later(self) -> None:
        while not self._recovered:
            await asyncio.sleep(RETRY_S)
            try:
                await self._recover()
            except NotRecordedError:
                continue
            except Exception:  # the top of the task: acts go on being refused
                logger.exception("reading the journal")

    async def _recover(self) -> None:
        async with self._recovering:
            if self._recovered:
                return
            for kept in await self._journal.load(self._clock() - WATCHED_S):
                self._take_up(kept)
            self._recovered = True

    def _take_up(self, kept: Kept) -> None:
        job = kept.standing.job
        is_known = kept.order.verb in VERBS
        if kept.steps and not is_known:
            text = "its verb is not known to this kvmtui: look at its VMs"
            job = replace(job, state=JobState.UNKNOWN, ended=job.started, text=text)
        self._jobs[job.id] = job
        if not kept.steps or not is_known:
            return
        stopped = kept.standing.stopped or HELD
        live = LiveJob(kept.order, kept.targets, kept.steps, job.started, how=job.how, stopped=stopped)
        live.ended = job.ended
        if job.ended is None:
            live.why = "waits for you: the worker was restarted" if live.is_waiting else "the worker was restarted"
        self._live[job.id] = live
        for step in kept.steps:
            if step.state in {StepState.BEGUN, StepState.UNKNOWN}:
                self._verifier.watch(live, step.number)
        if job.ended is None:
            self._journal.move(self._changed(live))

    # --- asked ------------------------------------------------------------------------------------------------------

    def plan(
        self,
        verb: str,
        client: ClientId,
        *,
        targets: Sequence[tuple[str, str]] = (),
        filter_text: str = "",
        everything: bool = False,
        left_out: Sequence[Skip] = (),
        how: How | None = None,
        parameters: Mapping[str, str] = MappingProxyType({}),
    ) -> Plan:
        """Return what ``verb`` would touch, for one of targets, filter, everything. Raises UsageError, FilterError.

        ``left_out`` was asked for, and is not to be touched for the reasons it gives. ``how`` it would go through them:
        None, as the config says. ``parameters`` are what the verb is given beyond its VMs.
        """
        how = how or self._bulk
        wanted = plan.wish(
            verb, targets, filter_text, everything=everything, left_out=left_out, how=how, parameters=parameters
        )
        return self._plans.make(wanted, client, self._rules)

    async def look_around(self, targets: Sequence[tuple[str, str]]) -> None:
        """Find out what libvirt is busy with on VMs that somebody is about to act on, as far as that is quick."""
        await self._foreign.ask(targets)

    def eligible(self, targets: Sequence[tuple[str, str]], client: ClientId) -> Eligible:
        """Return what could be done to some VMs now."""
        return self._plans.eligible(targets, client, self._rules)

    async def submit(self, plan_id: str, typed: str, client: ClientId) -> Job:
        """Begin what a plan says, once it is on disk. Raises RefusedError, NotRecordedError (nothing was begun)."""
        if self._is_leaving:
            raise RefusedError("the worker is stopping: it begins nothing new", remedy="try again in a moment")
        await self._recover()
        ident = self._new_id()
        planned = self._plans.take(plan_id, typed, client, self._rules, ident)
        verb = VERBS[planned.verb]
        parameters: dict[str, str | int | bool] = {**planned.parameters}
        if verb.args:
            parameters["args"] = " ".join(map(str, verb.args))
        order = Order(ident, verb.id, planned.id, client, parameters)
        steps = [
            Step(number=number, host=target.host, uuid=target.uuid, name=target.name)
            for number, target in enumerate(planned.targets)
        ]
        live = LiveJob(order, planned.targets, steps, self._clock(), how=planned.how)
        # Who hangs up while the job is being written must not leave one that is on disk and never begun.
        task = asyncio.create_task(self._enter(live), name=f"submit {ident}")
        self._submits.add(task)
        task.add_done_callback(self._entered)
        return await asyncio.shield(task)

    async def _enter(self, live: LiveJob) -> Job:
        try:
            await self._journal.submit(live.order, live.standing(self._clock()), live.targets, live.steps)
        except NotRecordedError:
            self._plans.give_back(live.order.plan)
            raise
        self._live[live.order.id] = live
        self._forget_old()
        job = self._changed(live).job
        if self._is_leaving:
            self._dispatch.hold(live, "the worker was leaving")
        else:
            self._dispatch.add(live)
        return job

    def _entered(self, task: asyncio.Task[Job]) -> None:
        self._submits.discard(task)
        if not task.cancelled():
            task.exception()  # who asked has heard it, unless he hung up

    def abort(self, job_id: str, client: ClientId) -> Job:
        """Begin no further step of a job; what is under way finishes. Raises UsageError, RefusedError."""
        self._check_steering(self._live.get(job_id), client)
        self._check_known(job_id)
        if (live := self._live.get(job_id)) is not None:
            self._controls.abort(live, client)
        return self._jobs[job_id]

    async def control(self, job_id: str, act: str, how: How | None, client: ClientId) -> Job:
        """Give a job other limits, then pause or resume it. Raises UsageError, RefusedError, NotRecordedError."""
        if (act or how is None) and act not in ACTS:
            raise UsageError(f"not to be done with a job: {act or 'nothing'}", remedy=", ".join(ACTS))
        self._check_known(job_id)
        if (live := self._live.get(job_id)) is None:
            raise UsageError("it has ended", where=f"job {job_id}")
        self._check_steering(live, client, begins=act == "resume" or how is not None)
        if how is not None:
            self._controls.limit(live, how, client, self._rules)
        if act == "pause":
            self._controls.pause(live, client)
        elif act == "resume":
            if self._is_leaving:
                raise RefusedError("the worker is stopping: it begins nothing new", remedy="try again in a moment")
            await self._controls.resume(live, client, self._rules)
        return self._jobs[job_id]

    def jobs(self, limit: int | None = None) -> tuple[Job, ...]:
        """Return the newest jobs, the newest first."""
        return tuple(sorted(self._jobs.values(), key=lambda job: job.started, reverse=True)[:limit])

    async def detail(self, job_id: str) -> JobDetail:
        """Return a job with its steps. Raises UsageError, NotRecordedError (the journal cannot be read)."""
        if (live := self._live.get(job_id)) is not None:
            return JobDetail(job=self._jobs[job_id], plan=live.order.plan, steps=tuple(live.steps))
        self._check_known(job_id)
        plan_id, steps = await self._journal.detail(job_id)
        return JobDetail(job=self._jobs[job_id], plan=plan_id, steps=steps)

    def steps(self, job_id: str) -> tuple[Step, ...] | None:
        """Return the steps of a job that are in memory; None: they are in the journal, if anywhere (see detail)."""
        live = self._live.get(job_id)
        return None if live is None else tuple(live.steps)

    @property
    def running(self) -> int:
        """Jobs that run."""
        return sum(job.state is JobState.RUNNING for job in self._jobs.values())

    @property
    def trouble(self) -> NotRecordedError | None:
        """Why nothing can be recorded, and so nothing begun; or None."""
        return self._journal.trouble

    # --- the end ----------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Begin nothing new, and wait until what is under way has ended. What had not begun waits for a human."""
        self._is_leaving = self._dispatch.is_stopped = True
        if self._submits:
            await asyncio.wait(self._submits)
        for live in list(self._live.values()):
            if live.has_more:
                self._dispatch.hold(live, "the worker was drained")
        await self._dispatch.settle()

    async def close(self) -> None:
        """End at once, and close the journal. Steps under way stay begun: the next worker looks at them."""
        self._is_leaving = True
        tasks = [*self._submits, *([self._retry] if self._retry is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._dispatch.close()
        await self._verifier.close()
        self._teller.close()
        await self._journal.close()

    # --- where jobs stand -------------------------------------------------------------------------------------------

    def _changed(self, live: LiveJob) -> Standing:
        """Take note of where a job stands, and tell."""
        standing = live.standing(self._clock())
        self._jobs[live.order.id] = standing.job
        self._teller.tell(standing.job)
        self._drop(live)
        return standing

    def _drop(self, live: LiveJob) -> None:
        """Keep the steps of a job in memory no longer than anything about it can change."""
        if live.state in ENDED and not self._verifier.is_watching(live.order.id):
            self._live.pop(live.order.id, None)

    def _found(self, live: LiveJob, step: Step) -> None:
        """A later look has told what became of a step."""
        if live.steps[step.number].state is StepState.BEGUN:
            live.end(step)
            self._journal.end(live.order, step, self._changed(live))
            self._dispatch.pump()
        else:
            live.set(step)
            self._journal.resolve(live.order, step, self._changed(live))

    def _check_known(self, job_id: str) -> None:
        if job_id not in self._jobs:
            raise UsageError("there is no such job", where=job_id, remedy="kvmtui ls jobs")

    def _check_steering(self, live: LiveJob | None, client: ClientId, *, begins: bool = False) -> None:
        """Raise RefusedError if the role of ``client`` does not reach to a job; ``begins``: more of it would begin."""
        vms = [self._fleet.find(target.host, target.uuid) for target in live.pending] if live is not None else []
        least = gate.least_role(live.verb) if live is not None and begins else Role.OPERATOR
        is_own = live is not None and not begins and live.order.who.uid == client.uid
        refusal = gate.steering_refusal(client, self._rules, vms, least, is_own=is_own)
        if refusal is not None:
            raise RefusedError(refusal.why, remedy=refusal.remedy)

    def _forget_old(self) -> None:
        for ident in [job.id for job in self.jobs()[JOBS_MAX - 1 :] if job.state in ENDED and job.id not in self._live]:
            del self._jobs[ident]

    def _new_id(self) -> str:
        while (ident := secrets.token_hex(4)) in self._jobs:
            pass
        return ident
