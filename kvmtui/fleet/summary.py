"""The fleet in one line."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.fleet.order import natural
from kvmtui.fleet.trouble import WRONG
from kvmtui.model.host import LinkState
from kvmtui.model.vm import Vm, VmState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.fleet.known import KnownHost
    from kvmtui.model.host import Host

TROUBLES_MAX = 10
"""Troubles that are named."""


class Load(NamedTuple):
    """CPU and memory of all hosts that tell theirs, 0..100."""

    cpu_pct: float | None
    mem_pct: float | None


def load(hosts: Iterable[Host]) -> Load:
    """Return the load of the hosts that are up: busy CPUs of all CPUs, used bytes of all bytes."""
    cpus = busy = 0.0
    total = used = 0
    for host in hosts:
        if host.link is not LinkState.UP:
            continue
        if host.cpus and host.cpu_pct is not None:
            cpus += host.cpus
            busy += host.cpus * host.cpu_pct
        if host.mem_total_bytes and host.mem_used_bytes is not None:
            total += host.mem_total_bytes
            used += host.mem_used_bytes
    return Load(round(busy / cpus, 1) if cpus else None, round(100 * used / total, 1) if total else None)


class Trouble(NamedTuple):
    """Something wrong, in words."""

    words: str
    severity: int
    since: float | None


def troubles(hosts: Iterable[Host], vms: Iterable[Vm]) -> tuple[list[Trouble], int]:
    """Return the worst things wrong, worst first, and how many there are in all. ``vms``: those that are wrong.

    Of equals a host comes first: what is wrong with it is wrong with all that it runs.
    """
    wrong: list[Host | Vm] = [host for host in hosts if host.severity >= WRONG]
    wrong += vms
    worst = nsmallest(TROUBLES_MAX, wrong, key=lambda row: (-row.severity, isinstance(row, Vm), natural(row.name)))
    return [Trouble(f"{row.name} {row.trouble}", row.severity, row.since) for row in worst], len(wrong)


def states(known: Sequence[KnownHost]) -> dict[str, int]:
    """Return how many VMs are in which state; those of a host that the config names twice once."""
    return {
        state.value: count
        for state in VmState
        if (count := sum(host.vms.counts[state] for host in known if not host.same_as))
    }
