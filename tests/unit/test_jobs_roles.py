"""Jobs under roles: who may stop whose, who lets it go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kvmtui.config import GuardConfig
from kvmtui.config.structs import RoleConfig
from kvmtui.errors import RefusedError, UsageError
from kvmtui.guard.client import ClientId
from kvmtui.model.job import How, Job, JobState
from kvmtui.model.vm import VmState
from tests.unit.jobs_world import Machine, Manner, machines
from tests.unit.test_jobs_engine import Desk, at_desk

ROLES = (
    RoleConfig(role="admin", users=("ada",)),
    RoleConfig(role="operator", groups=("ops",)),
    RoleConfig(role="admin", users=("ben",), hosts=("kvm1",)),
)
ADA = ClientId("ada", 1, 1)
OPS = ClientId("olga", 2, 2, groups=frozenset({"ops"}))
BEN = ClientId("ben", 3, 3)
"""Admin on kvm1, viewer on kvm2."""
GUEST = ClientId("guest", 4, 4)


async def begun(desk: Desk, client: ClientId, verb: str, where: str) -> Job:
    """A job that goes through its VMs one after the other, the first of which takes a while."""
    desk.engine.apply(replace(desk.world.config, guard=GuardConfig(roles=ROLES)))
    plan = desk.engine.plan(verb, client, filter_text=where, how=How(first=0, at_once=1))
    return await desk.engine.submit(plan.id, plan.phrase, client)


def fleet(manner: Manner) -> dict[str, dict[str, Machine]]:
    """Six VMs on two hosts."""
    return machines(6, VmState.RUNNING, [manner] * 6, on=2)


def test_a_plan_is_confirmed_by_who_may_do_it_whoever_made_it(tmp_path: Path) -> None:
    """What a plan was allowed to one is judged anew for who confirms it."""

    async def body(desk: Desk) -> None:
        desk.engine.apply(replace(desk.world.config, guard=GuardConfig(roles=ROLES)))
        plan = desk.engine.plan("off", ADA, everything=True)
        for client in (OPS, BEN, GUEST):
            with pytest.raises(RefusedError, match="your role here is"):
                await desk.engine.submit(plan.id, plan.phrase, client)
        assert not desk.world.calls
        vms = [(target.host, target.uuid) for target in plan.targets]
        assert desk.engine.eligible(vms, BEN).ready["off"] == 3
        assert desk.engine.eligible(vms, OPS).why["off"] == "your role here is operator, it takes admin"
        assert desk.engine.eligible(vms, OPS).ready["shutdown"] == 6
        assert not desk.engine.eligible(vms, GUEST).ready
        await desk.ended(await desk.engine.submit(plan.id, plan.phrase, ADA))
        assert len(desk.world.calls) == 6

    at_desk(tmp_path / "journal.db", fleet(Manner.OBEYS), body)


def test_a_job_is_stopped_by_who_may_act_on_what_is_left_of_it(tmp_path: Path) -> None:
    """An admin of one host stops no job that reaches to the other, a viewer none; an operator any."""

    async def body(desk: Desk) -> None:
        wide = await begun(desk, ADA, "shutdown", "state:running")
        for client in (BEN, GUEST):
            with pytest.raises(RefusedError, match="your role here is viewer"):
                desk.engine.abort(wide.id, client)
            for act in ("pause", "resume"):
                with pytest.raises(RefusedError, match="your role here is viewer"):
                    await desk.engine.control(wide.id, act, None, client)
        assert desk.job(wide).state is JobState.RUNNING
        assert (await desk.engine.control(wide.id, "pause", None, OPS)).state is not JobState.CANCELLED
        await desk.engine.control(wide.id, "resume", None, OPS)
        desk.engine.abort(wide.id, OPS)
        await desk.ended(wide)
        assert len(desk.world.calls) < 6

    at_desk(tmp_path / "journal.db", fleet(Manner.IGNORES), body)


def test_what_lets_a_job_go_on_takes_the_role_that_its_verb_takes(tmp_path: Path) -> None:
    """An operator pauses a bulk of force off, and cannot let it go on, nor have it go faster; who asked for it can."""

    async def body(desk: Desk) -> None:
        job = await begun(desk, BEN, "off", "host:kvm1")
        await desk.engine.control(job.id, "pause", None, OPS)
        for act, how in (("resume", None), ("", How(at_once=8))):
            with pytest.raises(RefusedError, match="your role here is operator, it takes admin"):
                await desk.engine.control(job.id, act, how, OPS)
        await desk.engine.control(job.id, "resume", None, BEN)
        await desk.ended(job)

    at_desk(tmp_path / "journal.db", fleet(Manner.SLOWLY), body)


def test_ones_own_job_is_stopped_whatever_ones_role_has_become(tmp_path: Path) -> None:
    """As long as it is a role at all: to stop is always safer than to go on. To let it go on takes the role again."""

    async def body(desk: Desk) -> None:
        job = await begun(desk, BEN, "shutdown", "host:kvm1")
        less = (RoleConfig(role="operator", users=("ben",), hosts=("kvm2",)), *ROLES[:1])
        desk.engine.apply(replace(desk.world.config, guard=GuardConfig(roles=less)))
        await desk.engine.control(job.id, "pause", None, BEN)
        with pytest.raises(RefusedError, match="your role here is viewer"):
            await desk.engine.control(job.id, "resume", None, BEN)
        desk.engine.abort(job.id, BEN)
        await desk.ended(job)
        with pytest.raises(UsageError):
            await desk.engine.control(job.id, "resume", None, BEN)

    at_desk(tmp_path / "journal.db", fleet(Manner.IGNORES), body)
