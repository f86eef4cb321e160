"""A KVM host as the whole fleet knows it."""

from __future__ import annotations

import enum

import msgspec


class LinkState(enum.StrEnum):
    """How we stand with a host. Every state but UP and CONNECTING has a reason and a remedy in words."""

    CONNECTING = "connecting"
    """First contact is under way; nothing is known yet."""
    UP = "up"
    LOST = "lost"
    """It does not answer (any more); tried again for ever."""
    NEEDS_YOU = "needs you"
    """A human must act: a locked key, an unknown or changed host key, a refused login."""
    NO_LIBVIRT = "no libvirt"
    """The host answers, its libvirt does not."""


SETTLED = frozenset({LinkState.UP, LinkState.LOST, LinkState.NEEDS_YOU, LinkState.NO_LIBVIRT})
"""States in which the host has answered or is known not to."""


class Host(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One host; the field names are column ids and the JSON names of ``kvmtui ls hosts``.

    Figures are None where nothing honest can be said. Times are seconds since the epoch, of the worker's clock.
    """

    name: str
    uri: str
    link: LinkState = LinkState.CONNECTING
    link_reason: str = ""
    link_remedy: str = ""
    since: float | None = None
    """When ``link`` became what it is."""
    version: str = ""
    """"libvirt 9.0.0, QEMU 7.2.22"."""
    cpus: int | None = None
    cpu_pct: float | None = None
    """Busy time of all CPUs (everything but idle and iowait), 0..100."""
    steal_pct: float | None = None
    load_1m: float | None = None
    pressure_cpu_pct: float | None = None
    """PSI "some avg10" of the CPU, 0..100; None where the kernel has no PSI."""
    pressure_mem_pct: float | None = None
    pressure_io_pct: float | None = None
    mem_pct: float | None = None
    """(total - available) / total."""
    mem_total_bytes: int | None = None
    mem_used_bytes: int | None = None
    vms_running: int | None = None
    vms_total: int | None = None
    tags: tuple[str, ...] = ()
    level: str = "normal"
    """Guard level: normal, careful, locked."""
    seen: float = 0.0
    """When the host last answered anything."""
    sampled: float | None = None
    """When the host's own figures were last read."""
    trouble: str = ""
    severity: int = 0
    """0 nothing, 1 notice, 2 warning, 3 serious, 4 critical."""
    demo: bool = False
    """Its figures are invented (the test driver of the demo fleet)."""

    @property
    def key(self) -> str:
        """The address of the row."""
        return self.name


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet in one line: what the top line of the console shows."""

    name: str = ""
    """Name of the fleet: the config's ``name`` or its file name."""
    demo: bool = False
    hosts_up: int = 0
    hosts_total: int = 0
    hosts_connecting: int = 0
    vms: dict[str, int] = {}
    """VmState value -> number of VMs."""
    cpu_pct: float | None = None
    mem_pct: float | None = None
    troubles: tuple[tuple[str, int], ...] = ()
    """The worst things wrong, in words, with severity; at most 10, worst first."""
    troubles_since: tuple[float | None, ...] = ()
    """When each of ``troubles`` began, seconds since the epoch; None where nobody saw it begin."""
    troubles_total: int = 0
    jobs_running: int = 0
    jobs_waiting: int = 0
    jobs_unread: int = 0
    """Finished with a failure or an unknown outcome in the last hour."""
    clients: int = 0
    notice: str = ""
    """Something about the worker itself ("config.yaml not applied: …"), or ""."""
