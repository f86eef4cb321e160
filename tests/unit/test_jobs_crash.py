"""The worker dies at any await, over again: no act is done twice, none is lost, every record is closed."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.actions import VERBS
from kvmtui.errors import NotRecordedError, UsageError
from kvmtui.guard.client import ClientId
from kvmtui.jobs.engine import Engine
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.record import verify
from kvmtui.jobs.store import Change, Store
from kvmtui.model.job import ENDED, How, Job, JobDetail, JobState, Order, StepState
from kvmtui.model.seen import Seen
from tests.unit import virtual_time
from tests.unit.jobs_laws import by_step, check_courses
from tests.unit.jobs_world import EFFECTS, Machine, Manner, World, given_for, machines_for

ANNA = ClientId("anna", 1000, 4711)
RANKS = ("db", "app")
"""Tags of the world's VMs, three of each; those behind them have none."""


class MortalStore(Store):
    """The real store, in a worker that may die right before or right after a transaction is on disk."""

    def __init__(self, path: Path, clock: Callable[[], float], world: World) -> None:
        super().__init__(path, clock)
        self._world = world
        self._grave = world.buried

    def write(self, changes: Sequence[Change]) -> None:
        self._perhaps_die()
        with self._world.disk:
            if self._grave.is_set():
                raise NotRecordedError("dead")
            super().write(changes)
        self._perhaps_die()

    def _perhaps_die(self) -> None:
        if self._world.dies():
            self._world.loop.call_soon_threadsafe(self._world.crashed.set)
        if self._world.is_dead or self._grave.is_set():
            self._grave.wait()  # nobody is answered
            raise NotRecordedError("dead")


class Life:
    """One worker after the other over the same world and the same file."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self.engine: Engine
        self.journal: Journal

    async def live(self, crash_at: int | None, errand: Callable[[Engine], Any] | None) -> None:
        """Start a worker, give it an errand, and let it live until it dies, or has nothing more to do."""
        self.world.restart()
        self.world.crash_at = crash_at
        world, grave = self.world, self.world.buried

        def open_store(path: Path, clock: Callable[[], float]) -> Store:
            if grave.is_set():
                raise NotRecordedError("dead")
            return MortalStore(path, clock, world)

        journal = Journal(self.path, world.loop.clock, open_store)
        self.world.loop.wait_for(lambda: journal.waiting > 0 and not self.world.is_dead)
        clock = self.world.loop.clock
        told: list[Job] = []
        engine = Engine(journal, self.world, self.world.fleet, self.world.config, told.append, clock)
        self.engine, self.journal = engine, journal
        death = asyncio.create_task(self.world.crashed.wait())
        life = asyncio.create_task(self._work(errand))
        polling = asyncio.create_task(self.world.poll())
        await asyncio.wait((death, life), return_when=asyncio.FIRST_COMPLETED)
        polling.cancel()
        if self.world.is_dead:
            engine._dispatch.is_stopped = True  # the dead begin nothing
            await virtual_time.cancel_all()
            with self.world.disk:  # what its thread is writing right now is written before the next worker reads
                self.world.buried.set()
            await journal.close()
        else:
            life.result()
            death.cancel()
            self.details = [await engine.detail(job.id) for job in engine.jobs()]
            await engine.close()

    async def _work(self, errand: Callable[[Engine], Any] | None) -> None:
        await self.engine.recover()
        await asyncio.sleep(3)
        if errand is not None:
            await errand(self.engine)
        await asyncio.sleep(500)
        while self.engine.running:  # noqa: ASYNC110 - a job may take its time, which is virtual
            await asyncio.sleep(500)


def records(path: Path) -> list[dict[str, Any]]:
    """Return the audit record."""
    connection = sqlite3.connect(path)
    try:
        return [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit ORDER BY seq")]
    finally:
        connection.close()


def check(world: World, path: Path, details: list[JobDetail], verb: str, ways: dict[str, list[How]]) -> None:
    """What must hold after any number of deaths, once a worker has lived long enough to look at everything."""
    assert verify(path).is_sound
    told = records(path)
    limits = world.config.limits
    check_courses(told, details, ways, world.ranks, limits.per_host, limits.overall)
    written = by_step(told)
    called = collections.Counter((host, uuid) for host, uuid, _ in world.calls)
    assert max(called.values(), default=0) <= 1, "done twice"
    for detail in details:
        job = detail.job
        states = collections.Counter(step.state for step in detail.steps)
        assert (job.done, job.failed, job.unknown) == tuple(
            states[state] for state in (StepState.DONE, StepState.FAILED, StepState.UNKNOWN)
        )
        assert (job.skipped, job.not_begun) == (states[StepState.SKIPPED], states[StepState.NOT_BEGUN])
        assert job.state in ENDED or (job.state is JobState.WAITING and job.not_begun)
        for step in detail.steps:
            vm = world.hosts[step.host][step.uuid]
            phases = [record["phase"] for record in written[job.id, step.number]]
            if step.state is StepState.NOT_BEGUN or step.began is None:
                assert not phases, "recorded and yet not begun"
                assert not called[step.host, step.uuid], "called and yet not begun"
                continue
            assert phases[:2] == ["intent", "outcome"], "not closed"
            assert all(phase == "verified" for phase in phases[2:])
            assert written[job.id, step.number][-1]["outcome"] == step.state.value
            check_truth(vm, step.state, verb)
    steps = {(step.host, step.uuid): step for detail in details for step in detail.steps}
    assert called.keys() <= steps.keys(), "lost"


def check_truth(vm: Machine, state: StepState, verb: str) -> None:
    """What a step says is what is there; it is unknown only where no look can tell."""
    assert state is not StepState.BEGUN
    if not VERBS[verb].can_be_looked_at or not vm.exists:
        return
    seen = Seen(at=0, exists=True, state=vm.state, autostart=vm.autostart, snapshots=vm.snapshots, job=vm.job)
    reached = VERBS[verb].is_proved_by(seen, given_for(verb))
    if state is StepState.DONE:
        assert reached
    elif state is StepState.FAILED:
        assert not reached or vm.manner in {Manner.TOO_LATE, Manner.REFUSES_DONE}
    elif state is StepState.UNKNOWN:
        raise AssertionError("a look could have told")


HOWS = st.builds(
    How,
    first=st.integers(0, 3),
    at_once=st.integers(1, 4),
    per_host=st.none() | st.integers(1, 2),
    order=st.sampled_from(Order),
    ranks=st.just(RANKS),
    wait_s=st.sampled_from([0.0, 5.0]),
    stop_after=st.none() | st.integers(1, 4),
)
HANDS = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from(["pause", "resume", "abort", "limit"]), st.integers(1, 4)), max_size=4
)
"""What humans do to the job: after how many seconds, what, to how many at once."""
LIVES = given(
    verb=st.sampled_from(sorted(VERBS)),
    manners=st.lists(st.sampled_from(Manner), min_size=1, max_size=9),
    hosts=st.integers(1, 3),
    deaths=st.lists(st.tuples(st.integers(1, 80), st.booleans()), max_size=3),
    how=HOWS,
    hands=HANDS,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@LIVES
def test_no_death_loses_or_repeats_an_act(**lives: Any) -> None:
    """Whatever the VMs do, wherever the worker dies, whoever pauses, resumes, limits, aborts."""
    live_and_die(**lives)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@LIVES
def test_no_death_in_thousands_loses_or_repeats_an_act(**lives: Any) -> None:
    """The same, for an hour."""
    live_and_die(**lives)


def live_and_die(
    verb: str,
    manners: list[Manner],
    hosts: int,
    deaths: list[tuple[int, bool]],
    how: How,
    hands: list[tuple[float, str, int]],
) -> None:
    """Give a worker a job; let it die, and its successors, each told to go on or not; check what the last one says."""
    ways: dict[str, list[How]] = {}

    async def errand(engine: Engine) -> None:
        plan = engine.plan(verb, ANNA, everything=True, parameters=given_for(verb), how=how)
        if not plan.targets:
            return
        job = await engine.submit(plan.id, plan.phrase, ANNA)
        ways[job.id] = [how]
        for after_s, act, at_once in hands:
            await asyncio.sleep(after_s)
            await handle(engine, job.id, act, at_once, ways)

    async def main(loop: virtual_time.VirtualLoop) -> None:
        world = World(loop, machines_for(verb, len(manners), manners, on=hosts))
        life = Life(world, path)
        begun = 0
        for number, (crash_at, goes_on) in enumerate([*deaths, (None, False)]):
            await life.live(crash_at, errand if number == 0 else go_on if goes_on else None)
            assert number == 0 or goes_on or len(world.calls) == begun, "it went on by itself"
            begun = len(world.calls)
        ways.update({detail.job.id: [how] for detail in life.details if detail.job.id not in ways})
        check(world, path, life.details, verb, ways)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        virtual_time.run(main)


async def handle(engine: Engine, job: str, act: str, at_once: int, ways: dict[str, list[How]]) -> None:
    """Do to a job what a human may; that there is nothing left to do it to is no mistake."""
    with contextlib.suppress(UsageError):
        if act == "abort":
            engine.abort(job, ANNA)
        elif act == "limit":
            now = ways[job][-1]
            wanted = replace(now, at_once=at_once)
            await engine.control(job, "", wanted, ANNA)
            ways[job] += [wanted] if wanted != now else []
        else:
            await engine.control(job, act, None, ANNA)


async def go_on(engine: Engine) -> None:
    """Let every job go on that waits."""
    for job in engine.jobs():
        if job.state is JobState.WAITING:
            await engine.control(job.id, "resume", None, ANNA)


def test_a_death_at_each_await_of_a_small_job() -> None:
    """Every place there is, one after the other, not only those that chance picks; the next worker is told to go on."""
    manners = [Manner.OBEYS, Manner.LOST_AFTER, Manner.SLOWLY, Manner.IGNORES]
    assert set(EFFECTS) == {verb.call for verb in VERBS.values()}
    place = 1
    while dies_at(place, manners):
        place += 1
    assert place > 20


def dies_at(place: int, manners: list[Manner]) -> bool:
    """Let a worker die at one place of a job, and the next one look; whether there is such a place."""
    how = How(at_once=2)

    async def errand(engine: Engine) -> None:
        plan = engine.plan("shutdown", ANNA, everything=True, how=how)
        job = await engine.submit(plan.id, plan.phrase, ANNA)
        await asyncio.sleep(2)
        await handle(engine, job.id, "pause", 0, {})
        await asyncio.sleep(20)
        await handle(engine, job.id, "resume", 0, {})

    async def main(loop: virtual_time.VirtualLoop) -> bool:
        world = World(loop, machines_for("shutdown", 4, manners, on=2))
        life = Life(world, path)
        await life.live(place, errand)
        if world.is_dead:
            await life.live(None, go_on)
            ways = {detail.job.id: [how] for detail in life.details}
            check(world, path, life.details, "shutdown", ways)
            return True
        return False

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        return virtual_time.run(main)
