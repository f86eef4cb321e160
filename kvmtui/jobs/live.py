"""A job that is not settled, in memory: where each of its steps stands."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.jobs import words
from kvmtui.jobs.rows import HELD, Standing
from kvmtui.model.job import ENDED, Job, JobState, Step, StepState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.jobs.rows import Order
    from kvmtui.jobs.window import Window
    from kvmtui.model.job import Target


class LiveJob:
    """The steps of a job in memory. ``began`` and ``ended`` are seconds since the epoch."""

    def __init__(
        self, order: Order, targets: Sequence[Target], steps: Iterable[Step], started: float, *, stopped: str = ""
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
        self._pending: OrderedDict[str, deque[int]] = OrderedDict()
        self._taken = 0
        for number, step in enumerate(self.steps):
            if step.state is StepState.NOT_BEGUN:
                self._pending.setdefault(step.host, deque()).append(number)
            elif words.is_trouble(step):
                self._worst.setdefault(step.state, number)

    def take(self, window: Window) -> int | None:
        """Return the number of the step to begin next, host by host in turn; None if there is none now."""
        if self.stopped:
            return None
        for host, numbers in self._pending.items():
            if window.has_room(host):
                number = numbers.popleft()
                if numbers:
                    self._pending.move_to_end(host)
                else:
                    del self._pending[host]
                self._taken += 1
                return number
        return None

    def put_back(self, number: int) -> None:
        """A step that was taken was not begun."""
        self._taken -= 1
        self._pending.setdefault(self.steps[number].host, deque()).appendleft(number)

    def end(self, step: Step) -> None:
        """A step that was taken has ended."""
        self._taken -= 1
        self.set(step)

    def set(self, step: Step) -> None:
        """Replace a step by what became of it."""
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
        if self._taken or self._counts[StepState.BEGUN] or self.has_more:
            return JobState.RUNNING
        if self._pending and self.stopped == HELD:
            return JobState.WAITING
        if self._counts[StepState.UNKNOWN]:
            return JobState.UNKNOWN
        if self._pending:
            return JobState.CANCELLED
        return JobState.FAILED if self._worst else JobState.DONE

    @property
    def has_more(self) -> bool:
        """Whether there are steps to begin, and they may be."""
        return bool(self._pending) and not self.stopped

    @property
    def is_waiting(self) -> bool:
        """Whether there are steps to begin, and they may not be."""
        return bool(self._pending) and bool(self.stopped)

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
        )
        return Standing(job, self.stopped)

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
