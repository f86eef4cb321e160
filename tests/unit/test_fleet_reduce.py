"""What reports make of the fleet: listings are the truth, events are quicker, nothing old undoes something newer."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.config import Periods
from kvmtui.hosts.reports import Listed
from kvmtui.model.host import LinkState
from kvmtui.model.vm import ACTIVE, Vm, VmState
from tests.unit.fleet_world import GIB, World, counters, listed, uuid

RUNNING, PAUSED, OFF, UNKNOWN = VmState.RUNNING, VmState.PAUSED, VmState.OFF, VmState.UNKNOWN
_STATES = st.sampled_from([RUNNING, PAUSED, OFF, VmState.SAVED, VmState.CRASHED])
_LISTINGS = st.dictionaries(st.integers(0, 6), _STATES, max_size=6)


def _vms(states: dict[int, VmState]) -> list[Listed]:
    return [listed(number, state, "") for number, state in states.items()]


# --- existence and state --------------------------------------------------------------------------------------------


_reports = st.lists(
    st.one_of(
        st.tuples(st.just("list"), _LISTINGS),
        st.tuples(st.sampled_from(["started", "stopped", "paused", "undefined", "defined"]), st.integers(0, 6)),
        st.tuples(st.just("sample"), st.integers(0, 6)),
        st.tuples(st.just("link"), st.sampled_from(list(LinkState))),
        st.tuples(st.just("late"), st.floats(0, 60)),
    ),
    max_size=30,
)


@given(_reports, _LISTINGS)
def test_after_a_listing_newer_than_all_the_rows_say_what_it_says(
    reports: list[tuple[str, object]], last: dict[int, VmState]
) -> None:
    world = World("kvm1")
    late = 0.0
    for kind, what in reports:
        world.wait(1)
        at, late = world.now - late, 0.0
        match kind, what:
            case "list", dict():
                world.lists("kvm1", *_vms(what), at=at)
            case "sample", int():
                world.samples("kvm1", counters(what, PAUSED, "user", cpu_ns=1), at=at)
            case "link", LinkState():
                world.link("kvm1", what)
            case "late", float():
                late = what
            case str(), int():
                state = {"started": RUNNING, "stopped": OFF, "paused": PAUSED}.get(kind)
                world.tells("kvm1", what, kind, state, at=at)
        counted = dict.fromkeys(VmState, 0)
        for vm in world.fleet.vms.values():
            counted[vm.state] += 1
            assert vm.state in ACTIVE or vm.state is UNKNOWN or vm.sampled is None, "no figures without a QEMU"
        shown = world.fleet.summary().vms
        assert shown == {state.value: count for state, count in counted.items() if count}
    world.wait(1).up("kvm1", *_vms(last))
    assert {uuid: vm.state for (_, uuid), vm in world.fleet.vms.items()} == {
        uuid(number): state for number, state in last.items()
    }
    host = world.fleet.hosts["kvm1"]
    assert (host.vms_total, host.vms_running) == (len(last), list(last.values()).count(RUNNING))


@given(_LISTINGS, st.integers(1, 10))
def test_rows_without_news_stay_the_same_objects(states: dict[int, VmState], polls: int) -> None:
    world = World("kvm1").up("kvm1", *_vms(states))
    before = dict(world.fleet.vms)
    for _ in range(polls):
        topics = world.wait(0.9).lists("kvm1", *_vms(states))
        assert topics == {"hosts"}
    assert all(world.fleet.vms[key] is vm for key, vm in before.items())
    assert all(world.fleet.seen(vm) == world.now for vm in world.fleet.vms.values())


def test_an_event_counts_at_once_and_an_older_listing_does_not_undo_it() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2))
    asked_at = world.wait(5).now
    world.wait(0.1).tells("kvm1", 1, "paused", PAUSED, "user")
    assert (world.vm("kvm1", 1).state, world.vm("kvm1", 1).since) == (PAUSED, world.now)
    world.wait(0.1).lists("kvm1", listed(1), listed(2), at=asked_at)
    assert world.state("kvm1", 1) is PAUSED
    world.wait(2).lists("kvm1", listed(1), listed(2))
    assert world.state("kvm1", 1) is RUNNING


def test_reports_that_come_too_late_are_dropped() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.wait(10).lists("kvm1", listed(1, OFF, "shutdown"))
    assert not world.lists("kvm1", listed(1), at=world.now - 5)
    assert not world.tells("kvm1", 1, "resumed", RUNNING, at=world.now - 5) & {"vms"}
    world.samples("kvm1", counters(1), at=world.now - 5)
    assert world.state("kvm1", 1) is OFF


def test_a_clock_that_was_set_back_does_not_freeze_the_fleet() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.wait(-3600).lists("kvm1", listed(1, PAUSED, "user"))
    assert world.state("kvm1", 1) is PAUSED
    world.wait(2).tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    assert world.state("kvm1", 1) is RUNNING


def test_what_is_undefined_is_gone_and_an_older_listing_does_not_bring_it_back() -> None:
    world = World("kvm1").up("kvm1", listed(1, OFF, "shutdown"), listed(2))
    asked_at = world.now
    world.wait(0.1).tells("kvm1", 1, "undefined", detail="removed")
    world.tells("kvm1", 2, "undefined", detail="removed")
    assert world.state("kvm1", 1) is None
    assert not world.vm("kvm1", 2).persistent, "it runs on, and will vanish when it stops"
    world.wait(0.1).lists("kvm1", listed(1, OFF, "shutdown"), listed(2), at=asked_at + 0.05)
    assert world.state("kvm1", 1) is None
    world.wait(1).tells("kvm1", 2, "stopped", OFF, "shutdown")
    assert world.fleet.vms == {}


def test_a_renamed_vm_keeps_its_row() -> None:
    world = World("kvm1").up("kvm1", listed(1, OFF, "shutdown"))
    world.wait(0.1).tells("kvm1", 1, "undefined", detail="renamed")
    world.wait(1).lists("kvm1", listed(1, OFF, "shutdown", name="new"))
    assert world.vm("kvm1", 1).name == "new"


def test_a_vm_started_out_of_nowhere_appears_at_once() -> None:
    world = World("kvm1").up("kvm1")
    world.wait(0.5).tells("kvm1", 5, "started", RUNNING, "booted")
    assert world.vm("kvm1", 5).name == "vm-5"
    world.wait(0.5).tells("kvm1", 5, "stopped", OFF, "destroyed")
    assert world.state("kvm1", 5) is None


# --- loss -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [LinkState.LOST, LinkState.NO_LIBVIRT, LinkState.NEEDS_YOU])
def test_vms_of_a_host_that_does_not_answer_are_unknown_never_off(lost: LinkState) -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2, OFF, "shutdown"))
    heard_at = world.wait(1).now
    world.samples("kvm1", counters(1, cpu_ns=0))
    world.wait(1).samples("kvm1", counters(1, cpu_ns=10**9))
    world.wait(8).link("kvm1", lost, "no answer", remedy="look at it")
    vm = world.vm("kvm1", 1)
    assert (vm.state, vm.was, vm.state_reason) == (UNKNOWN, RUNNING, "was running")
    assert vm.seen == vm.since == heard_at + 1
    assert (vm.cpu_pct, vm.sampled) == (50.0, heard_at + 1), "what was last known stays, with its age"
    assert world.vm("kvm1", 2).was is OFF
    host = world.fleet.hosts["kvm1"]
    assert (host.link, host.vms_running, host.vms_total, host.since) == (lost, None, 2, world.now)
    assert not world.fleet.matching(world.fleet.filter("state:running or state:off"))
    assert world.fleet.undecided(world.fleet.filter("state:running")) == 2
    world.lists("kvm1", listed(1), at=world.now - 4)
    assert world.state("kvm1", 1) is UNKNOWN, "an answer from before the loss"
    world.wait(60).up("kvm1", listed(1), listed(2, OFF, "shutdown"))
    back = world.vm("kvm1", 1)
    assert (back.state, back.was, back.since) == (RUNNING, None, None), "it may have been restarted meanwhile"
    world.wait(1).samples("kvm1", counters(1, cpu_ns=9 * 10**9))
    assert world.vm("kvm1", 1).cpu_pct is None, "no rate across a loss"


def test_a_link_that_comes_up_leaves_vms_unknown_until_they_are_listed() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.wait(1).link("kvm1", LinkState.LOST)
    world.wait(9).link("kvm1")
    assert (world.state("kvm1", 1), world.fleet.hosts["kvm1"].vms_running) == (UNKNOWN, None)
    world.wait(0.1).lists("kvm1", listed(1))
    assert (world.state("kvm1", 1), world.fleet.hosts["kvm1"].vms_running) == (RUNNING, 1)


def test_a_host_that_falls_silent_with_its_link_up_is_said_to_be_late() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.wait(5).fleet.tick()
    assert world.fleet.hosts["kvm1"].severity == 0
    assert "hosts" in world.wait(6).fleet.tick()
    assert world.fleet.hosts["kvm1"].trouble == "answers late"
    world.lists("kvm1", listed(1))
    world.fleet.tick()
    assert world.fleet.hosts["kvm1"].trouble == ""


def test_ages_are_looked_at_though_nothing_is_heard() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.fleet.tick()
    ticks = [world.wait(1).fleet.tick() for _ in range(10)]
    assert sum(bool(topics) for topics in ticks) == 2


# --- figures --------------------------------------------------------------------------------------------------------


def test_figures_come_with_the_second_sample_and_go_with_the_qemu() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.identifies("kvm1")
    world.samples("kvm1", counters(1, cpu_ns=10**9, rx_bytes=0))
    assert world.vm("kvm1", 1).cpu_pct is None
    world.wait(10).samples("kvm1", counters(1, cpu_ns=11 * 10**9, rx_bytes=1000))
    assert (world.vm("kvm1", 1).cpu_pct, world.vm("kvm1", 1).net_rx_bps) == (50.0, 100.0)
    world.wait(1).tells("kvm1", 1, "stopped", OFF, "shutdown")
    vm = world.vm("kvm1", 1)
    assert (vm.cpu_pct, vm.net_rx_bps, vm.sampled, vm.vcpus) == (None, None, None, 2)
    world.wait(1).tells("kvm1", 1, "started", RUNNING, "booted")
    world.wait(1).samples("kvm1", counters(1, cpu_ns=50 * 10**9))
    assert world.vm("kvm1", 1).cpu_pct is None, "another QEMU, counted from nothing"


def test_two_samples_at_once_or_in_the_wrong_order_disturb_nothing() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.samples("kvm1", counters(1, cpu_ns=0))
    world.wait(10).samples("kvm1", counters(1, cpu_ns=10 * 10**9))
    before = world.vm("kvm1", 1)
    world.wait(0.2).samples("kvm1", counters(1, cpu_ns=10 * 10**9 + 1))
    world.samples("kvm1", counters(1, cpu_ns=5 * 10**9), at=world.now - 5)
    assert world.vm("kvm1", 1) is before


def test_statistics_do_not_tell_saved_from_off() -> None:
    world = World("kvm1").up("kvm1", listed(1, VmState.SAVED, "saved"))
    world.wait(1).samples("kvm1", counters(1, OFF, "saved"))
    assert world.state("kvm1", 1) is VmState.SAVED


def test_a_stuck_monitor_is_said_for_as_long_as_it_is() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2))
    world.wait(1).samples("kvm1", counters(2, cpu_ns=1), stuck=((uuid(1), "monitor stuck for 40s"),))
    assert (world.vm("kvm1", 1).trouble, world.vm("kvm1", 1).severity) == ("monitor stuck for 40s", 3)
    world.wait(2).samples("kvm1", counters(2, cpu_ns=1))
    assert world.vm("kvm1", 1).severity == 0


def test_figures_nobody_renews_are_called_old() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.samples("kvm1", counters(1, cpu_ns=1))
    for _ in range(40):
        world.wait(2).lists("kvm1", listed(1))
    assert world.vm("kvm1", 1).trouble == "figures are old"
    world.samples("kvm1", counters(1, cpu_ns=1))
    assert world.vm("kvm1", 1).trouble == ""


def test_the_fleets_load_is_weighted_by_what_its_hosts_have() -> None:
    world = World("kvm1", "kvm2", "kvm3")
    for host, cpus, busy in (("kvm1", 64, 50), ("kvm2", 8, 90), ("kvm3", 64, 100)):
        world.link(host)
        world.identifies(host, cpus=cpus, mem_total_bytes=cpus * GIB)
        for step in range(2):
            world.wait(1).vitals(
                host,
                busy_ticks=step * busy,
                total_ticks=step * 100,
                mem_total_bytes=cpus * GIB,
                mem_available_bytes=cpus * GIB * (100 - busy) // 100,
            )
    world.wait(1).link("kvm3", LinkState.LOST, "no answer")
    summary = world.fleet.summary(jobs_running=2, notice="hello")
    assert summary.cpu_pct == pytest.approx((64 * 50 + 8 * 90) / 72, abs=0.1)
    assert summary.mem_pct == pytest.approx((64 * 50 + 8 * 90) / 72, abs=0.1)
    assert (summary.name, summary.hosts_up, summary.hosts_total, summary.jobs_running) == ("lab", 2, 3, 2)


# --- one VM in two places -------------------------------------------------------------------------------------------


def test_a_migration_never_looks_like_a_vm_that_runs_twice() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1)).up("kvm2")
    worst: list[int] = []

    def look() -> None:
        worst.append(max(vm.severity for vm in world.fleet.namesakes(uuid(1))))

    world.wait(2).tells("kvm2", 1, "started", RUNNING, "migrated")
    look()
    world.lists("kvm1", listed(1))
    world.lists("kvm2", listed(1, PAUSED, "migrating", persistent=False))
    look()
    world.wait(2).lists("kvm1", listed(1))
    world.lists("kvm2", listed(1, RUNNING, "migrated", persistent=False))
    look()
    world.lists("kvm2", listed(1, RUNNING, "migrated", persistent=False), at=world.now + 0.001)
    look()
    world.wait(0.5).tells("kvm1", 1, "stopped", OFF, "migrated")
    look()
    world.wait(2).lists("kvm1", listed(1, OFF, "migrated"))
    world.lists("kvm2", listed(1, RUNNING, "migrated", persistent=False))
    look()
    assert max(worst) < 2
    assert (world.vm("kvm1", 1).trouble, world.vm("kvm1", 1).severity) == ("runs on kvm2", 1)
    assert world.vm("kvm2", 1).severity == 0


def test_a_vm_that_runs_twice_is_the_loudest_thing() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1)).up("kvm2", listed(1))
    world.wait(2).lists("kvm1", listed(1))
    assert world.vm("kvm1", 1).severity < 4
    world.lists("kvm2", listed(1))
    for host, other in (("kvm1", "kvm2"), ("kvm2", "kvm1")):
        vm = world.vm(host, 1)
        assert vm.severity == 4
        assert f"here and on {other}" in vm.trouble
    assert world.fleet.summary().troubles[0][1] == 4
    world.wait(1).tells("kvm2", 1, "stopped", OFF, "destroyed")
    assert world.vm("kvm1", 1).severity == 0
    world.wait(1).lists("kvm2")
    assert world.vm("kvm1", 1).trouble == ""


def test_a_vm_of_a_lost_host_that_turns_up_elsewhere_is_said_on_both_rows() -> None:
    world = World("kvm7", "kvm2").up("kvm7", listed(1)).up("kvm2")
    world.wait(1).link("kvm7", LinkState.LOST, "no answer")
    assert world.vm("kvm7", 1).trouble == "host lost"
    world.wait(5).lists("kvm2", listed(1))
    assert (world.vm("kvm7", 1).trouble, world.vm("kvm7", 1).severity) == ("now on kvm2", 1)
    assert "may still run on kvm7" in world.vm("kvm2", 1).trouble
    world.wait(5).up("kvm7", listed(1, OFF, "migrated"))
    assert world.vm("kvm2", 1).trouble == ""


def test_two_entries_for_one_host_are_warned_of_and_counted_once() -> None:
    world = World("kvm1", "alias").up("kvm1", listed(1), listed(2, OFF)).up("alias", listed(1), listed(2, OFF))
    world.identifies("kvm1", host_uuid="same")
    world.wait(1).identifies("alias", host_uuid="same")
    for _ in range(3):
        world.wait(2).lists("kvm1", listed(1), listed(2, OFF))
        world.lists("alias", listed(1), listed(2, OFF))
    assert max(vm.severity for vm in world.fleet.vms.values()) == 0
    assert "same host as kvm1" in world.fleet.hosts["alias"].trouble
    assert world.fleet.summary().vms == {"running": 1, "shut off": 1}
    assert [vm.host for vm in world.fleet.matching(world.fleet.filter("name:vm-*"))] == ["kvm1", "kvm1"]
    del world.entries["kvm1"]
    world.configure()
    assert world.fleet.hosts["alias"].trouble == ""


# --- config, tags, jobs ---------------------------------------------------------------------------------------------


def test_a_config_is_applied_host_by_host() -> None:
    world = World("kvm1", "kvm2", "kvm3").up("kvm1", listed(1)).up("kvm2", listed(2)).up("kvm3", listed(3))
    kept = world.vm("kvm1", 1)
    del world.entries["kvm2"]
    world.entries["kvm3"] = replace(world.entries["kvm3"], uri="qemu+ssh://elsewhere/system")
    world.configure(periods=Periods(state_s=10))
    assert list(world.fleet.hosts) == ["kvm1", "kvm3"]
    assert list(world.fleet.vms) == [("kvm1", uuid(1))]
    assert world.vm("kvm1", 1) is kept
    assert world.fleet.hosts["kvm3"].link is LinkState.CONNECTING
    assert world.fleet.late_after_s == 30
    assert world.lists("kvm2", listed(2)) == frozenset()


def test_tags_come_from_the_host_and_from_rules() -> None:
    world = World("kvm1")
    world.entries["kvm1"] = replace(world.entries["kvm1"], tags=("rack-1",), guard="careful")
    world.configure(vm_tags={"db": "name~^db-", "one": "host~1$"})
    world.up("kvm1", listed(1, name="db-01"), listed(2, name="web-01"))
    assert world.vm("kvm1", 1).tags == ("rack-1", "db", "one")
    assert world.vm("kvm1", 2).tags == ("rack-1", "one")
    assert world.fleet.hosts["kvm1"].level == "careful"
    world.configure(vm_tags={"web": "name~^web"})
    assert world.vm("kvm1", 1).tags == ("rack-1",)
    assert world.vm("kvm1", 2).tags == ("rack-1", "web")


def test_the_verb_of_a_job_stands_in_the_row_whatever_else_changes() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.fleet.set_job("kvm1", uuid(1), "shutdown")
    world.wait(1).tells("kvm1", 1, "shutdown", VmState.IN_SHUTDOWN)
    assert world.vm("kvm1", 1).job == "shutdown"
    world.wait(1).lists("kvm1")
    world.wait(1).lists("kvm1", listed(1))
    assert world.vm("kvm1", 1).job == "shutdown"
    world.fleet.set_job("kvm1", uuid(1), "")
    assert world.vm("kvm1", 1).job == ""


def test_the_summary_names_the_worst_and_not_every_vm_of_a_lost_host() -> None:
    world = World("kvm1", "kvm7").up("kvm1", listed(1), listed(2)).up("kvm7", *[listed(n) for n in range(10, 40)])
    lost_at = world.wait(1).now
    world.link("kvm7", LinkState.LOST, "no answer")
    world.tells("kvm1", 1, "ioerror", detail="vda: no space left")
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "I/O error")
    summary = world.fleet.summary()
    assert summary.troubles == (("kvm7 lost: no answer", 3), ("vm-1 I/O error vda: no space left", 3))
    assert summary.troubles_since == (lost_at, world.now)
    assert summary.troubles_total == 2
    assert summary.vms == {"running": 1, "paused": 1, "unknown": 30}
    world.wait(1).tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "user")
    assert world.vm("kvm1", 1).severity == 0


# --- waiting --------------------------------------------------------------------------------------------------------


async def test_an_expectation_is_met_by_what_is_read_after_it_was_made() -> None:
    world = World("kvm1").up("kvm1", listed(1, OFF, "shutdown"))
    world.wait(1)
    with world.fleet.expect("kvm1", uuid(1), {OFF}) as still_off, world.fleet.expect("kvm1", uuid(1), {RUNNING}) as on:
        assert not still_off.is_fulfilled
        world.lists("kvm1", listed(1, OFF, "shutdown"), at=world.now - 0.5)
        assert not still_off.is_fulfilled
        world.wait(0.5).tells("kvm1", 1, "started", RUNNING, "booted")
        found = await on.sighted()
        assert found.vm is not None
        assert (found.at, found.vm.state) == (world.now, RUNNING)
        assert not still_off.is_fulfilled
    world.tells("kvm1", 1, "stopped", OFF, "shutdown")


async def test_an_expectation_is_met_by_an_event_or_by_the_vms_end() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2, persistent=False))
    world.wait(1)
    fleet = world.fleet
    with fleet.expect("kvm1", uuid(1), kind="rebooted") as reboot, fleet.expect("kvm1", uuid(2), {OFF}) as end:
        world.wait(1).tells("kvm1", 2, "rebooted")
        assert not reboot.is_fulfilled
        world.tells("kvm1", 1, "rebooted")
        assert (await reboot.sighted()).kind == "rebooted"
        world.tells("kvm1", 2, "stopped", OFF, "destroyed")
        assert (await end.sighted()).vm is None


async def test_an_expectation_that_is_left_is_forgotten() -> None:
    world = World("kvm1").up("kvm1", listed(1))

    async def expect_for_ever() -> None:
        with world.fleet.expect("kvm1", uuid(1), {OFF}) as expectation:
            await expectation.sighted()

    task = asyncio.create_task(expect_for_ever())
    await asyncio.sleep(0)
    assert len(world.fleet._expectations) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(world.fleet._expectations) == 0
    with world.fleet.expect("kvm1", uuid(1), {OFF}) as expectation, pytest.raises(TimeoutError):
        await asyncio.wait_for(expectation.sighted(), 0)


def test_listeners_hear_of_events_after_they_count() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    heard: list[tuple[str, Vm | None]] = []
    world.fleet.on_event.append(lambda event: heard.append((event.kind, world.fleet.find(event.host, event.uuid))))
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "user")
    assert heard == [("paused", world.vm("kvm1", 1))]
    assert heard[0][1] is not None
    assert heard[0][1].state is PAUSED


def test_a_rule_for_tags_that_is_no_pattern_is_an_error() -> None:
    with pytest.raises(re.error):
        World("kvm1", vm_tags={"x": "name~("})
