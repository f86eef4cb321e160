"""The engine over a world that obeys, refuses, dawdles, vanishes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from kvmtui.actions import VERBS
from kvmtui.errors import NotRecordedError, RefusedError, UsageError
from kvmtui.guard.client import ClientId
from kvmtui.jobs.engine import Engine
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.record import verify
from kvmtui.model.job import ENDED, Danger, Job, JobDetail, JobState, Plan, StepState, Verdict
from kvmtui.model.seen import Fact
from kvmtui.model.vm import VmState
from tests.unit import virtual_time
from tests.unit.jobs_world import Machine, Manner, World, given_for, machines, machines_for

ANNA = ClientId("anna", 1000, 4711, False, "ssh from 192.0.2.7")
GUEST = ClientId("guest", 1001, 4712, True)


class Desk:
    """A worker's engine, and somebody at it."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.told: list[Job] = []
        self.polling: asyncio.Task[None] = asyncio.create_task(world.poll())
        self.journal = Journal(path, world.loop.clock)
        world.loop.wait_for(lambda: self.journal.waiting > 0)
        self.engine = Engine(self.journal, world, world.fleet, world.config, self.told.append, world.loop.clock)

    def plan(self, verb: str, client: ClientId = ANNA) -> Plan:
        """Plan a verb for everything there is."""
        return self.engine.plan(verb, client, everything=True, parameters=given_for(verb))

    async def submit(self, verb: str) -> Job:
        """Plan, and confirm."""
        plan = self.plan(verb)
        return await self.engine.submit(plan.id, plan.phrase, ANNA)

    async def ended(self, job: Job, within_s: float = 2_000.0) -> JobDetail:
        """Wait until a job has ended."""
        await self.until(lambda: self.job(job).state in ENDED, within_s)
        return await self.engine.detail(job.id)

    async def until(self, holds: Callable[[], bool], within_s: float = 2_000.0) -> None:
        """Wait until ``holds``."""
        for _ in range(int(within_s * 20)):
            if holds():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {within_s:g} s")

    def job(self, job: Job) -> Job:
        """Return a job as it is now."""
        return next(each for each in self.engine.jobs() if each.id == job.id)


def at_desk(path: Path, hosts: dict[str, dict[str, Machine]], body: Callable[[Desk], Awaitable[None]]) -> None:
    """Run ``body`` at a desk whose world has these hosts; then the audit record must be sound."""

    async def main(loop: virtual_time.VirtualLoop) -> None:
        desk = Desk(World(loop, hosts), path)
        await desk.engine.recover()
        await asyncio.sleep(3)
        try:
            await body(desk)
        finally:
            desk.polling.cancel()
            await desk.engine.close()

    virtual_time.run(main)
    found = verify(path)
    assert found.is_sound, found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.db"


FIRST = {
    Manner.OBEYS: (StepState.DONE, "shut down done, shut off"),
    Manner.QUIETLY: (StepState.DONE, "shut down done, shut off"),
    Manner.SLOWLY: (StepState.DONE, "shut down done, shut off"),
    Manner.IGNORES: (StepState.FAILED, "still running · why: no reaction to the request for 120 s, no agent"),
    Manner.TOO_LATE: (StepState.FAILED, "still running · why: no reaction to the request for 120 s, no agent"),
    Manner.REFUSES: (StepState.FAILED, "shut down NOT done, still running · why: libvirt refused it, error 9"),
    Manner.REFUSES_DONE: (StepState.DONE, "though libvirt refused"),
    Manner.NOT_SENT: (StepState.FAILED, "shut down NOT begun · why: not sent: the host is lost"),
    Manner.LOST_AFTER: (StepState.UNKNOWN, "the link was lost after shutdown had left"),
    Manner.LOST_BEFORE: (StepState.UNKNOWN, "the link was lost after shutdown had left"),
    Manner.LOST_LATER: (StepState.UNKNOWN, "shut down was accepted, then kvm1 did not answer"),
    Manner.VANISHES: (StepState.UNKNOWN, "it is not on kvm1 any more"),
}
AT_LAST = {
    Manner.LOST_AFTER: StepState.DONE,
    Manner.LOST_BEFORE: StepState.FAILED,
    Manner.LOST_LATER: StepState.DONE,
}


@pytest.mark.parametrize("manner", Manner)
def test_every_outcome_is_said_as_it_is(path: Path, manner: Manner) -> None:
    """Done, failed or unknown, with the reason; an unknown one is looked at again by itself; no call is repeated."""

    async def body(desk: Desk) -> None:
        state, fragment = FIRST[manner]
        detail = await desk.ended(await desk.submit("shutdown"))
        (step,) = detail.steps
        assert step.state is state
        assert fragment in step.text
        assert detail.job.state.value == state.value
        assert step.text in detail.job.text
        await asyncio.sleep(600)
        (settled,) = (await desk.engine.detail(detail.job.id)).steps
        assert settled.state is AT_LAST.get(manner, state)
        assert len(desk.world.calls) == (0 if manner is Manner.NOT_SENT else 1)
        assert desk.told[-1].state.value == settled.state.value
        assert desk.world.fleet.vms[step.host, step.uuid].job == "" if manner is not Manner.VANISHES else True

    at_desk(path, machines(1, VmState.RUNNING, [manner]), body)


def test_a_guest_that_ignores_it_is_told_in_the_form_of_failures(path: Path) -> None:
    """✗ name host: NOT done, what is there, why, what next; never a silent force."""

    async def body(desk: Desk) -> None:
        detail = await desk.ended(await desk.submit("shutdown"))
        assert detail.job.text == (
            "✗ vm-0 kvm1: shut down NOT done, still running · why: no reaction to the request for 120 s, no agent"
            " · next: wait more, it may yet obey; F force off if it must be now"
        )
        assert [call for _, _, call in desk.world.calls] == ["shutdown"]

    at_desk(path, machines(1, VmState.RUNNING, [Manner.IGNORES]), body)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_done_and_seen(path: Path, verb: str) -> None:
    """On hosts that tell, by event or look; five VMs on two hosts, one call each."""

    async def body(desk: Desk) -> None:
        detail = await desk.ended(await desk.submit(verb))
        count = 1 if VERBS[verb].one_only else 5
        assert [step.state for step in detail.steps] == [StepState.DONE] * count
        assert detail.job.state is JobState.DONE
        assert len(desk.world.calls) == len(set(desk.world.calls)) == count

    at_desk(path, machines_for(verb, 5, on=2), body)


@pytest.mark.parametrize("verb", ["autostart-on", "autostart-off", "snapshot", "abort-job", "delete", "save"])
@pytest.mark.parametrize("manner", Manner)
def test_what_no_state_proves_is_proved_by_looking(path: Path, verb: str, manner: Manner) -> None:
    """Each outcome is what is there, in the end: the same for each kind of proof."""

    async def body(desk: Desk) -> None:
        detail = await desk.ended(await desk.submit(verb))
        await asyncio.sleep(2_000)
        (step,) = (await desk.engine.detail(detail.job.id)).steps
        vm = desk.world.hosts[step.host][step.uuid]
        seen = await desk.world.look(step.host, step.uuid, facts=frozenset(Fact))
        if vm.exists or verb == "delete":
            reached = VERBS[verb].is_proved_by(seen, given_for(verb))
            assert step.state is (StepState.DONE if reached and manner is not Manner.TOO_LATE else StepState.FAILED)
        else:
            assert step.state is StepState.UNKNOWN

    at_desk(path, machines_for(verb, 1, [manner]), body)


def test_what_libvirt_is_busy_with_is_left_alone_and_named(path: Path) -> None:
    """In the question, and right before the step; nothing is called. Aborting it is what still can be done."""

    async def body(desk: Desk) -> None:
        busy, idle = desk.world.hosts["kvm1"].values()
        busy.job = "backup, 12 %"
        await desk.engine.look_around([("kvm1", busy.uuid), ("kvm1", idle.uuid)])
        told = "backup, 12 % is under way, not by kvmtui, and left alone meanwhile: vm-0"
        assert told in desk.plan("shutdown").looks
        detail = await desk.ended(await desk.submit("shutdown"))
        assert [step.state for step in detail.steps] == [StepState.SKIPPED, StepState.DONE]
        assert detail.steps[0].text == "left alone: libvirt is busy with it: backup, 12 %"
        plan = desk.plan("abort-job")
        assert [target.name for target in plan.targets] == ["vm-0"]
        assert "backup, 12 % is under way, not by kvmtui: vm-0" in plan.looks
        detail = await desk.ended(await desk.submit("abort-job"))
        assert detail.job.state is JobState.DONE
        assert [call for _, _, call in desk.world.calls] == ["shutdown", "abortJob"]

    at_desk(path, machines(2, VmState.RUNNING), body)


def test_what_is_so_already_right_before_the_step_is_not_done_again(path: Path) -> None:
    """A snapshot of that name that somebody else has made meanwhile is not taken for ours."""

    async def body(desk: Desk) -> None:
        plan = desk.plan("snapshot")
        (vm,) = desk.world.hosts["kvm1"].values()
        vm.snapshots = ("before-upgrade",)
        detail = await desk.ended(await desk.engine.submit(plan.id, plan.phrase, ANNA))
        assert detail.steps[0].text == "left alone: it has a snapshot of that name"
        assert not desk.world.calls

    at_desk(path, machines(1, VmState.RUNNING), body)


def test_what_was_done_in_part_is_no_success(path: Path) -> None:
    """Each thing that libvirt refused is told."""

    async def body(desk: Desk) -> None:
        (vm,) = desk.world.hosts["kvm1"].values()
        vm.undone = ("vda (/x/vda) NOT deleted: in use",)
        detail = await desk.ended(await desk.submit("delete"))
        assert detail.job.state is JobState.FAILED
        assert detail.steps[0].text == "delete done in part only · why: vda (/x/vda) NOT deleted: in use"

    at_desk(path, machines(1, VmState.OFF), body)


@pytest.mark.parametrize("manner", [Manner.LOST_AFTER, Manner.REFUSES_DONE])
def test_of_disks_that_nobody_saw_go_nothing_is_claimed(path: Path, manner: Manner) -> None:
    """The definition is gone, which a look tells; the disk it does not."""

    async def body(desk: Desk) -> None:
        plan = desk.engine.plan("delete", ANNA, everything=True, parameters={"disks": "vda"})
        detail = await desk.ended(await desk.engine.submit(plan.id, plan.phrase, ANNA))
        await asyncio.sleep(600)
        (step,) = (await desk.engine.detail(detail.job.id)).steps
        assert step.state is StepState.UNKNOWN
        assert "whether vda went too, nobody saw" in step.text

    at_desk(path, machines(1, VmState.OFF, [manner]), body)


def test_a_reboot_whose_event_may_be_lost_is_unknown(path: Path) -> None:
    """No state proves a reboot: without the event it failed if the link held, and is unknown if it did not."""

    async def body(desk: Desk) -> None:
        quiet, cut = (await desk.ended(await desk.submit("reboot"))).steps
        assert quiet.state is StepState.FAILED
        assert cut.state is StepState.UNKNOWN
        assert "the event that would prove it" in cut.text or "did not answer" in cut.text

    hosts = machines(2, VmState.RUNNING, [Manner.QUIETLY, Manner.LOST_LATER], on=2)
    at_desk(path, hosts, body)


def test_the_window_slides_over_hosts_and_lanes(path: Path) -> None:
    """Two a host, eight in all; what is forced off does not wait behind guests that take their time."""

    async def body(desk: Desk) -> None:
        job = await desk.submit("shutdown")
        await asyncio.sleep(30)
        under_way = [vm for vm in desk.world.fleet.vms.values() if vm.job == "shutdown"]
        assert len(under_way) == 8
        assert max(sum(vm.host == host for vm in under_way) for host in desk.world.hosts) == 2
        victim = under_way[0]
        plan = desk.engine.plan("off", ANNA, targets=[(victim.host, victim.uuid)])
        assert plan.danger is Danger.DESTRUCTIVE
        assert any("shut down is under way, asked for by anna" in look for look in plan.looks)
        forced = await desk.engine.submit(plan.id, victim.name, ANNA)
        desk.world.hosts[victim.host][victim.uuid].manner = Manner.OBEYS
        await desk.ended(forced, 5)
        assert desk.job(job).state is JobState.RUNNING
        detail = await desk.ended(job)
        assert (detail.job.total, detail.job.failed + detail.job.done) == (24, 24)

    at_desk(path, machines(24, VmState.RUNNING, [Manner.IGNORES] * 24, on=6), body)


def test_what_changed_between_plan_and_act_is_left_alone(path: Path) -> None:
    """State, place and gate are looked at again right before each act."""

    async def body(desk: Desk) -> None:
        job = await desk.submit("shutdown")
        await asyncio.sleep(1)
        waiting = [vm for vm in desk.world.hosts["kvm1"].values() if desk.world.fleet.vms["kvm1", vm.uuid].job == ""]
        waiting[0].state, waiting[1].state, waiting[2].exists = VmState.PAUSED, VmState.OFF, False
        steps = {step.uuid: step for step in (await desk.ended(job)).steps}
        assert steps[waiting[0].uuid].text == "left alone: was running when it was planned, is paused"
        assert steps[waiting[1].uuid].text == "already shut off"
        assert steps[waiting[2].uuid].text == "left alone: not on kvm1 any more"
        assert {steps[vm.uuid].state for vm in waiting} == {StepState.SKIPPED}
        assert len(desk.world.calls) == 2

    at_desk(path, machines(5, VmState.RUNNING, [Manner.SLOWLY] * 5), body)


def test_abort_begins_nothing_further(path: Path) -> None:
    """What is under way finishes, what has not begun is not begun; a read-only client may not."""

    async def body(desk: Desk) -> None:
        job = await desk.submit("shutdown")
        await asyncio.sleep(1)
        with pytest.raises(RefusedError):
            desk.engine.abort(job.id, GUEST)
        with pytest.raises(UsageError):
            desk.engine.abort("nobody", ANNA)
        desk.engine.abort(job.id, ANNA)
        detail = await desk.ended(job)
        assert (detail.job.state, detail.job.done, detail.job.not_begun) == (JobState.CANCELLED, 2, 3)
        assert "aborted by anna" in detail.job.text
        assert len(desk.world.calls) == 2

    at_desk(path, machines(5, VmState.RUNNING, [Manner.SLOWLY] * 5), body)


def test_drain_finishes_and_begins_nothing(path: Path) -> None:
    """What had not begun waits for a human, and the next worker shows it."""

    async def body(desk: Desk) -> None:
        job = await desk.submit("shutdown")
        await asyncio.sleep(1)
        await desk.engine.drain()
        assert (desk.job(job).state, desk.job(job).done, desk.job(job).not_begun) == (JobState.WAITING, 2, 3)
        assert desk.engine.running == 0
        plan = desk.plan("shutdown")
        with pytest.raises(RefusedError):
            await desk.engine.submit(plan.id, plan.phrase, ANNA)

    hosts = machines(5, VmState.RUNNING, [Manner.SLOWLY] * 5)
    at_desk(path, hosts, body)

    async def next_worker(desk: Desk) -> None:
        (job,) = desk.engine.jobs()
        assert (job.state, job.done, job.not_begun) == (JobState.WAITING, 2, 3)
        assert "waits for you" in job.text
        desk.engine.abort(job.id, ANNA)
        assert desk.job(job).state is JobState.CANCELLED
        assert not desk.world.calls

    at_desk(path, hosts, next_worker)


def test_a_job_of_a_verb_from_another_version_is_shown_and_left_alone(path: Path) -> None:
    """It cannot be gone on with, and does not keep the worker from leaving."""
    hosts = machines(3, VmState.RUNNING, [Manner.SLOWLY] * 3)

    async def begin_and_leave(desk: Desk) -> None:
        await desk.submit("shutdown")
        await asyncio.sleep(1)
        await desk.engine.drain()

    at_desk(path, hosts, begin_and_leave)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE job SET verb = 'hibernate'")

    async def next_worker(desk: Desk) -> None:
        (job,) = desk.engine.jobs()
        assert (job.verb, job.state, desk.engine.running) == ("hibernate", JobState.UNKNOWN, 0)
        assert "not known to this kvmtui" in job.text
        assert len((await desk.engine.detail(job.id)).steps) == 3

    at_desk(path, hosts, next_worker)


def test_a_journal_that_is_held_stops_what_is_not_recorded(path: Path) -> None:
    """Nothing more is begun, what runs is finished, watched and can be aborted; its outcome is written afterwards."""

    async def body(desk: Desk) -> None:
        job = await desk.submit("shutdown")
        await asyncio.sleep(1)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        plan = desk.plan("off")
        with pytest.raises(NotRecordedError, match="held by another process"):
            await desk.engine.submit(plan.id, plan.phrase, ANNA)
        assert desk.engine.trouble is not None
        await desk.until(lambda: desk.job(job).state is JobState.WAITING)
        assert (desk.job(job).done, desk.job(job).not_begun) == (2, 2)
        assert "held by another process" in desk.job(job).text
        assert len(desk.world.calls) == 2
        assert desk.engine.abort(job.id, ANNA).state is JobState.CANCELLED
        other.execute("COMMIT")
        other.close()
        plan = desk.plan("off")
        assert (await desk.ended(await desk.engine.submit(plan.id, plan.phrase, ANNA))).job.done == 2
        assert desk.engine.trouble is None

    at_desk(path, machines(4, VmState.RUNNING, [Manner.SLOWLY] * 4), body)
    rows = sqlite3.connect(path)
    records = [row[0] for row in rows.execute("SELECT record FROM audit ORDER BY seq")]
    rows.close()
    assert sum("nothing could be recorded from" in record for record in records) == 1
    assert sum('"phase":"outcome"' in record for record in records) == 4


def test_a_damaged_journal_is_kept_and_refuses_acts_until_a_human_moves_it(path: Path) -> None:
    """Watching goes on; the refusal has the remedy; a new journal names the one beside it."""
    path.write_bytes(b"this was a journal once" * 1000)

    def follow(remedy: str) -> None:
        _, source, target = remedy[remedy.index("mv ") :].split()
        Path(source).rename(target)

    async def body(desk: Desk) -> None:
        assert desk.engine.jobs() == ()
        plan = desk.plan("shutdown")
        with pytest.raises(NotRecordedError, match=f"mv {path} {path}.kept-") as refusal:
            await desk.engine.submit(plan.id, plan.phrase, ANNA)
        assert not desk.world.calls
        follow(refusal.value.remedy)
        assert (await desk.ended(await desk.engine.submit(plan.id, plan.phrase, ANNA))).job.done == 1

    at_desk(path, machines(1, VmState.RUNNING), body)
    rows = sqlite3.connect(path)
    (first,) = rows.execute("SELECT record FROM audit WHERE seq = 1").fetchone()
    rows.close()
    assert "journal begun; kept beside it: journal.db.kept-" in first
    (kept,) = path.parent.glob("journal.db.kept-*")
    assert kept.read_bytes() == b"this was a journal once" * 1000


def test_who_hangs_up_while_submitting_leaves_a_job_that_runs(path: Path) -> None:
    """A job that is on disk is begun, whoever is still there to hear of it."""

    async def body(desk: Desk) -> None:
        plan = desk.plan("shutdown")
        asking = asyncio.create_task(desk.engine.submit(plan.id, plan.phrase, ANNA))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(60)
        (job,) = desk.engine.jobs()
        assert job.state is JobState.DONE

    at_desk(path, machines(3, VmState.RUNNING), body)


def test_the_demo_driver_reboots_without_an_event(path: Path) -> None:
    """Its call having returned is all there is to see."""

    async def body(desk: Desk) -> None:
        config = desk.world.config
        hosts = tuple(msgspec.structs.replace(host, uri="test:///default") for host in config.hosts)
        desk.world.fleet.apply(msgspec.structs.replace(config, hosts=hosts))
        desk.world.report_links()
        detail = await desk.ended(await desk.submit("reboot"), 5)
        assert detail.job.state is JobState.DONE
        assert "test driver" in detail.steps[0].text

    at_desk(path, machines(1, VmState.RUNNING, [Manner.QUIETLY]), body)


def test_two_clients_cannot_do_one_plan_twice(path: Path) -> None:
    """The second is told which job it became; the same verb on a VM under way is left out."""

    async def body(desk: Desk) -> None:
        plan = desk.plan("shutdown")
        job = await desk.engine.submit(plan.id, "y", ANNA)
        with pytest.raises(RefusedError, match=f"job {job.id} already"):
            await desk.engine.submit(plan.id, "y", ANNA)
        again = desk.plan("shutdown")
        assert again.verdict is Verdict.NO
        assert again.skipped[0].reason == "shut down is under way already, asked for by anna"

    at_desk(path, machines(1, VmState.RUNNING, [Manner.SLOWLY]), body)
