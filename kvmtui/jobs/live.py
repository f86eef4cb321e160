"""A job that is not settled, in memory: where each of its steps stands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.jobs import words
from kvmtui.jobs.progress import Progress
from kvmtui.jobs.queue import Queue
from kvmtui.jobs.rows import HELD, Standing
from kvmtui.jobs.window import Window
from kvmtui.model.job import ENDED, PER_HOST_MAX, How, Job, JobState, Step, StepState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.jobs.rows import Order
    from kvmtui.model.job import Target

_TROUBLE = frozenset({StepState.FAILED, StepState.UNKNOWN})


class LiveJob:
    """The steps of a job in memory. ``began`` and ``ended`` are seconds since the epoch."""

    def __init__(
        self,
        order: Order,
        targets: Sequence[Target],
        steps: Iterable[Step],
        started: float,
        *,
        how: How = How(),  # noqa: B008 - it is frozen
        stopped: str = "",
    ) -> None:
        self.order = order
        self.verb = VERBS[order.verb]
        self.targets = tuple(targets)
        self.steps = list(steps)
        self.started = started
        self.ended: float | None = None
        self.subject = subject(self.targets)
        self.stopped = stopped
        """Why nothing more is begun: ABORTED, HELD or ""."""
        self.why = ""
        """Who stopped it, or what it waits for."""
        self._counts = Counter(step.state for step in self.steps)
        self._worst: dict[StepState, int] = {}
        self._failures = 0
        """Since it began, or went on."""
        self._progress = Progress()
        self._window = Window()
        self._under_way: set[int] = set()
        self._rank: int | None = None
        """That of the steps which may be begun; None: nothing has begun yet."""
        self.limit(how)
        for number, step in enumerate(self.steps):
            if step.state is StepState.NOT_BEGUN:
                continue
            self._rank = max(self._rank or 0, self.targets[number].rank)
            if step.state is StepState.BEGUN:
                self._enter(number)
            elif words.is_trouble(step):
                self._worst.setdefault(step.state, number)
        waiting = (number for number, step in enumerate(self.steps) if step.state is StepState.NOT_BEGUN)
        self._queue = Queue(how.order, self.targets, waiting)

    def limit(self, how: How) -> None:
        """Go on in this way."""
        self.how = how
        self._window.per_host = how.per_host or PER_HOST_MAX

    def take(self, room: Window) -> int | None:
        """Return the number of the step to begin next, where there is ``room``; None if there is none now."""
        if not self.has_more or room.is_full or (self._is_rank_over and (self._under_way or self.how.wait_s)):
            return None
        self._window.overall = self._most
        number = self._queue.take(lambda host: self._window.has_room(host) and room.has_room(host))
        if number is not None:
            self._rank = self.targets[number].rank
            self._enter(number)
        return number

    def put_back(self, number: int) -> None:
        """A step that was taken was not begun."""
        self._leave(number)
        self._queue.put_back(number)

    def end(self, step: Step) -> None:
        """A step that was taken has ended; where it is one of the first, or one failure too many, the job stops."""
        was_first = self._is_first
        self.set(step)
        at = step.ended or 0.0
        if was_first and not self._is_first:
            self._progress.begin(at)
        else:
            self._progress.end(at)
        if step.state in _TROUBLE:
            self._failures += 1
            self._stop_if_failed()

    def hold(self, why: str) -> None:
        """Begin no further step until a human says so."""
        self.stopped = self.stopped or HELD
        if self.stopped == HELD:
            self.why = f"waits for you: {why}"

    def forgive(self) -> None:
        """Count failures anew."""
        self._failures = 0

    def go_on(self, now: float) -> None:
        """Begin steps (again), unless too many failed since they are counted anew."""
        self.stopped = self.why = ""
        self._progress.begin(now)
        self._stop_if_failed()

    def open_rank(self) -> None:
        """The wait between two ranks is over."""
        if self._is_rank_over and not self._under_way:
            self._rank = self._queue.rank

    def set(self, step: Step) -> None:
        """Replace a step by what became of it."""
        if step.number in self._under_way and step.state is not StepState.BEGUN:
            self._leave(step.number)
        before = self.steps[step.number]
        self.steps[step.number] = step
        self._counts[before.state] -= 1
        self._counts[step.state] += 1
        if self._worst.get(before.state) == step.number:
            del self._worst[before.state]
            for other in self.steps:
                if other.state is before.state and words.is_trouble(other):
                    self._worst[before.state] = other.number
                    break
        if words.is_trouble(step):
            self._worst.setdefault(step.state, step.number)

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        if self._under_way or self._counts[StepState.BEGUN] or self.has_more:
            return JobState.RUNNING
        if self._queue and self.stopped == HELD:
            return JobState.WAITING
        if self._counts[StepState.UNKNOWN]:
            return JobState.UNKNOWN
        if self._queue:
            return JobState.CANCELLED
        return JobState.FAILED if self._worst else JobState.DONE

    @property
    def has_more(self) -> bool:
        """Whether there are steps to begin, and they may be."""
        return bool(self._queue) and not self.stopped

    @property
    def is_waiting(self) -> bool:
        """Whether there are steps to begin, and they may not be."""
        return bool(self._queue) and bool(self.stopped)

    @property
    def rests(self) -> bool:
        """Whether a rank has ended, and the next is to be waited for."""
        return self.has_more and self._is_rank_over and not self._under_way and self.how.wait_s > 0

    @property
    def pending(self) -> list[Target]:
        """The targets of the steps that have not begun."""
        return [self.targets[step.number] for step in self.steps if step.state is StepState.NOT_BEGUN]

    def standing(self, now: float) -> Standing:
        """Return where it stands, for clients and the journal; notes the first time that it has ended."""
        state = self.state
        if state in ENDED and self.ended is None:
            self.ended = now
        job = Job(
            id=self.order.id,
            verb=self.order.verb,
            by=self.order.who.user,
            state=state,
            total=len(self.steps),
            done=self._counts[StepState.DONE],
            failed=self._counts[StepState.FAILED],
            unknown=self._counts[StepState.UNKNOWN],
            skipped=self._counts[StepState.SKIPPED],
            not_begun=self._counts[StepState.NOT_BEGUN],
            started=self.started,
            ended=self.ended,
            subject=self.subject,
            text=self._text(),
            how=self.how,
            rate=(rate := self._progress.rate(now) if state is JobState.RUNNING else None),
            left_s=self._left_s(rate),
        )
        return Standing(job, self.stopped)

    @property
    def _is_first(self) -> bool:
        """Whether the first ones are not all done."""
        return self._counts[StepState.DONE] < self.how.first

    @property
    def _most(self) -> int:
        """Most steps under way at once: while the first are not done, no more than those."""
        missing = self.how.first - self._counts[StepState.DONE]
        return min(self.how.at_once, missing) if missing > 0 else self.how.at_once

    @property
    def _is_rank_over(self) -> bool:
        """Whether all of the rank have begun, and another one is next."""
        return bool(self._queue) and self._rank is not None and self._queue.rank > self._rank

    def _stop_if_failed(self) -> None:
        if not self._failures or not self.has_more:
            return
        if self._is_first:
            which = "the first was" if self.how.first == 1 else f"one of the first {self.how.first} was"
            self.hold(f"{which} not done")
        elif self._failures >= self.how.failures_allowed(len(self.steps)):
            self.hold(f"stopped after {text.plural(self._failures, 'failure')}")

    def _left_s(self, rate: float | None) -> float | None:
        """Estimate the time to its end; nobody knows it of one that waits, or whose first are still to tell."""
        if rate is None or self.stopped or self._is_first:
            return None
        waits = max(0, self._queue.ranks - (not self._is_rank_over))
        return (len(self._queue) + len(self._under_way)) * 60.0 / rate + waits * self.how.wait_s

    def _enter(self, number: int) -> None:
        self._under_way.add(number)
        self._window.enter(self.steps[number].host)

    def _leave(self, number: int) -> None:
        self._under_way.remove(number)
        self._window.leave(self.steps[number].host)

    def _text(self) -> str:
        parts = [self.why] if self.why else []
        if len(self.steps) == 1:
            parts.insert(0, words.line(self.steps[0]))
        else:
            told = (StepState.DONE, StepState.FAILED, StepState.UNKNOWN, StepState.SKIPPED, StepState.NOT_BEGUN)
            parts += [f"{self._counts[state]} {state.value}" for state in told if self._counts[state]]
            for state in (StepState.UNKNOWN, StepState.FAILED, StepState.SKIPPED):
                if state in self._worst:
                    parts.append(words.line(self.steps[self._worst[state]]))
                    break
        return " · ".join(parts)


def subject(targets: Sequence[Target]) -> str:
    """Return what a job is about: "web-01", "37 VMs on 4 hosts"."""
    if len(targets) == 1:
        return targets[0].name
    hosts = len({target.host for target in targets})
    return f"{text.plural(len(targets), 'VM')} on {text.plural(hosts, 'host')}"
