"""What is asked of one host's libvirt: plain values in, plain values out.

All of these run in a lane's thread, with its connection as first argument, and raise libvirt.libvirtError, which the
lane maps. Domains are local to each call: none may outlive it. Names, UUIDs, ids of listed domains need no call.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

import libvirt

from kvmtui.hosts import reasons
from kvmtui.hosts.binding import Conn, Domain
from kvmtui.hosts.counting import counters
from kvmtui.hosts.domain_xml import XML_MAX
from kvmtui.hosts.reports import TEST_DRIVER, Counters, Listed
from kvmtui.model.vm import VmState
from kvmtui.text import clean, clean_lines, name_or

KEEP_ALIVE_S = 5
KEEP_ALIVE_COUNT = 3

FREE_GROUPS: int = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_INTERFACE
"""Statistics that never ask a QEMU's monitor."""
ALL_GROUPS: int = (
    FREE_GROUPS
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
"""Everything that Counters holds. Never 0, which means "all there are": 8 KB a VM."""

_LIST_FLAGS = (
    libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
    libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
    libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
    libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
)
_LIST_ACTIVE = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
_NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
_STATS_ACTIVE = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE


class Listing(NamedTuple):
    """All domains of a host."""

    vms: tuple[Listed, ...]
    rows: tuple[tuple[str, str, int, int], ...]
    """UUID, name, number of the state, number of its reason: as libvirt gave them."""
    spent_s: float
    """Time the host took: without the way there and back."""
    round_trip_s: float
    """The way there and back, as far as the quickest of the calls tells."""


class Sample(NamedTuple):
    """Statistics of some domains."""

    vms: tuple[Counters, ...]
    took_s: float
    """From call to answer."""


class Facts(NamedTuple):
    """What a host is."""

    libvirt: str
    hypervisor: str
    host_uuid: str
    cpus: int
    mem_total_bytes: int


class Figures(NamedTuple):
    """The host's own counters as libvirt has them, for users without a shell there."""

    busy_ticks: int
    total_ticks: int
    mem_total_bytes: int
    mem_available_bytes: int
    """Free, buffers, caches: more than the kernel's own estimate, which libvirt does not give."""


class Control(NamedTuple):
    """How a domain's monitor is, from virDomainGetControlInfo, which never waits for it."""

    state: int
    """VIR_DOMAIN_CONTROL_*"""
    ms: int
    """How long it has been so."""


class Size(NamedTuple):
    """What a domain may use."""

    vcpus: int
    mem_bytes: int


def connect(uri: str, *, read_only: bool = False, keep_alive: bool = False) -> Conn:
    """Open a connection."""
    conn: Conn = libvirt.openReadOnly(uri) if read_only else libvirt.open(uri)
    if keep_alive:
        conn.setKeepAlive(KEEP_ALIVE_S, KEEP_ALIVE_COUNT)
    return conn


def listing(conn: Conn, before: Listing | None = None) -> Listing:
    """List all domains with their states: five calls, however many domains there are.

    With ``before``, flags are only read if a state or a name has changed since; else that is one call, and ``vms`` the
    very same tuple again. libvirt tells of most flags by no event, so they have to be read anew now and then.
    """
    began = time.perf_counter()
    rows = tuple(
        [
            (domain.UUIDString(), domain.name(), stats.get("state.state", 0), stats.get("state.reason", 0))
            for domain, stats in conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
        ]
    )
    took = [time.perf_counter() - began]
    if before is not None and before.rows == rows:
        return before._replace(spent_s=max(0.0, took[0] - before.round_trip_s))
    sets: list[set[str]] = []
    for flag in _LIST_FLAGS:
        began = time.perf_counter()
        sets.append({domain.UUIDString() for domain in conn.listAllDomains(flag)})
        took.append(time.perf_counter() - began)
    transient, autostart, snapshot, saved = sets
    vms = []
    for uuid, name, number, why in rows:
        state = reasons.STATES.get(number, VmState.UNKNOWN)
        if state is VmState.OFF and uuid in saved:
            state = VmState.SAVED
        vms.append(
            Listed(
                uuid=uuid,
                name=name_or(name, uuid),
                state=state,
                reason=reasons.reason(number, why),
                persistent=uuid not in transient,
                autostart=uuid in autostart,
                has_snapshot=uuid in snapshot,
            )
        )
    trip = min(took)
    return Listing(tuple(vms), rows, max(0.0, sum(took) - trip * len(took)), trip)


def sample(conn: Conn, uuids: frozenset[str] | None, groups: int) -> Sample:
    """Read statistics of the active domains, or of those among them that ``uuids`` names.

    NOWAIT leaves out what a domain's running job would make wait for; a monitor that hangs still blocks.
    """
    before = time.perf_counter()
    if uuids is None:
        rows = conn.getAllDomainStats(groups, _STATS_ACTIVE | _NOWAIT)
    else:
        # libvirtd lists and asks in one and the same order, on which held.HeldCalls relies
        wanted = [domain for domain in conn.listAllDomains(_LIST_ACTIVE) if domain.UUIDString() in uuids]
        before = time.perf_counter()
        rows = conn.domainListGetStats(wanted, groups, _NOWAIT) if wanted else []
    took = time.perf_counter() - before
    off = libvirt.VIR_DOMAIN_SHUTOFF  # it stopped a moment ago; whether an image was saved only a listing tells
    counted = [counters(domain.UUIDString(), stats) for domain, stats in rows if stats.get("state.state") != off]
    return Sample(tuple(counted), took)


def controls(conn: Conn, uuids: Sequence[str], most_s: float) -> dict[str, Control | None]:
    """Ask how the monitors of some domains are; None for those that are not active (any more).

    One call a domain, so it stops after ``most_s``: domains that are missing in the answer were not asked.
    """
    end = time.monotonic() + most_s
    active = {domain.UUIDString(): domain for domain in conn.listAllDomains(_LIST_ACTIVE)}
    answer: dict[str, Control | None] = {}
    for uuid in uuids:
        domain = active.get(uuid)
        if domain is None:
            answer[uuid] = None
        elif time.monotonic() < end:
            answer[uuid] = _control(domain)
    return answer


def _control(domain: Domain) -> Control | None:
    try:
        state, _detail, ms = domain.controlInfo()
    except libvirt.libvirtError as error:
        if error.get_error_code() in {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}:
            return None
        raise
    return Control(state, ms)


def identify(conn: Conn) -> Facts:
    """Read what the host is. The capabilities may take a second on a host whose libvirt has just started."""
    info = conn.getInfo()
    found = re.search(r"<host>\s*<uuid>([0-9a-fA-F-]{36})</uuid>", _capabilities(conn)[:65_536])
    kind = clean(conn.getType(), 20)
    hypervisor = TEST_DRIVER if kind == "TEST" else f"{kind} {_dotted(conn.getVersion())}"
    return Facts(
        libvirt=_dotted(conn.getLibVersion()),
        hypervisor=hypervisor,
        host_uuid=found[1].lower() if found else "",
        cpus=info[2],
        mem_total_bytes=info[1] * 1024 * 1024,
    )


def _capabilities(conn: Conn) -> str:
    """Return the host's capabilities, "" if we may not know them."""
    try:
        return conn.getCapabilities()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in {libvirt.VIR_ERR_ACCESS_DENIED, libvirt.VIR_ERR_NO_SUPPORT}:
            raise
        return ""


def _dotted(version: int) -> str:
    return f"{version // 1_000_000}.{version // 1_000 % 1_000}.{version % 1_000}"


def figures(conn: Conn) -> Figures:
    """Read the host's CPU time and memory."""
    cpu = conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS)
    memory = conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    busy = cpu.get("user", 0) + cpu.get("kernel", 0) + cpu.get("intr", 0)
    available = memory.get("free", 0) + memory.get("buffers", 0) + memory.get("cached", 0)
    return Figures(
        busy_ticks=busy,
        total_ticks=busy + cpu.get("idle", 0) + cpu.get("iowait", 0),
        mem_total_bytes=memory.get("total", 0) * 1024,
        mem_available_bytes=available * 1024,
    )


def sizes(conn: Conn, uuids: frozenset[str]) -> dict[str, Size]:
    """Read the sizes of some domains: a call for each, so only for the test driver, where it is none to anywhere."""
    answer = {}
    for domain in conn.listAllDomains(0):
        if (uuid := domain.UUIDString()) in uuids:
            _state, most_kib, _now_kib, vcpus, _cpu = domain.info()
            answer[uuid] = Size(vcpus, most_kib * 1024)
    return answer


def xml(conn: Conn, uuid: str) -> str:
    """Return a domain's XML without secrets, safe to show."""
    return clean_lines(conn.lookupByUUIDString(uuid).XMLDesc(0), XML_MAX)
