"""How a job goes through its VMs: the first alone, so many at once, rank by rank; stopped, paused, resumed, limited."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.errors import RefusedError, UsageError
from kvmtui.guard.client import ClientId
from kvmtui.jobs import limits
from kvmtui.jobs.progress import LATELY_S, Progress
from kvmtui.jobs.queue import Queue
from kvmtui.jobs.record import verify
from kvmtui.jobs.store import Store
from kvmtui.model.job import AT_ONCE_MAX, How, Job, JobState, Order, StepState, Target
from kvmtui.model.vm import VmState
from tests.unit.jobs_world import Manner, machines
from tests.unit.test_jobs_engine import ANNA, GUEST, Desk, at_desk

BERT = ClientId("bert", 1001, 4713)
R = VmState.RUNNING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.db"


async def begin(desk: Desk, how: How, verb: str = "shutdown") -> Job:
    """Do it to everything, in some way."""
    plan = desk.engine.plan(verb, ANNA, everything=True, how=how)
    assert plan.how == how
    return await desk.engine.submit(plan.id, plan.phrase, ANNA)


def under_way(desk: Desk) -> list[str]:
    """Return the names of the VMs that something is done to."""
    return sorted(vm.name for vm in desk.world.fleet.vms.values() if vm.job)


def control_records(path: Path) -> list[tuple[str, str, str]]:
    """Return (phase, user, text) of what humans did to jobs."""
    with closing(sqlite3.connect(path)) as connection:
        found: list[dict[str, Any]] = [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit")]
    phases = {"paused", "resumed", "changed", "aborted"}
    return [(record["phase"], record["user"], record["text"]) for record in found if record["phase"] in phases]


def test_the_rest_begins_once_the_first_are_done(path: Path) -> None:
    """One alone; one that had nothing to do proves nothing, and the next one goes alone."""

    async def body(desk: Desk) -> None:
        job = await begin(desk, How(first=1, at_once=8))
        await asyncio.sleep(5)
        assert under_way(desk) == ["vm-0"]
        assert desk.job(job).left_s is None
        await asyncio.sleep(10)
        assert len(under_way(desk)) == 2, "two a host, says the config"
        assert (await desk.ended(job)).job.done == 5

    at_desk(path, machines(5, R, [Manner.SLOWLY] * 5), body)

    async def already(desk: Desk) -> None:
        plan = desk.engine.plan("shutdown", ANNA, everything=True, how=How(first=1))
        desk.world.hosts["kvm1"][plan.targets[0].uuid].state = VmState.OFF
        desk.world.report_links()
        with pytest.raises(RefusedError, match="is out"):
            await desk.engine.submit(plan.id, plan.phrase, ANNA)

    at_desk(path, machines(3, R, [Manner.SLOWLY] * 3), already)


@pytest.mark.parametrize("manner", [Manner.REFUSES, Manner.LOST_LATER])
def test_a_first_one_that_is_not_done_stops_the_job(path: Path, manner: Manner) -> None:
    """Nothing else was touched; a human may go on, then the next one goes alone, unless a look proved the first."""

    async def body(desk: Desk) -> None:
        job = await begin(desk, How(first=1))
        await desk.until(lambda: desk.job(job).state is JobState.WAITING)
        assert len(desk.world.calls) == 1
        assert "waits for you: the first was not done" in desk.job(job).text
        assert (desk.job(job).rate, desk.job(job).left_s) == (None, None)
        await asyncio.sleep(300)
        await desk.engine.control(job.id, "resume", None, ANNA)
        await asyncio.sleep(1)
        is_proven = manner is Manner.LOST_LATER
        assert len(desk.world.calls) == (3 if is_proven else 2), "what a later look found done counts"
        detail = await desk.ended(job)
        assert detail.job.done + detail.job.failed == 4
        assert len(desk.world.calls) == 4

    at_desk(path, machines(4, R, [manner, *[Manner.SLOWLY] * 3]), body)


def test_it_stops_after_so_many_failures(path: Path) -> None:
    """Three, or a twentieth; resumed it counts anew; aborted it ends."""
    assert [How().failures_allowed(total) for total in (1, 60, 79, 80, 1_000)] == [3, 3, 3, 4, 50]

    async def body(desk: Desk) -> None:
        job = await begin(desk, How(first=0, at_once=1))
        await desk.until(lambda: desk.job(job).state is JobState.WAITING)
        assert (desk.job(job).failed, desk.job(job).not_begun) == (3, 7)
        assert "waits for you: stopped after 3 failures" in desk.job(job).text
        await desk.engine.control(job.id, "resume", replace(desk.job(job).how, stop_after=2), ANNA)
        await desk.until(lambda: desk.job(job).state is JobState.WAITING)
        assert desk.job(job).failed == 5
        assert "stopped after 2 failures" in desk.job(job).text
        desk.engine.abort(job.id, ANNA)
        assert desk.job(job).state is JobState.CANCELLED
        with pytest.raises(UsageError, match="ended"):
            await desk.engine.control(job.id, "resume", None, ANNA)
        assert len(desk.world.calls) == 5

    at_desk(path, machines(10, R, [Manner.REFUSES] * 10, on=2), body)


def test_ranks_follow_one_another(path: Path) -> None:
    """All of db have ended, and ten seconds passed, before app begins; what has none of the tags comes last."""
    how = How(first=0, order=Order.TAGS, ranks=("db", "app"), wait_s=10.0)

    async def body(desk: Desk) -> None:
        plan = desk.engine.plan("shutdown", ANNA, everything=True, how=how)
        assert [(target.name, target.rank) for target in plan.targets][2:4] == [("vm-2", 0), ("vm-3", 1)]
        assert plan.how.told(7) == "8 at once, by tags: db, app, the others, 10 s between them; stops after 3 failures"
        job = await begin(desk, how)
        seen: list[str] = []
        for _ in range(70):
            now = under_way(desk)
            if now and (not seen or seen[-1] != " ".join(now)):
                seen.append(" ".join(now))
            await asyncio.sleep(1)
        assert seen == ["vm-0 vm-1 vm-2", "vm-3 vm-4 vm-5", "vm-6"]
        steps = (await desk.ended(job)).steps
        began, ended = [step.began or 0.0 for step in steps], [step.ended or 0.0 for step in steps]
        assert min(began[3:6]) - max(ended[:3]) == pytest.approx(10.0, abs=0.1)
        assert began[6] - max(ended[3:6]) == pytest.approx(10.0, abs=0.1)

    at_desk(path, machines(7, R, [Manner.SLOWLY] * 7, on=3), body)


def test_paused_resumed_limited_with_who_did_it(path: Path) -> None:
    """What is under way finishes; limits hold for what begins next; each stands in the record with its user."""

    async def body(desk: Desk) -> None:
        job = await begin(desk, How(first=0, at_once=4))
        await asyncio.sleep(1)
        assert len(under_way(desk)) == 4
        for refused in ("pause", "resume", ""):
            with pytest.raises(RefusedError):
                await desk.engine.control(job.id, refused, None if refused else How(first=0), GUEST)
        paused = await desk.engine.control(job.id, "pause", None, BERT)
        assert paused.state is JobState.RUNNING
        await asyncio.sleep(30)
        assert (desk.job(job).state, desk.job(job).done) == (JobState.WAITING, 4)
        assert desk.job(job).text.startswith("waits for you: paused by bert")
        await desk.engine.control(job.id, "", replace(desk.job(job).how, at_once=1), ANNA)
        await asyncio.sleep(30)
        assert desk.job(job).done == 4
        assert (await desk.engine.control(job.id, "resume", None, ANNA)).state is JobState.RUNNING
        await asyncio.sleep(5)
        assert len(under_way(desk)) == 1
        await desk.engine.control(job.id, "", replace(desk.job(job).how, at_once=3), ANNA)
        assert len(under_way(desk)) == 3
        with pytest.raises(UsageError, match="order cannot change"):
            await desk.engine.control(job.id, "", replace(desk.job(job).how, order=Order.MARKED), ANNA)
        with pytest.raises(UsageError, match="not to be done"):
            await desk.engine.control(job.id, "fly", None, ANNA)
        detail = await desk.ended(job)
        assert (detail.job.done, len(desk.world.calls)) == (8, 8)
        with pytest.raises(UsageError, match="has ended"):
            await desk.engine.control(job.id, "pause", None, ANNA)

    at_desk(path, machines(8, R, [Manner.SLOWLY] * 8, on=4), body)
    assert control_records(path) == [
        ("paused", "bert", "8 VMs on 4 hosts"),
        ("changed", "anna", "at once 4 → 1"),
        ("resumed", "anna", "8 VMs on 4 hosts"),
        ("changed", "anna", "at once 1 → 3"),
    ]


def test_what_was_about_to_begin_when_it_was_paused_is_not_begun(path: Path) -> None:
    """Taken, and still looked at once more: it goes back to its place."""

    async def body(desk: Desk) -> None:
        await asyncio.sleep(0)
        desk.polling.cancel()
        await asyncio.sleep(60)
        job = await begin(desk, How(first=0, at_once=1))
        await desk.engine.control(job.id, "pause", None, ANNA)
        await asyncio.sleep(60)
        assert (desk.job(job).state, desk.job(job).not_begun, desk.world.calls) == (JobState.WAITING, 2, [])
        await desk.engine.control(job.id, "resume", None, ANNA)
        assert (await desk.ended(job)).job.done == 2

    at_desk(path, machines(2, R), body)


def test_a_job_that_waits_after_a_restart_goes_on_as_it_was(path: Path) -> None:
    """In its way, by a human's key, looked at again; a locked host or a read-only client keeps it waiting."""
    hosts = machines(7, R, [Manner.SLOWLY] * 7, on=2)
    how = How(first=2, at_once=3, order=Order.TAGS, ranks=("db", "app"), wait_s=20.0, stop_after=5)

    async def leave(desk: Desk) -> None:
        await begin(desk, how)
        await asyncio.sleep(1)
        await desk.engine.drain()

    at_desk(path, hosts, leave)

    async def next_worker(desk: Desk) -> None:
        (job,) = desk.engine.jobs()
        assert (job.state, job.how, job.done) == (JobState.WAITING, how, 2)
        locked = tuple(replace(host, guard="locked") for host in desk.world.config.hosts)
        desk.engine.apply(replace(desk.world.config, hosts=locked))
        with pytest.raises(RefusedError, match="locked"):
            await desk.engine.control(job.id, "resume", None, ANNA)
        desk.engine.apply(desk.world.config)
        left = next(step.uuid for step in (await desk.engine.detail(job.id)).steps if step.number == 3)
        next(vms for vms in hosts.values() if left in vms)[left].state = VmState.PAUSED
        await asyncio.sleep(3)
        await desk.engine.control(job.id, "resume", None, BERT)
        await asyncio.sleep(5)
        assert under_way(desk) == ["vm-2"]
        detail = await desk.ended(job)
        assert (detail.job.done, detail.job.skipped, detail.steps[3].state) == (6, 1, StepState.SKIPPED)
        assert (detail.steps[4].began or 0.0) - (detail.steps[2].ended or 0.0) >= 20.0

    at_desk(path, hosts, next_worker)
    assert control_records(path) == [("resumed", "bert", "7 VMs on 2 hosts")]


def test_limits_of_the_worker_hold_whatever_a_job_asks_for(path: Path) -> None:
    """Of all jobs together, and changed while they run."""

    async def body(desk: Desk) -> None:
        await begin(desk, How(first=0, at_once=64, per_host=8))
        await asyncio.sleep(1)
        assert len(under_way(desk)) == 8
        more = replace(desk.world.config.limits, overall=11)
        desk.engine.apply(replace(desk.world.config, limits=more))
        assert len(under_way(desk)) == 11
        fewer = replace(more, per_host=1)
        desk.engine.apply(replace(desk.world.config, limits=fewer))
        await asyncio.sleep(11)
        assert len(under_way(desk)) == 6

    at_desk(path, machines(36, R, [Manner.SLOWLY] * 36, on=6), body)


def test_rate_and_rest_are_told_when_there_is_something_to_go_by(path: Path) -> None:
    """Ten seconds each, two at once: twelve a minute; None before, and after."""

    async def body(desk: Desk) -> None:
        job = await begin(desk, How(first=0, at_once=2))
        await asyncio.sleep(5)
        assert desk.job(job).rate is None
        await asyncio.sleep(150)
        now = desk.job(job)
        assert now.rate == pytest.approx(12, rel=0.2)
        assert now.left_s == pytest.approx((now.total - now.done) * 5, rel=0.2)
        assert (await desk.ended(job)).job.rate is None

    at_desk(path, machines(40, R, [Manner.SLOWLY] * 40), body)


def test_a_rate_forgets_what_is_long_ago() -> None:
    """And keeps no more of it than it needs."""
    progress = Progress()
    progress.begin(0.0)
    for second in range(600):
        progress.end(float(second))
    assert progress.rate(600.0) == pytest.approx(60, rel=0.05)
    assert len(progress._ends) <= LATELY_S
    assert progress.rate(600.0 + LATELY_S / 2) == pytest.approx(30, rel=0.1)
    assert progress.rate(10_000.0) is None


PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30)
"""(host, rank) of each VM."""


@given(PLACES, st.sampled_from(Order), st.data())
def test_a_queue_gives_each_step_once_in_its_order(
    places: list[tuple[int, int]], order: Order, data: st.DataObject
) -> None:
    """Whatever hosts have room, whatever is put back."""
    targets = [Target(f"kvm{host}", str(n), f"vm-{n}", R, rank) for n, (host, rank) in enumerate(places)]
    queue = Queue(order, targets, range(len(targets)))
    taken: list[int] = []
    while queue:
        assert len(queue) + len(taken) == len(targets)
        room = data.draw(st.sets(st.sampled_from([target.host for target in targets]), min_size=1))
        lowest = queue.rank
        number = queue.take(lambda host, room=room: host in room)  # type: ignore[misc]
        if number is None:
            left = [t for n, t in enumerate(targets) if n not in taken and t.rank == lowest]
            assert left[0].host not in room if order is Order.MARKED else not {t.host for t in left} & room
            number = queue.take(lambda _: True)
            assert number is not None
        assert targets[number].rank == lowest == min(t.rank for n, t in enumerate(targets) if n not in taken)
        before = [n for n, t in enumerate(targets[:number]) if t.rank == lowest and n not in taken]
        assert not [n for n in before if order is Order.MARKED or targets[n].host == targets[number].host]
        if data.draw(st.booleans()):
            queue.put_back(number)
            assert queue.take(lambda host, host_=targets[number].host: host == host_) == number  # type: ignore[misc]
        taken.append(number)
    assert sorted(taken) == list(range(len(targets)))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (How(at_once=0), "at once is 1 to 64"),
        (How(at_once=AT_ONCE_MAX + 1), "at once is 1 to 64"),
        (How(per_host=9), "per host is 1 to 8"),
        (How(first=-1), "first is 0 to 1000"),
        (How(wait_s=float("nan")), "wait is 0 to 3600"),
        (How(stop_after=0), "stop after is 1 to"),
        (How(order=Order.TAGS), "which tags"),
        (How(order=Order.TAGS, ranks=("",)), "which tags"),
        (How(ranks=("a",) * 40), "at most 32"),
    ],
)
def test_what_no_job_can_be_is_refused(how: How, words: str) -> None:
    """In words, before anything is planned."""
    with pytest.raises(UsageError, match=words):
        limits.checked(how)


def test_a_plan_is_another_one_in_another_way(path: Path) -> None:
    """What was confirmed is what is done: its id covers the way and the ranks."""

    async def body(desk: Desk) -> None:
        hows = [How(), How(first=0), How(at_once=3), How(order=Order.TAGS, ranks=("db",)), How(stop_after=1)]
        plans = [desk.engine.plan("shutdown", ANNA, everything=True, how=how) for how in hows]
        assert len({plan.id for plan in plans}) == len(hows)
        assert desk.plan("shutdown").how == desk.world.config.bulk

    at_desk(path, machines(3, R), body)


def test_a_journal_of_the_first_version_is_gone_on_with(path: Path) -> None:
    """Its jobs, steps and records are there; what it knew nothing of is as usual; the chain is whole."""
    hosts = machines(4, R, [Manner.SLOWLY] * 4)

    async def leave(desk: Desk) -> None:
        await begin(desk, How(first=0))
        await asyncio.sleep(1)
        await desk.engine.drain()

    at_desk(path, hosts, leave)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE job DROP COLUMN how")
        connection.execute("ALTER TABLE step DROP COLUMN rank")
        connection.execute("PRAGMA user_version = 1")

    async def next_worker(desk: Desk) -> None:
        (job,) = desk.engine.jobs()
        assert (job.state, job.how, job.not_begun) == (JobState.WAITING, How(), 2)
        await desk.engine.control(job.id, "resume", None, ANNA)
        detail = await desk.ended(job)
        assert (detail.job.state, detail.job.done) == (JobState.DONE, 4)
        await begin(desk, How(first=0, at_once=2), "start")

    at_desk(path, hosts, next_worker)
    assert verify(path).is_sound
    store = Store(path, lambda: 1.0)
    assert {job for (job,) in store.rows("SELECT json_extract(how, '$.at_once') FROM job")} == {None, 2}
    store.close()
