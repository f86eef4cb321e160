"""One step, from its intent to its outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui.errors import HostError, LibvirtError, LinkError, OutcomeUnknownError, RefusedError, UsageError
from kvmtui.guard import gate
from kvmtui.jobs import words
from kvmtui.model.host import LinkState
from kvmtui.model.job import Step, StepState, Target
from kvmtui.model.seen import Fact, Seen
from kvmtui.model.vm import ACTIVE, Vm, VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kvmtui.actions import Verb
    from kvmtui.fleet.expect import Expectation, Sighting
    from kvmtui.guard.gate import Rules
    from kvmtui.jobs.around import Acts, FleetView
    from kvmtui.jobs.journal import Journal
    from kvmtui.jobs.rows import Order

LOOK_S = 5.0
"""How long a look may take."""
GRACE_S = 5.0
"""How much longer than its deadline a call may take before it is given up here: the hosts' own deadline comes first."""
FIRST_LOOK_S = 1.0
"""After how long a guest that was asked for something is looked at."""
LONGEST_PAUSE_S = 8.0
"""Most time between two looks: what an event should have told is seen by then."""
ABOUT_SILENCE = (Fact.AGENT, Fact.JOB)
"""What may tell why nothing came of it."""


class Runner:
    """Takes a step from its intent to its outcome. Never repeats a call, and repairs nothing."""

    def __init__(
        self,
        journal: Journal,
        acts: Acts,
        fleet: FleetView,
        rules: Callable[[], Rules],
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._acts = acts
        self._fleet = fleet
        self._rules = rules
        self._clock = clock

    async def run(
        self,
        order: Order,
        verb: Verb,
        target: Target,
        step: Step,
        may_begin: Callable[[], bool],
        begun: Callable[[Step], bool],
    ) -> Step | None:
        """Return the step with its outcome; ``began`` is None if nothing was begun.

        ``may_begin`` is asked right before the intent is written; if it says no, nothing is begun, and None returned.
        ``begun`` is told when the intent is on disk, and says whether the call may still leave. Raises NotRecordedError
        if the intent could not be recorded: then nothing was begun.
        """
        given = order.given
        left_alone = await self._check(verb, given, target, step)
        if left_alone is not None:
            return left_alone
        if not may_begin():
            return None
        vm = self._fleet.find(target.host, target.uuid)
        intent = replace(step, state=StepState.BEGUN, began=self._clock())
        await self._journal.begin(order, intent)
        if not begun(intent):
            return words.skipped(intent, "left alone: the job was stopped before the call left", self._clock())
        with self._fleet.expect(step.host, step.uuid, verb.goal, verb.proof) as expectation:
            answered = await self._call(verb, given, target, intent)
            if isinstance(answered, Step):
                return answered
            outcome = await self._effect(
                verb, given, target, intent, expectation, is_transient=vm is not None and not vm.persistent
            )
        if answered and outcome.state is StepState.DONE:
            return words.in_part(verb, intent, answered, self._clock())
        return outcome

    async def _check(self, verb: Verb, given: Mapping[str, str], target: Target, step: Step) -> Step | None:
        """Look at the address once more; return the step as it ends if it must not begin."""
        now = self._clock()
        host = self._fleet.host(target.host)
        if host is None:
            return words.skipped(step, f"left alone: {target.host} is not in the config any more", now)
        if host.link is not LinkState.UP:
            error = LinkError(
                f"{host.name} is {host.link.value}", host.link, words=host.link_reason, remedy=host.link_remedy
            )
            return words.not_sent(verb, step, error, now)
        vm = self._fleet.find(target.host, target.uuid)
        if vm is None:
            return words.skipped(step, f"left alone: not on {target.host} any more", now)
        state = await self._state(verb, given, vm, step)
        if isinstance(state, Step):
            return state
        if state is not target.state:
            return words.skipped(step, words.changed(verb, target.state, state), now)
        why = gate.refusal(verb, vm, self._rules(), self._fleet.elsewhere(vm.host, vm.uuid), now)
        return words.skipped(step, f"left alone: {why}", now) if why else None

    async def _state(self, verb: Verb, given: Mapping[str, str], vm: Vm, step: Step) -> VmState | Step:
        """Return the state of a VM now; the step as it ends, if a look says that it must not begin."""
        now, state = self._clock(), vm.state
        is_stale = now - self._fleet.seen(vm) > self._fleet.late_after_s
        facts = {verb.fact} if verb.fact is not None else set()
        if verb.minds_jobs and state in ACTIVE and not self._is_silent(step.host):
            facts.add(Fact.JOB)
        if not is_stale and not facts:
            return state
        try:
            seen = await self._acts.look(step.host, step.uuid, LOOK_S, frozenset(facts))
        except HostError as error:
            if is_stale or verb.fact is not None:
                return words.not_sent(verb, step, error, self._clock())
            return state  # what it is busy with, libvirt sees to by itself
        if not seen.exists:
            return words.skipped(step, f"left alone: not on {step.host} any more", self._clock())
        if verb.fact is not None and verb.is_proved_by(seen, given):
            return words.skipped(step, verb.so_already, self._clock())
        if verb.minds_jobs and seen.job:
            return words.skipped(step, f"left alone: {words.busy(seen.job)}", self._clock())
        return seen.state

    async def _call(self, verb: Verb, given: Mapping[str, str], target: Target, step: Step) -> Step | tuple[str, ...]:
        """Make the call; return the step if that ended it, else what of it was refused while the rest is done."""
        args = verb.arguments(given)
        try:
            async with asyncio.timeout(verb.deadline_s + GRACE_S):
                undone = await self._acts.act(step.host, step.uuid, verb.call, args, verb.lane, verb.deadline_s)
        except OutcomeUnknownError as error:
            return words.unknown(step, words.why(error), self._clock())
        except TimeoutError:
            return words.unknown(step, f"no answer within {verb.deadline_s:.0f} s", self._clock())
        except LibvirtError as error:
            return await self._after_refusal(verb, given, target, step, error)
        except (LinkError, RefusedError, UsageError) as error:
            return words.not_sent(verb, step, error, self._clock())
        if not verb.can_be_looked_at and self._is_silent(step.host):
            return words.done(verb, step, None, self._clock(), "libvirt's test driver tells nothing more of it")
        return undone

    async def _after_refusal(
        self, verb: Verb, given: Mapping[str, str], target: Target, step: Step, error: LibvirtError
    ) -> Step:
        """Look after a no: what was wanted may be there all the same, by somebody else's hand."""
        seen = await self._look(step, verb.fact)
        if seen is not None and verb.is_proved_by(seen, given):
            if verb.unseen is not None and (doubt := verb.unseen(given)):
                return words.unknown(step, f'libvirt refused it: "{error.words}"; it is so all the same, but {doubt}',
                                     self._clock(), then="look for them")  # fmt: skip
            state = seen.state if verb.goal else None
            return words.done(verb, step, state, self._clock(), f'though libvirt refused: "{error.words}"')
        there = words.there(seen.state, target.state) if seen is not None and seen.exists else ""
        return words.refused(verb, step, there, error, self._clock())

    async def _effect(
        self,
        verb: Verb,
        given: Mapping[str, str],
        target: Target,
        step: Step,
        expectation: Expectation,
        *,
        is_transient: bool,
    ) -> Step:
        """Wait for what proves it: an event, what is polled, or a look now and then."""
        loop = asyncio.get_running_loop()
        until = loop.time() + verb.patience_s
        pause = FIRST_LOOK_S if verb.ignored else 0.0
        while True:
            sighting = await _sighting(expectation, min(pause, until - loop.time()))
            if sighting is not None:
                if sighting.vm is None:
                    return self._gone(verb, given, step, is_transient)
                return words.done(verb, step, sighting.vm.state if verb.goal else None, self._clock())
            is_late = loop.time() >= until
            seen = await self._look(step, verb.fact, *(ABOUT_SILENCE if is_late else ()))
            if seen is not None and not seen.exists:
                return self._gone(verb, given, step, is_transient)
            if seen is not None and verb.is_proved_by(seen, given):
                return words.done(verb, step, seen.state if verb.goal else None, self._clock())
            if is_late:
                return self._ignored(verb, target, step, seen)
            pause = min(max(pause, FIRST_LOOK_S / 2) * 2, LONGEST_PAUSE_S)

    def _gone(self, verb: Verb, given: Mapping[str, str], step: Step, is_transient: bool) -> Step:
        """The VM is not on its host any more."""
        now = self._clock()
        if verb.is_proved_by(Seen(at=now, exists=False, state=VmState.UNKNOWN), given):
            return words.done(verb, step, None, now)
        for vm in self._fleet.elsewhere(step.host, step.uuid):
            if vm.state in ACTIVE:
                return words.not_done(verb, step, f"{vm.state.value} on {vm.host} now", f"it has left {step.host}", now)
        if is_transient and VmState.OFF in verb.goal:
            return words.done(verb, step, VmState.OFF, now, "it was transient, so it is gone with that")
        return words.unknown(step, f"it is not on {step.host} any more", now, then="find out who moved or removed it")

    def _ignored(self, verb: Verb, target: Target, step: Step, seen: Seen | None) -> Step:
        """Patience has run out."""
        now = self._clock()
        if seen is None:
            return words.unknown(step, f"{verb.title} was accepted, then {step.host} did not answer", now)
        host = self._fleet.host(step.host)
        was_lost = host is None or host.link is not LinkState.UP or (host.since or 0.0) > (step.began or 0.0)
        if not verb.can_be_looked_at and was_lost:
            why = f"{verb.title} was accepted, then the link was lost, and with it the event that would prove it"
            return words.unknown(step, why, now, then=f"look at the guest: it is {seen.state.value}")
        there = words.there(seen.state, target.state)
        return words.not_done(verb, step, there, words.patience(verb, seen), now, words.next_step(verb))

    async def _look(self, step: Step, *facts: Fact | None) -> Seen | None:
        """Return what is there, or None if the host does not say."""
        asked = frozenset(fact for fact in facts if fact is not None)
        try:
            async with asyncio.timeout(LOOK_S + GRACE_S):
                return await self._acts.look(step.host, step.uuid, LOOK_S, asked)
        except (HostError, TimeoutError):
            return None

    def _is_silent(self, host: str) -> bool:
        """Whether the host's driver tells of no reboot: libvirt's test driver reboots at once, without any event."""
        known = self._fleet.host(host)
        return known is not None and known.uri.startswith("test:")


async def _sighting(expectation: Expectation, within_s: float) -> Sighting | None:
    """Return what was sighted, or None if nothing was in time."""
    if within_s <= 0 and not expectation.is_fulfilled:
        return None
    try:
        async with asyncio.timeout(within_s):
            return await expectation.sighted()
    except TimeoutError:
        return None
