"""Two readings of counters in, figures out: None rather than a wrong number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kvmtui.hosts.reports import Counters, Vitals

CLOSEST_S = 0.5
"""Readings closer than this say more about the moments of reading than about the VM; the later one is passed over."""
GAP_S = 120.0
"""Readings farther apart than this say nothing about now."""
MEMORY_STALE_S = 600.0
"""A guest whose memory report is older no longer reports; below that, the host's clock may differ from ours."""
_SLACK = 1.25
"""How far above the possible a CPU figure may lie before it is taken for a wrong one: the reading of one VM may come
later within its round than the last time."""


class Figures(NamedTuple):
    """Figures of one VM, in the units of model.vm.Vm."""

    cpu_pct: float | None = None
    cores: float | None = None
    steal_pct: float | None = None
    mem_pct: float | None = None
    mem_used_bytes: int | None = None
    disk_read_bps: float | None = None
    disk_write_bps: float | None = None
    disk_latency_ms: float | None = None
    net_rx_bps: float | None = None
    net_tx_bps: float | None = None


NO_FIGURES = Figures()


def at_rest(mem_pct: float | None, mem_used_bytes: int | None) -> Figures:
    """Return the figures of a VM that has just stopped executing: what was measured while it ran is over, its memory
    is still taken."""
    return Figures(0.0, 0.0, 0.0, mem_pct, mem_used_bytes, 0.0, 0.0, None, 0.0, 0.0)


class HostFigures(NamedTuple):
    """Figures of one host, in the units of model.host.Host."""

    cpu_pct: float | None = None
    steal_pct: float | None = None
    mem_pct: float | None = None
    mem_used_bytes: int | None = None


def grown(before: int | None, now: int | None) -> int | None:
    """Return how much a counter grew; None if either reading is missing or it went back (reset, device gone)."""
    if before is None or now is None or now < before:
        return None
    return now - before


def _per_second(before: int | None, now: int | None, elapsed_s: float) -> float | None:
    if before is None or now is None or now < before:
        return None
    return float(round((now - before) / elapsed_s))


def memory(now: Counters, at: float) -> tuple[float | None, int | None]:
    """Return (mem_pct, mem_used_bytes) of a guest as its balloon driver reports: available - usable.

    (None, None) if it does not report, has not for MEMORY_STALE_S, or reports what cannot be.
    """
    available, usable, reported = now.mem_available_bytes, now.mem_usable_bytes, now.mem_reported
    if available is None or usable is None or not 0 <= usable <= available or available == 0:
        return None, None
    if reported is not None and (reported == 0 or at - reported > MEMORY_STALE_S):
        return None, None
    used = available - usable
    return round(100 * used / available, 1), used


def figures(before: Counters | None, before_at: float, now: Counters, at: float, host_cpus: int | None) -> Figures:
    """Return the figures of a VM between two readings; ``host_cpus`` bounds what it can have used.

    No rates without an earlier reading, too soon after it or too late, with a clock that stood still or went back,
    after a restart of its QEMU (its CPU time went back), or with more CPU time than there can be. A single counter
    that went back, as when a device is unplugged, costs its own rate only. The latency is that of the requests that
    finished in between.
    """
    mem_pct, mem_used = memory(now, at)
    elapsed = at - before_at
    if before is None or not CLOSEST_S <= elapsed <= GAP_S:
        return Figures(mem_pct=mem_pct, mem_used_bytes=mem_used)
    cpu_pct = cores = steal_pct = latency = None
    if now.cpu_ns is not None and before.cpu_ns is not None:
        if now.cpu_ns < before.cpu_ns:
            return Figures(mem_pct=mem_pct, mem_used_bytes=mem_used)
        used = (now.cpu_ns - before.cpu_ns) / (elapsed * 1e9)
        if host_cpus and used > host_cpus * _SLACK:
            return Figures(mem_pct=mem_pct, mem_used_bytes=mem_used)
        cores = round(used, 2)
        if now.vcpus and now.vcpus == before.vcpus:
            cpu_pct = round(min(100.0, 100 * used / now.vcpus), 1)
    delayed = grown(before.delay_ns, now.delay_ns)
    if delayed is not None and now.vcpus and now.vcpus == before.vcpus:
        share = 100 * delayed / (elapsed * 1e9 * now.vcpus)
        steal_pct = round(min(100.0, share), 1) if share <= 100 * _SLACK else None
    requests, took = grown(before.requests, now.requests), grown(before.request_ns, now.request_ns)
    if requests and took is not None:
        latency = round(took / requests / 1e6, 2)
    return Figures(
        cpu_pct,
        cores,
        steal_pct,
        mem_pct,
        mem_used,
        _per_second(before.read_bytes, now.read_bytes, elapsed),
        _per_second(before.write_bytes, now.write_bytes, elapsed),
        latency,
        _per_second(before.rx_bytes, now.rx_bytes, elapsed),
        _per_second(before.tx_bytes, now.tx_bytes, elapsed),
    )


def host_figures(before: Vitals | None, now: Vitals) -> HostFigures:
    """Return the figures of a host between two readings of its own counters; a reboot makes them go back."""
    cpu_pct = steal_pct = mem_pct = used = None
    total, available = now.mem_total_bytes, now.mem_available_bytes
    if total and available is not None and 0 <= available <= total:
        used = total - available
        mem_pct = round(100 * used / total, 1)
    if before is not None and CLOSEST_S <= now.at - before.at <= GAP_S:
        ticks = grown(before.total_ticks, now.total_ticks)
        busy = grown(before.busy_ticks, now.busy_ticks)
        stolen = grown(before.steal_ticks, now.steal_ticks)
        if ticks:
            cpu_pct = round(100 * busy / ticks, 1) if busy is not None and busy <= ticks else None
            steal_pct = round(100 * stolen / ticks, 1) if stolen is not None and stolen <= ticks else None
    return HostFigures(cpu_pct, steal_pct, mem_pct, used)
