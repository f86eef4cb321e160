"""What became of an act whose outcome nobody saw, found out by looking."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from kvmtui.errors import HostError
from kvmtui.jobs import words
from kvmtui.model.host import LinkState
from kvmtui.model.job import StepState
from kvmtui.model.vm import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kvmtui.actions import Verb
    from kvmtui.jobs.around import Acts, FleetView
    from kvmtui.jobs.live import LiveJob
    from kvmtui.model.job import Step
    from kvmtui.model.seen import Fact, Seen
    from kvmtui.model.vm import Vm, VmState

LOOK_S = 5.0
"""How long a look may take."""
GRACE_S = 5.0
"""How much longer it is waited for here: the hosts' own deadline comes first."""
CONNECTING_S = 15.0
"""How long a host may take to answer after a restart before the outcome is called unknown."""
WATCHED_S = 24 * 3600.0
"""How long an unknown outcome is looked at again."""
WATCHED_MAX = 1_000
"""Outcomes that are looked at again at once."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """What a look made of it."""

    step: Step
    is_final: bool
    """It is not looked at again."""


class Verifier:
    """Looks at VMs again whose steps were left begun by a restart, or whose outcome is unknown. Repeats nothing.

    ``found`` is told of each step that became something else, ``left`` of each job of which no step is looked at any
    more.
    """

    def __init__(
        self,
        acts: Acts,
        fleet: FleetView,
        clock: Callable[[], float],
        found: Callable[[LiveJob, Step], None],
        left: Callable[[LiveJob], None],
    ) -> None:
        self._acts = acts
        self._fleet = fleet
        self._clock = clock
        self._found = found
        self._left = left
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: Counter[str] = Counter()

    def is_watching(self, job: str) -> bool:
        """Whether any step of a job is looked at."""
        return self._watched[job] > 0

    def watch(self, job: LiveJob, number: int) -> None:
        """Look at the VM of a step that is begun or unknown, until it is plain what became of it."""
        if len(self._tasks) >= WATCHED_MAX:
            step = job.steps[number]
            if step.state is StepState.BEGUN:
                self._found(job, words.unknown(step, "too many to look at", self._clock(), then="look at the VM"))
            return
        task = asyncio.create_task(self._watch(job, number), name=f"verify {job.order.id}/{number}")
        self._watched[job.order.id] += 1
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Look no more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, job: LiveJob, number: int) -> None:
        try:
            await self._look_until_plain(job, number)
        except Exception:  # the top of the task: the step stays what it is
            logger.exception("looking at step %d of job %s", number, job.order.id)
        self._watched[job.order.id] -= 1
        if not self._watched[job.order.id]:
            del self._watched[job.order.id]
            self._left(job)

    async def _look_until_plain(self, job: LiveJob, number: int) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        pause = FIRST_PAUSE_S
        while True:
            step = job.steps[number]
            finding = await self._look(job, step)
            if finding is None and step.state is StepState.BEGUN and loop.time() - since >= CONNECTING_S:
                why = f"the worker was restarted, and {step.host} does not answer"
                finding = Finding(words.unknown(step, why, self._clock()), is_final=False)
            if finding is not None and finding.step != step:
                self._found(job, finding.step)
            if finding is not None and finding.is_final:
                return
            if self._clock() - (step.began or 0.0) > WATCHED_S and step.state is StepState.UNKNOWN:
                self._found(job, replace(step, remedy="not looked at any more: look at the VM"))
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)

    async def _look(self, job: LiveJob, step: Step) -> Finding | None:
        """Return what the host says, or None if it does not."""
        host = self._fleet.host(step.host)
        if host is None:
            why = f"{step.host} is not in the config any more"
            return Finding(words.unknown(step, why, self._clock(), then="look at the VM"), is_final=True)
        if host.link is not LinkState.UP:
            return None
        try:
            async with asyncio.timeout(LOOK_S + GRACE_S):
                seen = await self._acts.look(step.host, step.uuid, LOOK_S, _facts(job.verb))
        except (HostError, TimeoutError):
            return None
        before = job.targets[step.number].state
        given, elsewhere = job.order.given, self._fleet.elsewhere(step.host, step.uuid)
        return judge(job.verb, given, step, before, seen, elsewhere, self._clock())


def _facts(verb: Verb) -> frozenset[Fact]:
    return frozenset({verb.fact} if verb.fact is not None else ())


def judge(
    verb: Verb, given: Mapping[str, str], step: Step, before: VmState, seen: Seen, elsewhere: list[Vm], now: float
) -> Finding:
    """Return what is plain from a look at a VM whose state was ``before`` when the step began.

    Its goal reached is done. Its goal not reached is unknown until the verb's patience is over, counted from when the
    outcome was first called unknown: nobody waits for the call any more, but libvirt may have it, or the guest (30 s is
    how long libvirt lets a call wait for another one on the same VM). Then it is failed. What no state can prove stays
    unknown, with what there is.
    """
    looked = f"looked at {words.clock(now)}"
    if not seen.exists:
        for vm in elsewhere:
            if vm.state in ACTIVE:
                there = f"{vm.state.value} on {vm.host} now"
                return Finding(words.not_done(verb, step, there, f"it has left {step.host}", now), is_final=True)
    if verb.is_proved_by(seen, given):
        doubt = verb.unseen(given) if verb.unseen is not None else ""
        if doubt:
            why = f"{verb.title} done, {looked}; {doubt}"
            return Finding(words.unknown(step, why, now, then="look for them"), is_final=True)
        return Finding(words.done(verb, step, seen.state if verb.goal else None, now, looked), is_final=True)
    if not seen.exists:
        why = f"it is not on {step.host} any more"
        return Finding(words.unknown(step, why, now, then="find out who moved or removed it"), is_final=True)
    if not verb.can_be_looked_at:
        why = f"nobody saw whether it came to a {verb.title}"
        return Finding(words.unknown(step, why, now, then=f"{looked}: {seen.state.value}"), is_final=True)
    there = words.there(seen.state, before)
    if step.state is StepState.BEGUN:
        why = f"the worker was restarted · {there}, {looked}"
        then = f"do NOT repeat it: it may yet come, looked at again for {verb.patience_s:.0f} s"
        return Finding(words.unknown(step, why, now, then=then), is_final=False)
    if now - (step.ended or now) >= verb.patience_s:
        why = f"the call did not arrive, or had no effect; {looked}"
        return Finding(words.not_done(verb, step, there, why, now, words.next_step(verb)), is_final=True)
    return Finding(step, is_final=False)
