"""A virtual machine as the whole fleet knows it."""

from __future__ import annotations

import enum

import msgspec


class VmState(enum.StrEnum):
    """The states of a VM, in virsh's words (``virsh list --all --managed-save``).

    ``UNKNOWN`` is ours: the host is lost, or nothing was ever heard.
    """

    RUNNING = "running"
    PAUSED = "paused"
    IN_SHUTDOWN = "in shutdown"
    OFF = "shut off"
    SAVED = "saved"
    CRASHED = "crashed"
    SUSPENDED = "pmsuspended"
    UNKNOWN = "unknown"


ACTIVE = frozenset({VmState.RUNNING, VmState.PAUSED, VmState.IN_SHUTDOWN, VmState.CRASHED, VmState.SUSPENDED})
"""States in which a QEMU process exists (a domain that libvirt lists as active)."""
RESTING = frozenset({VmState.PAUSED, VmState.CRASHED, VmState.SUSPENDED})
"""Those of them in which no guest code runs."""


class Vm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One VM on one host; the field names are column ids and the JSON names of ``kvmtui ls vms``.

    Figures are None where nothing honest can be said. Times are seconds since the epoch, of the worker's clock.
    """

    host: str
    """Name of the host in the config."""
    uuid: str
    """Lower case, with dashes."""
    name: str
    """Made safe to show; never an address, see ``uuid``."""
    state: VmState
    state_reason: str = ""
    """libvirt's reason in words ("I/O error", "migration"); for unknown: "was running"."""
    was: VmState | None = None
    """The last state known, where ``state`` is unknown."""
    since: float | None = None
    """When ``state`` began, as far as we saw it; None if it was so when we first looked."""
    vcpus: int | None = None
    persistent: bool = True
    autostart: bool = False
    has_snapshot: bool = False
    owner: str | None = None
    """Another manager that owns this VM ("nova", "oVirt"), or ""; None until its definition was read."""
    tags: tuple[str, ...] = ()
    """Of its host, by rules, of its own; without those of its own until its definition was read."""
    cpu_pct: float | None = None
    """CPU time over elapsed time and vCPUs, 0..100."""
    cores: float | None = None
    """CPU time over elapsed time: host cores eaten."""
    steal_pct: float | None = None
    """Time the vCPUs were ready but not running, of their time, 0..100 (vcpu.N.delay)."""
    mem_pct: float | None = None
    """(available - usable) / available of the balloon driver; None if the guest does not report."""
    mem_used_bytes: int | None = None
    """available - usable of the balloon driver; None if the guest does not report."""
    mem_max_bytes: int | None = None
    disk_read_bps: float | None = None
    disk_write_bps: float | None = None
    disk_latency_ms: float | None = None
    """Time of finished reads, writes and flushes over their number, in the last interval."""
    net_rx_bps: float | None = None
    net_tx_bps: float | None = None
    seen: float = 0.0
    """When the state was last read."""
    sampled: float | None = None
    """When the figures were last read."""
    trouble: str = ""
    """What is wrong, in words; "" if nothing is."""
    severity: int = 0
    """0 nothing, 1 notice, 2 warning, 3 serious, 4 critical: what "worst first" sorts by."""
    job: str = ""
    """The verb of the job that is working on it now, or ""."""

    @property
    def key(self) -> str:
        """The address of the row: host and UUID."""
        return f"{self.host}/{self.uuid}"


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk of a VM."""

    target: str
    device: str = "disk"
    bus: str = ""
    source: str = ""
    format: str = ""
    cache: str = ""
    readonly: bool = False
    shareable: bool = False


class Nic(msgspec.Struct, frozen=True, kw_only=True):
    """A network interface of a VM."""

    mac: str
    source: str = ""
    model: str = ""
    target: str = ""
    link_up: bool | None = None


class VmDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What a VM is made of, read from its XML when somebody looks at it."""

    vm: Vm
    title: str = ""
    description: str = ""
    machine: str = ""
    """"pc-q35-7.2 x86_64 kvm" and the like."""
    cpu_model: str = ""
    firmware: str = ""
    memory_max_bytes: int | None = None
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    others: tuple[str, ...] = ()
    """Other devices, a line each ("channel org.qemu.guest_agent.0 connected")."""
    xml: str = ""
    """The live XML without secrets, made safe to show line by line."""
