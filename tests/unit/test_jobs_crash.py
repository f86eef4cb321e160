"""The worker dies at any await, over again: no act is done twice, none is lost, every record is closed."""

from __future__ import annotations

import asyncio
import collections
import json
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.errors import NotRecordedError
from kvmtui.guard.client import ClientId
from kvmtui.jobs.engine import Engine
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.record import verify
from kvmtui.jobs.store import Change, Store
from kvmtui.model.job import ENDED, Job, JobDetail, JobState, StepState
from kvmtui.model.seen import Seen
from tests.unit import virtual_time
from tests.unit.jobs_world import EFFECTS, Machine, Manner, World, given_for, machines_for

ANNA = ClientId("anna", 1000, 4711)


class MortalStore(Store):
    """The real store, in a worker that may die right before or right after a transaction is on disk."""

    def __init__(self, path: Path, clock: Callable[[], float], world: World) -> None:
        super().__init__(path, clock)
        self._world = world
        self._grave = world.buried

    def write(self, changes: Sequence[Change]) -> None:
        self._perhaps_die()
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


def records(path: Path) -> list[dict[str, Any]]:
    """Return the audit record."""
    connection = sqlite3.connect(path)
    try:
        return [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit ORDER BY seq")]
    finally:
        connection.close()


def check(world: World, path: Path, details: list[JobDetail], verb: str) -> None:
    """What must hold after any number of deaths, once a worker has lived long enough to look at everything."""
    assert verify(path).is_sound
    written = collections.defaultdict(list)
    for record in records(path):
        if record["phase"] in {"intent", "outcome", "verified"}:
            written[record["job"], record["step"]].append(record)
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


LIVES = given(
    verb=st.sampled_from(sorted(VERBS)),
    manners=st.lists(st.sampled_from(Manner), min_size=1, max_size=9),
    hosts=st.integers(1, 3),
    deaths=st.lists(st.integers(1, 60), max_size=3),
    abort_after=st.none() | st.floats(0, 30),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@LIVES
def test_no_death_loses_or_repeats_an_act(
    verb: str, manners: list[Manner], hosts: int, deaths: list[int], abort_after: float | None
) -> None:
    """Whatever the VMs do, wherever the worker dies, however often."""
    live_and_die(verb, manners, hosts, deaths, abort_after)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@LIVES
def test_no_death_in_thousands_loses_or_repeats_an_act(
    verb: str, manners: list[Manner], hosts: int, deaths: list[int], abort_after: float | None
) -> None:
    """The same, for an hour."""
    live_and_die(verb, manners, hosts, deaths, abort_after)


def live_and_die(verb: str, manners: list[Manner], hosts: int, deaths: list[int], abort_after: float | None) -> None:
    """Give a worker a job; let it die, and its successors; check what the last one says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"

        async def errand(engine: Engine) -> None:
            plan = engine.plan(verb, ANNA, everything=True, parameters=given_for(verb))
            if not plan.targets:
                return
            job = await engine.submit(plan.id, plan.phrase, ANNA)
            if abort_after is not None:
                await asyncio.sleep(abort_after)
                engine.abort(job.id, ANNA)

        async def main(loop: virtual_time.VirtualLoop) -> None:
            world = World(loop, machines_for(verb, len(manners), manners, on=hosts))
            life = Life(world, path)
            for number, crash_at in enumerate([*deaths, None]):
                await life.live(crash_at, errand if number == 0 else None)
            check(world, path, life.details, verb)

        virtual_time.run(main)


def test_a_death_at_each_await_of_a_small_job() -> None:
    """Every place there is, one after the other, not only those that chance picks."""
    manners = [Manner.OBEYS, Manner.LOST_AFTER, Manner.SLOWLY, Manner.IGNORES]
    assert set(EFFECTS) == {verb.call for verb in VERBS.values()}
    place = 1
    while dies_at(place, manners):
        place += 1
    assert place > 20


def dies_at(place: int, manners: list[Manner]) -> bool:
    """Let a worker die at one place of a job, and the next one look; whether there is such a place."""

    async def errand(engine: Engine) -> None:
        plan = engine.plan("shutdown", ANNA, everything=True)
        await engine.submit(plan.id, plan.phrase, ANNA)

    async def main(loop: virtual_time.VirtualLoop) -> bool:
        world = World(loop, machines_for("shutdown", 4, manners, on=2))
        life = Life(world, path)
        await life.live(place, errand)
        if world.is_dead:
            await life.live(None, None)
            check(world, path, life.details, "shutdown")
            return True
        return False

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        return virtual_time.run(main)
