"""Hosts as the worker sees them, against what virsh says of them; their faults, seen in time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from kvmtui.actions import VERBS
from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.seat_pool import Line, SeatError, SeatPool, host_config, seat_pool
from tests.lab.spec import IMAGES_DIR

SEEN_S = 10.0
"""A host that is silent, frozen or cut is seen within this."""


@pytest.fixture(scope="module")
def pool(lab: Cluster) -> Iterator[SeatPool]:
    """All hosts, as root."""
    with seat_pool(lab, others_s=2.0) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _all_up(pool: SeatPool, lab: Cluster) -> None:
    """Each test begins with hosts that are up: what was mended is tried at once."""
    pool.call("reconnect", "")
    for host in lab.hosts:
        wait_for(partial(up, pool, host.name), f"{host.name} up")


def up(pool: SeatPool, host: str) -> bool:
    reports = pool.of("LinkReport", host)
    return bool(reports) and reports[-1]["state"] == "up"


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.05)


def listed(pool: SeatPool, host: str) -> dict[str, str]:
    """Name -> state, as last listed."""
    return {vm["name"]: vm["state"] for vm in pool.of("Listing", host)[-1]["vms"]}


def virsh_list(host: Host) -> dict[str, str]:
    """Name -> state, as virsh lists them; no name here has a space in it."""
    rows = [line.split(maxsplit=2) for line in host.virsh("list", "--all", "--managed-save").splitlines()]
    return {name: state.strip() for _, name, state in rows}


def agree(pool: SeatPool, host: Host) -> bool:
    """Whether the last listing is what virsh lists now."""
    return listed(pool, host.name) == virsh_list(host)


def is_event(guest: Guest, kind: str, line: Line) -> bool:
    return bool(line["uuid"] == guest.uuid and line["kind"] == kind)


def act(pool: SeatPool, guest: Guest, verb_id: str, deadline_s: float = 30.0) -> None:
    verb = VERBS[verb_id]
    pool.call("act", guest.host.name, guest.uuid, verb.call, verb.args, verb.lane.value, deadline_s, timeout_s=60)


def test_lists_are_virshs(lab: Cluster, pool: SeatPool, guests: GuestFactory) -> None:
    """In every state a guest can be in, on every host, flags included."""
    first, second, third = lab.hosts
    guests(first, "running", wait=False)
    guests(first, "paused", wait=False).host.virsh("suspend", "paused")
    guests(first, "off", start=False)
    guests(second, "saved").host.virsh("managedsave", "saved")
    guests(second, "crashed", words={"crash": 1}, wait=False).await_state("crashed")
    guests(second, "odd[bold]'name", start=False)
    third.virsh("autostart", guests(third, "boots", start=False).name)
    guests(third, "taken", memory_mib=64, wait=False)
    memory = f"file={IMAGES_DIR}/taken.memory,snapshot=external"
    third.virsh("snapshot-create-as", "taken", "s1", "--memspec", memory)
    for host in lab.hosts:
        wait_for(partial(agree, pool, host), f"the list of {host.name}")
    assert set(listed(pool, "kvm2").values()) == {"saved", "crashed", "shut off"}

    def flags(name: str) -> Line:
        return next(vm for vm in pool.of("Listing", "kvm3")[-1]["vms"] if vm["name"] == name)

    wait_for(lambda: flags("boots")["autostart"] and flags("taken")["has_snapshot"], "flags")
    assert not flags("boots")["has_snapshot"]
    reasons = {vm["name"]: vm["reason"] for vm in pool.of("Listing", "kvm1")[-1]["vms"]}
    assert reasons == {"running": "booted", "paused": "user", "off": ""}


def test_each_verbs_effect_is_seen_by_virsh(pool: SeatPool, lab: Cluster, guests: GuestFactory) -> None:
    """And told by an event, and listed."""
    vm = guests(lab.host(1), "vm", start=False)
    for verb_id, state, event in (
        ("start", "running (booted)", "started"),
        ("pause", "paused (user)", "paused"),
        ("resume", "running (unpaused)", "resumed"),
        ("reboot", "running", "rebooted"),
        ("shutdown", "shut off (shutdown)", "stopped"),
        ("start", "running (booted)", "started"),
        ("off", "shut off (destroyed)", "stopped"),
    ):
        since = len(pool.reports)
        act(pool, vm, verb_id)
        pool.await_report("Happened", "kvm1", partial(is_event, vm, event), since=since, timeout_s=30)
        vm.await_state(state)
        wait_for(partial(agree, pool, vm.host), f"{verb_id} in the list")
        if verb_id == "start":
            vm.await_ready()
        elif verb_id == "reboot":
            wait_for(lambda: vm.console().count("guest ready") == 2, "the guest again")
    with pytest.raises(SeatError, match=r"LibvirtError.*not running"):
        act(pool, vm, "pause")
    assert pool.call("look", "kvm1", vm.uuid)["state"] == "shut off"
    assert vm.uuid in pool.call("xml", "kvm1", vm.uuid)


def test_figures_are_libvirts(pool: SeatPool, lab: Cluster, guests: GuestFactory) -> None:
    """Every counter has a value for a guest with a disk, a card, a balloon; CPU time lies between two of virsh's."""
    disk = lab.storage.nbd("figures")
    vm = guests(lab.host(2), "vm", words={"write": 1, "ping": "198.51.100.1", "addr": "198.51.100.150"}, disks=(disk,))

    def cpu_ns() -> int:
        return int(vm.host.virsh("domstats", "--cpu-total", vm.uuid).partition("cpu.time=")[2].split()[0])

    before, since = cpu_ns(), len(pool.reports)

    def complete(line: Line) -> bool:
        return any(each["uuid"] == vm.uuid and None not in each.values() and each["rx_bytes"] for each in line["vms"])

    report = pool.await_report("Sampling", "kvm2", complete, since=since, timeout_s=30)
    after = cpu_ns()
    found = next(each for each in report["vms"] if each["uuid"] == vm.uuid)
    assert before <= found["cpu_ns"] <= after
    assert found["mem_max_bytes"] == 128 << 20
    assert found["write_bytes"] > 0
    assert found["requests"] > 0
    vitals = pool.of("Vitals", "kvm2")[-1]
    assert vitals["mem_total_bytes"] > vitals["mem_available_bytes"] > 0
    assert vitals["total_ticks"] >= vitals["busy_ticks"] > 0


def gaps_s(pool: SeatPool, host: str, since: int) -> float:
    """The longest time between two listings."""
    times: list[float] = [line["at"] for line in pool.of("Listing", host, since=since)]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def test_a_frozen_libvirtd(pool: SeatPool, lab: Cluster) -> None:
    """SSH is fine, libvirt says nothing: said so within ten seconds, others untouched, and it comes back."""
    since, began = len(pool.reports), time.time()
    lab.host(1).freeze()
    lost = pool.await_link("kvm1", "no libvirt", since=since)
    assert lost["told"] - began < SEEN_S
    assert lost["reason"] == "libvirt does not answer"
    assert lost["remedy"]
    with pytest.raises(SeatError, match=r"LinkError.*not sent"):
        pool.call("look", "kvm1", "00000000-0000-0000-0000-000000000000")
    assert gaps_s(pool, "kvm2", since) < 4
    since = len(pool.reports)
    lab.host(1).thaw()
    pool.await_link("kvm1", "up", since=since, timeout_s=70)
    pool.await_report("Listing", "kvm1", since=since, timeout_s=5)


def test_a_cut_cable(pool: SeatPool, lab: Cluster) -> None:
    """Lost within ten seconds, back by itself."""
    since, began = len(pool.reports), time.time()
    lab.host(2).cut()
    lost = pool.await_link("kvm2", "lost", since=since)
    assert lost["told"] - began < SEEN_S
    assert gaps_s(pool, "kvm3", since) < 4
    since = len(pool.reports)
    lab.host(2).heal()
    pool.await_link("kvm2", "up", since=since, timeout_s=70)


def test_a_power_cut(pool: SeatPool, lab: Cluster, guests: GuestFactory) -> None:
    """What ran is off after the boot, and listed so; events are told again."""
    vm = guests(lab.host(3), "vm", wait=False)
    wait_for(lambda: listed(pool, "kvm3") == {"vm": "running"}, "the guest")
    since = len(pool.reports)
    lab.host(3).kill()
    pool.await_link("kvm3", "lost", since=since)
    since = len(pool.reports)
    lab.host(3).boot()
    pool.call("reconnect", "kvm3")
    pool.await_link("kvm3", "up", since=since, timeout_s=70)
    wait_for(lambda: listed(pool, "kvm3") == {"vm": "shut off"}, "the guest, off")
    since = len(pool.reports)
    vm.start(wait=False)
    pool.await_report("Happened", "kvm3", lambda line: line["kind"] == "started", since=since, timeout_s=10)


def test_a_libvirtd_that_is_restarted(pool: SeatPool, lab: Cluster, guests: GuestFactory) -> None:
    """Its guests run on; they are listed again and their events told again, without anybody's doing."""
    vm = guests(lab.host(1), "vm", wait=False)
    lab.host(1).start_libvirt()
    wait_for(lambda: up(pool, "kvm1") and listed(pool, "kvm1") == {"vm": "running"}, "kvm1 listed again")
    wait_for(lambda: _told(pool, vm), "an event")


def _told(pool: SeatPool, vm: Guest) -> bool:
    """Whether a pause is told; it may come before the events are registered again, so it is done more than once."""
    since = len(pool.reports)
    vm.host.virsh("suspend", vm.uuid)
    time.sleep(1)
    vm.host.virsh("resume", vm.uuid)
    return {"paused"} <= {line["kind"] for line in pool.of("Happened", "kvm1", since=since)}


def test_another_host_key_needs_you(pool: SeatPool, lab: Cluster) -> None:
    """Not tried again and again: it says what to do, and when it is tried anyway."""
    since = len(pool.reports)
    lab.host(2).rekey()
    told = pool.await_link("kvm2", "needs you", since=since)
    assert told["reason"]
    assert "tried again every 5m" in told["remedy"]


def test_an_act_without_an_answer_is_unknown(pool: SeatPool, lab: Cluster, guests: GuestFactory) -> None:
    """A QEMU that is stopped takes the order in and carries it out later: unknown was the honest word."""
    vm = guests(lab.host(1), "vm", wait=False)
    wait_for(lambda: listed(pool, "kvm1") == {"vm": "running"}, "the guest")
    vm.stick()
    with pytest.raises(SeatError, match=r"OutcomeUnknownError.*may or may not have happened"):
        act(pool, vm, "pause", deadline_s=2)
    assert pool.call("look", "kvm1", vm.uuid)["state"] == "running"
    vm.unstick()
    wait_for(lambda: pool.call("look", "kvm1", vm.uuid)["state"] == "paused", "the pause, late")


def test_users_see_what_they_may(lab: Cluster) -> None:
    """A user without a shell has the host's figures from libvirt; a read-only one can look and not act."""
    uri = lab.host(1).uri
    users = (
        host_config(lab, "noshell", uri("noshell")),
        host_config(lab, "visitor", uri("visitor"), access="ro"),
        host_config(lab, "barred", uri("visitor")),
    )
    with seat_pool(lab, *users) as pool:
        vitals = pool.await_report("Vitals", "noshell", timeout_s=20)
        assert vitals["total_ticks"] > vitals["busy_ticks"] > 0
        assert vitals["mem_total_bytes"] > vitals["mem_available_bytes"] > 0
        assert vitals["load_1m"] is None
        pool.await_report("Listing", "visitor", timeout_s=20)
        nobody = "00000000-0000-0000-0000-000000000000"
        with pytest.raises(SeatError, match="LibvirtError"):
            pool.call("act", "visitor", nobody, "destroy", (), "control", 5)
        assert pool.await_link("barred", "needs you")["reason"]
        same = {pool.await_report("Identity", name, timeout_s=20)["host_uuid"] for name in ("noshell", "visitor")}
        assert len(same) == 1


def test_stop_is_quick_while_hosts_hang(lab: Cluster) -> None:
    """One frozen, one cut, one with an act under way: gone within a second."""
    with seat_pool(lab) as pool:
        for host in lab.hosts:
            pool.await_report("Sampling" if host.virsh("list", "--name") else "Listing", host.name, timeout_s=20)
        lab.host(1).freeze()
        lab.host(2).cut()
        pending = pool.begin("look", "kvm1", "00000000-0000-0000-0000-000000000000", 30)
        time.sleep(3)
        assert pool.call("stop", timeout_s=10) < 1.0
        with pytest.raises(SeatError):
            pending(1)
