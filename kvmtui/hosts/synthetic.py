"""Statistics made up for hosts of libvirt's test driver, which knows states only.

Everything follows from a VM's UUID and the time: the demo fleet looks the same to everybody, and alive. What a VM does
is a sum of waves, so its counters have a closed form and never run backwards; while it is paused they stand still.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kvmtui.hosts.hypervisor import Facts, Size
from kvmtui.hosts.reports import Counters, Listed, Vitals
from kvmtui.model.vm import ACTIVE, VmState

EPOCH = 1_700_000_000.0
"""Where the counters begin, seconds since the epoch."""
MEGA = 1 << 20


class _Wave(NamedTuple):
    """A rate that swings between ``low`` and ``low + swing``."""

    low: float
    swing: float
    omega: float
    phase: float

    def rate(self, t: float) -> float:
        return self.low + self.swing * (1 + math.sin(self.omega * t + self.phase)) / 2

    def total(self, t: float) -> float:
        """The integral of the rate from 0 to ``t``: never falls."""
        swung = t - (math.cos(self.omega * t + self.phase) - math.cos(self.phase)) / self.omega
        return self.low * t + self.swing * swung / 2


class _Habits(NamedTuple):
    """What a VM does all day."""

    cpu: _Wave
    """Of its vCPUs, 0 to 1."""
    steal: float
    """Waiting per CPU time."""
    memory: _Wave
    """Of its memory, 0 to 1."""
    reports_memory: bool
    reads: _Wave
    """Bytes/s."""
    writes: _Wave
    received: _Wave
    sent: _Wave
    request_bytes: float
    request_s: float
    """What a request takes."""


def _habits(uuid: str) -> _Habits:
    digest = hashlib.blake2b(uuid.encode(), digest_size=48).digest()
    dice = iter([word / 65_536 for word in struct.unpack("<24H", digest)])

    def wave(low: float, most: float, shortest_s: float, longest_s: float) -> _Wave:
        # most VMs do little and few do much, as in any fleet
        height = (most - low) * next(dice) ** 3
        base = low + height * 0.4
        period_s = shortest_s + (longest_s - shortest_s) * next(dice)
        return _Wave(base, height * 0.6, math.tau / period_s, math.tau * next(dice))

    return _Habits(
        cpu=wave(0.01, 0.95, 40, 400),
        steal=0.02 * next(dice) ** 4,
        memory=_Wave(0.2 + 0.6 * next(dice), 0.1, math.tau / 900, math.tau * next(dice)),
        reports_memory=next(dice) > 0.08,
        reads=wave(4_096, 40 * MEGA, 30, 300),
        writes=wave(8_192, 25 * MEGA, 30, 300),
        received=wave(2_048, 30 * MEGA, 20, 200),
        sent=wave(1_024, 20 * MEGA, 20, 200),
        request_bytes=8_192 + 57_344 * next(dice),
        request_s=0.0002 + 0.006 * next(dice) ** 3,
    )


def _pressure(host: str) -> _Wave:
    """How long something on a host waits for its disks, in percent: another wave for each host."""
    first, second, third = struct.unpack("<3H", hashlib.blake2b(host.encode(), digest_size=6).digest())
    return _Wave(0.1, 6 * (first / 65_536) ** 2, math.tau / (200 + 400 * second / 65_536), math.tau * third / 65_536)


class Synthetic:
    """The made-up figures of one host."""

    def __init__(self) -> None:
        self._sizes: dict[str, Size] = {}
        self._habits: dict[str, _Habits] = {}
        self._paused_since: dict[str, float] = {}
        self._paused_s: dict[str, float] = {}
        self._busy_s = 0.0
        self._told_at: float | None = None

    def unknown(self, vms: Iterable[Listed]) -> frozenset[str]:
        """The VMs whose size has to be learnt first."""
        return frozenset(vm.uuid for vm in vms if vm.uuid not in self._sizes)

    def learn(self, sizes: Mapping[str, Size]) -> None:
        """Take in the sizes of some VMs."""
        self._sizes.update(sizes)

    def counters(self, vms: Iterable[Listed], uuids: frozenset[str] | None, at: float) -> tuple[Counters, ...]:
        """Return the counters of the active VMs, or of those among them that ``uuids`` names, at the time ``at``."""
        chosen = [vm for vm in vms if vm.state in ACTIVE and (uuids is None or vm.uuid in uuids)]
        return tuple([self._count(vm, at) for vm in chosen])

    def _of(self, uuid: str) -> _Habits:
        habits = self._habits.get(uuid)
        if habits is None:
            habits = self._habits[uuid] = _habits(uuid)
        return habits

    def _run_s(self, vm: Listed, at: float) -> float:
        """How long it has run: time stands still for what is paused."""
        paused_s = self._paused_s.get(vm.uuid, 0.0)
        if vm.state is VmState.RUNNING:
            if (since := self._paused_since.pop(vm.uuid, None)) is not None:
                paused_s += at - since
                self._paused_s[vm.uuid] = paused_s
            return at - EPOCH - paused_s
        return self._paused_since.setdefault(vm.uuid, at) - EPOCH - paused_s

    def _count(self, vm: Listed, at: float) -> Counters:
        habits, size = self._of(vm.uuid), self._sizes.get(vm.uuid, Size(1, 1 << 30))
        t = self._run_s(vm, at)
        cpu_ns = int(habits.cpu.total(t) * size.vcpus * 1e9)
        read, written = int(habits.reads.total(t)), int(habits.writes.total(t))
        requests = int((read + written) / habits.request_bytes)
        available = int(size.mem_bytes * 0.97)
        usable = int(available * (1 - habits.memory.rate(t)))
        return Counters(
            uuid=vm.uuid,
            state=vm.state,
            reason=vm.reason,
            vcpus=size.vcpus,
            cpu_ns=cpu_ns,
            delay_ns=int(cpu_ns * habits.steal),
            mem_max_bytes=size.mem_bytes,
            mem_available_bytes=available if habits.reports_memory else None,
            mem_usable_bytes=usable if habits.reports_memory else None,
            mem_reported=int(at) if habits.reports_memory else None,
            read_bytes=read,
            write_bytes=written,
            requests=requests,
            request_ns=int(requests * habits.request_s * 1e9),
            rx_bytes=int(habits.received.total(t)),
            tx_bytes=int(habits.sent.total(t)),
        )

    def vitals(self, host: str, facts: Facts, vms: Iterable[Listed], at: float) -> Vitals:
        """Return the host's own counters at ``at``: what its VMs do adds up. ``facts`` are the test driver's."""
        cores = used = 0.0
        for vm in vms:
            if vm.state not in ACTIVE:
                continue
            habits, size = self._of(vm.uuid), self._sizes.get(vm.uuid, Size(1, 1 << 30))
            t = at - EPOCH
            used += size.mem_bytes * habits.memory.rate(t)
            if vm.state is VmState.RUNNING:
                cores += habits.cpu.rate(t) * size.vcpus
        cpus, total = facts.cpus, facts.mem_total_bytes
        busy = min(cores + 0.02 * cpus, 0.98 * cpus)
        self._busy_s += busy * max(0.0, at - (self._told_at if self._told_at is not None else at))
        self._told_at = at
        return Vitals(
            host=host,
            at=at,
            busy_ticks=int(self._busy_s * 100),
            total_ticks=int((at - EPOCH) * cpus * 100),
            steal_ticks=0,
            load_1m=round(cores, 2),
            mem_total_bytes=total,
            mem_available_bytes=int(max(0.04 * total, total - used)),
            pressure_cpu_pct=round(max(0.0, 100 * (cores / cpus - 0.8)), 2) if cpus else None,
            pressure_mem_pct=0.0,
            pressure_io_pct=round(_pressure(host).rate(at - EPOCH), 2),
        )
