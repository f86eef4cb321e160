"""Invented figures behave like real ones."""

from __future__ import annotations

import itertools
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.hypervisor import Facts, Size
from kvmtui.hosts.reports import Counters, Listed
from kvmtui.hosts.synthetic import EPOCH, Synthetic
from kvmtui.model.vm import VmState

SIZE = Size(4, 8 << 30)
FACTS = Facts("9.0.0", "test driver", "", 16, 64 << 30)
RISING = ("cpu_ns", "delay_ns", "read_bytes", "write_bytes", "requests", "request_ns", "rx_bytes", "tx_bytes")


def listed(uuid: str, state: VmState = VmState.RUNNING) -> Listed:
    return Listed(uuid=uuid, name="x", state=state, reason="", persistent=True, autostart=False, has_snapshot=False)


def one(source: Synthetic, vm: Listed, at: float) -> Counters:
    source.learn({vm.uuid: SIZE})
    return source.counters((vm,), None, at)[0]


@given(st.uuids(), st.lists(st.floats(1, 1000), min_size=2, max_size=20))
def test_counters_never_run_backwards_nor_faster_than_the_clock(uuid: UUID, steps: list[float]) -> None:
    """CPU time grows by at most the vCPUs' time, memory stays inside the VM."""
    source, vm = Synthetic(), listed(str(uuid))
    times = list(itertools.accumulate(steps, initial=EPOCH + 7e7))
    for (then, before), (now, after) in itertools.pairwise([(at, one(source, vm, at)) for at in times]):
        for name in RISING:
            assert getattr(after, name) >= getattr(before, name)
        assert after.cpu_ns is not None
        assert before.cpu_ns is not None
        assert after.cpu_ns - before.cpu_ns <= (now - then) * SIZE.vcpus * 1e9 + 1_000
        if after.mem_usable_bytes is not None and after.mem_available_bytes is not None:
            assert 0 < after.mem_usable_bytes < after.mem_available_bytes < SIZE.mem_bytes


@given(st.uuids(), st.floats(0, 1e8))
def test_the_same_vm_at_the_same_time_is_the_same_everywhere(uuid: UUID, after: float) -> None:
    """Two workers show the same demo."""
    vm = listed(str(uuid))
    assert one(Synthetic(), vm, EPOCH + after) == one(Synthetic(), vm, EPOCH + after)


@given(st.uuids())
def test_what_is_paused_stands_still(uuid: UUID) -> None:
    """And goes on from there."""
    source, at = Synthetic(), EPOCH + 1e7
    running, paused = listed(str(uuid)), listed(str(uuid), VmState.PAUSED)
    one(source, running, at)
    first, later = one(source, paused, at + 10), one(source, paused, at + 500)
    assert [getattr(first, name) for name in RISING] == [getattr(later, name) for name in RISING]
    resumed = one(source, running, at + 500)
    assert resumed.cpu_ns == first.cpu_ns
    assert one(source, running, at + 600).cpu_ns != first.cpu_ns


@given(st.sets(st.uuids(), min_size=1, max_size=30))
def test_a_host_is_as_busy_as_its_vms(uuids: set[UUID]) -> None:
    """Never more than it has, and its counters rise too."""
    source = Synthetic()
    vms = [listed(str(uuid)) for uuid in uuids]
    source.learn({vm.uuid: SIZE for vm in vms})
    all_vitals = [source.vitals("h", FACTS, vms, EPOCH + 1e7 + 5 * step) for step in range(5)]
    for before, after in itertools.pairwise(all_vitals):
        busy = (after.busy_ticks or 0) - (before.busy_ticks or 0)
        total = (after.total_ticks or 0) - (before.total_ticks or 0)
        assert 0 <= busy <= total
        assert 0 < (after.mem_available_bytes or 0) <= (after.mem_total_bytes or 0)


def test_only_what_is_asked_for_and_active() -> None:
    """VMs that are off have no counters."""
    source = Synthetic()
    vms = (listed("a"), listed("b", VmState.OFF), listed("c"))
    assert source.unknown(vms) == {"a", "b", "c"}
    source.learn({vm.uuid: SIZE for vm in vms})
    assert not source.unknown(vms)
    assert [found.uuid for found in source.counters(vms, None, EPOCH + 1)] == ["a", "c"]
    assert [found.uuid for found in source.counters(vms, frozenset({"c", "b"}), EPOCH + 1)] == ["c"]


def test_hosts_are_not_in_step() -> None:
    """Each has a pressure of its own, which moves."""
    names = [f"kvm{number}" for number in range(1, 7)]
    told = {
        name: [Synthetic().vitals(name, FACTS, (), EPOCH + at).pressure_io_pct for at in (0, 60, 120)] for name in names
    }
    assert len({tuple(values) for values in told.values()}) == len(names)
    assert all(len(set(values)) > 1 for values in told.values())
