"""What a host tells the fleet: plain values, in the order in which they were read."""

from __future__ import annotations

import msgspec

from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState

TEST_DRIVER = "test driver"
"""``Identity.hypervisor`` of what is no machine."""


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all reports."""

    host: str
    at: float
    """Seconds since the epoch of the worker's clock, taken before the call that read it."""


class LinkReport(Report, frozen=True):
    """The link changed."""

    state: LinkState
    reason: str = ""
    remedy: str = ""


class Identity(Report, frozen=True):
    """What the host is, read once after each connect."""

    libvirt: str
    """"9.0.0"."""
    hypervisor: str
    """"QEMU 7.2.22"."""
    host_uuid: str
    """libvirt's UUID of the host: two config entries with the same one are the same host."""
    cpus: int
    mem_total_bytes: int
    invented: bool = False
    """The figures of this host's VMs are synthetic."""

    @property
    def is_machine(self) -> bool:
        """Whether there is a machine behind it, not libvirt's test driver alone."""
        return self.hypervisor != TEST_DRIVER


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One VM of a Listing."""

    uuid: str
    name: str
    state: VmState
    reason: str
    persistent: bool
    autostart: bool
    has_snapshot: bool


class Listing(Report, frozen=True):
    """All VMs of the host; what is not in it is gone."""

    vms: tuple[Listed, ...]


class Counters(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What libvirt counts for one VM since its start; None where it did not say."""

    uuid: str
    state: VmState
    reason: str
    vcpus: int | None = None
    cpu_ns: int | None = None
    delay_ns: int | None = None
    """Time its vCPUs were ready but not running, all of them together."""
    mem_max_bytes: int | None = None
    mem_available_bytes: int | None = None
    mem_usable_bytes: int | None = None
    mem_reported: int | None = None
    """Seconds since the epoch when the guest last reported its memory (balloon.last-update)."""
    read_bytes: int | None = None
    write_bytes: int | None = None
    requests: int | None = None
    """Finished reads, writes and flushes of all disks."""
    request_ns: int | None = None
    """Time those took."""
    rx_bytes: int | None = None
    tx_bytes: int | None = None


class Sampling(Report, frozen=True):
    """Statistics of some VMs of the host. VMs that do not run come with state only, or not at all."""

    vms: tuple[Counters, ...]
    states_at: float | None = None
    """When the states in it were read, where that was before ``at``: invented figures go with the last listing."""
    stuck: tuple[tuple[str, str], ...] = ()
    """(UUID, why) of all VMs of the host whose figures cannot be had now ("monitor stuck for 40s"): who is not in it is
    not stuck (any more)."""


class Vitals(Report, frozen=True):
    """The host's own counters; None where the host cannot tell."""

    busy_ticks: int | None = None
    """All CPU time but idle and iowait; any unit, only its ratio to ``total_ticks`` counts."""
    total_ticks: int | None = None
    steal_ticks: int | None = None
    load_1m: float | None = None
    mem_total_bytes: int | None = None
    mem_available_bytes: int | None = None
    pressure_cpu_pct: float | None = None
    pressure_mem_pct: float | None = None
    pressure_io_pct: float | None = None


class OldestSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The oldest snapshot of a VM."""

    name: str
    at: float
    """When it was made, seconds since the epoch by the host's clock of then."""


class Definition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the definition of one VM says; of one that runs, the definition it runs with."""

    uuid: str
    owner: str = ""
    """See ``Vm.owner``."""
    tags: tuple[str, ...] = ()
    """Those in its metadata."""
    caches: tuple[tuple[str, str], ...] = ()
    """(target, cache mode) of its disks whose mode keeps an old libvirt from migrating them live."""
    is_pinned: bool = False
    """It has devices of its host, and can run nowhere else while it has."""
    snapshot: OldestSnapshot | None = None
    """None: it has none, or none tells its age."""


class Surveyed(Report, frozen=True):
    """Definitions of some VMs, as they were read; what was told of these VMs before is void."""

    vms: tuple[Definition, ...]
    failed: tuple[tuple[str, str], ...] = ()
    """(UUID, why) of those that could not be read now; they are tried again, seldom."""


class Inspected(Report, frozen=True):
    """What only a shell on the host tells, read seldom; None where it cannot be told."""

    ahead_s: float | None = None
    """How far the host's clock is ahead of the worker's; negative: behind."""
    error_s: float = 0.0
    """``ahead_s`` may be wrong by so much either way: half of the way there and back."""
    qemus: tuple[tuple[str, bool], ...] | None = None
    """(UUID, whether the program was replaced since it started) of each QEMU that could be looked at."""
    unread: str = ""
    """Why nothing, or not all, is known of its QEMUs."""


class Happened(Report, frozen=True):
    """Something happened to a VM, as libvirt's events tell it."""

    uuid: str
    name: str
    kind: str
    """started, stopped, paused, resumed, rebooted, defined, undefined, crashed, suspended, shutdown, iothreshold,
    ioerror, watchdog, migrated, jobended, metadata …"""
    detail: str = ""
    state: VmState | None = None
    """The state it is in after it, where the event tells."""
