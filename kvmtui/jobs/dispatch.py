"""Which step begins next."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from kvmtui.actions import Lane
from kvmtui.errors import NotRecordedError
from kvmtui.jobs import words
from kvmtui.jobs.rows import ABORTED
from kvmtui.jobs.window import Window
from kvmtui.model.job import Step, StepState

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.jobs.holds import Holds
    from kvmtui.jobs.journal import Journal
    from kvmtui.jobs.live import LiveJob
    from kvmtui.jobs.rows import Standing
    from kvmtui.jobs.run import Runner

logger = logging.getLogger(__name__)


class Dispatch:
    """Runs the steps of jobs through one window a lane, job by job in turn.

    What goes by the control lane has a window of its own: forcing a VM off never waits behind guests that take their
    time to shut down. ``changed`` is told of each change of a job and says where it stands; ``unknown`` of each step
    whose outcome is, before that.
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        holds: Holds,
        changed: Callable[[LiveJob], Standing],
        unknown: Callable[[LiveJob, int], None],
        clock: Callable[[], float],
    ) -> None:
        self.is_stopped = False
        """Nothing more is begun."""
        self._journal = journal
        self._runner = runner
        self._holds = holds
        self._changed = changed
        self._unknown = unknown
        self._clock = clock
        self._windows = {lane: Window() for lane in Lane}
        self._turns: deque[LiveJob] = deque()
        self._rests: dict[str, asyncio.TimerHandle] = {}
        """Jobs that wait between two ranks."""
        self._tasks: set[asyncio.Task[None]] = set()

    def limit(self, per_host: int, overall: int) -> None:
        """Let so many steps be under way on one host, and in all."""
        for window in self._windows.values():
            window.per_host, window.overall = per_host, overall
        self.pump()

    def add(self, job: LiveJob) -> None:
        """Begin with a job, or go on with it."""
        job.go_on(self._clock())
        if job not in self._turns:
            self._turns.append(job)
        self.pump()

    def hold(self, job: LiveJob, why: str) -> None:
        """Begin no further step of a job until a human says so."""
        job.hold(why)
        self._journal.move(self._changed(job))

    def pump(self) -> None:
        """Begin what there is room for."""
        has_begun = True
        while has_begun and not self.is_stopped:
            has_begun = False
            for _ in range(len(self._turns)):
                job = self._turns.popleft()
                if job.rests:
                    self._rest(job)
                number = job.take(self._windows[job.verb.lane])
                if number is not None:
                    self._begin(job, number)
                    has_begun = True
                if job.has_more:
                    self._turns.append(job)

    async def settle(self) -> None:
        """Wait until no step is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Leave all steps as they are."""
        self.is_stopped = True
        for timer in self._rests.values():
            timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _rest(self, job: LiveJob) -> None:
        """Wait before the next rank of a job begins."""

        def over() -> None:
            del self._rests[job.order.id]
            job.open_rank()
            self.pump()

        if job.order.id not in self._rests:
            self._rests[job.order.id] = asyncio.get_running_loop().call_later(job.how.wait_s, over)

    def _begin(self, job: LiveJob, number: int) -> None:
        target = job.targets[number]
        self._windows[job.verb.lane].enter(target.host)
        self._holds.enter(job, target.host, target.uuid)
        task = asyncio.create_task(self._run(job, number), name=f"step {job.order.id}/{number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: LiveJob, number: int) -> None:
        target = job.targets[number]
        try:
            step = await self._outcome(job, number)
            if step is not None:
                self._end(job, step)
        finally:
            self._windows[job.verb.lane].leave(target.host)
            self._holds.leave(job, target.host, target.uuid)
            self.pump()

    async def _outcome(self, job: LiveJob, number: int) -> Step | None:
        """Return the step with its outcome; None if it was not begun: the job was stopped, or it was not recorded."""

        def begun(step: Step) -> bool:
            job.set(step)
            self._changed(job)
            return job.stopped != ABORTED

        try:
            step = await self._runner.run(
                job.order, job.verb, job.targets[number], job.steps[number], lambda: not job.stopped, begun
            )
            if step is None:
                job.put_back(number)
                self._journal.move(self._changed(job))
            return step
        except NotRecordedError as error:
            job.put_back(number)
            self.hold(job, str(error))
            return None
        except Exception:  # the top of the task: nobody knows how far it came
            logger.exception("step %d of job %s", number, job.order.id)
            return words.unknown(job.steps[number], "an error inside kvmtui, see the worker's log", self._clock())

    def _end(self, job: LiveJob, step: Step) -> None:
        job.end(step)
        if step.state is StepState.UNKNOWN:
            self._unknown(job, step.number)
        standing = self._changed(job)
        if step.began is None:
            self._journal.skip(step, standing)
        else:
            self._journal.end(job.order, step, standing)
