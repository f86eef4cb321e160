"""A look at one domain.

Both run in a lane's thread, with its connection as first argument, and raise libvirt.libvirtError, which the lane maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt
from msgspec.structs import replace

from kvmtui.hosts import domain_xml, reasons
from kvmtui.model.seen import Fact, Seen
from kvmtui.model.vm import VmState
from kvmtui.text import NAME_MAX, clean, name_or

if TYPE_CHECKING:
    from kvmtui.hosts.binding import Conn, Domain, Stats

SNAPSHOTS_MAX = 1_000
"""Names of snapshots that are told."""
AGENT = "org.qemu.guest_agent.0"
"""The channel by which the guest's agent is reached."""
_OPERATIONS = (
    "a job",
    "start",
    "save",
    "restore",
    "migration in",
    "migration out",
    "snapshot",
    "going back to a snapshot",
    "dump",
    "backup",
    "deleting a snapshot",
)
"""virDomainJobOperation -> words."""
_IN_FULL = ("data", "memory", "disk")
"""What jobs tell of how far they are: the first of these that they have."""


def look(conn: Conn, uuid: str, at: float, facts: frozenset[Fact] = frozenset()) -> Seen:
    """Look at one domain; asks no QEMU. What libvirt is busy with, and the agent, are for ``ask``."""
    try:
        domain = conn.lookupByUUIDString(uuid)
        number, why = domain.state()
        saved = number == libvirt.VIR_DOMAIN_SHUTOFF and domain.hasManagedSaveImage() == 1
        autostart = bool(domain.autostart()) if Fact.AUTOSTART in facts else None
        names = domain.snapshotListNames(0)[:SNAPSHOTS_MAX] if Fact.SNAPSHOTS in facts else None
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return Seen(at=at, exists=False, state=VmState.UNKNOWN)
    return Seen(
        at=at,
        exists=True,
        state=VmState.SAVED if saved else reasons.STATES.get(number, VmState.UNKNOWN),
        reason=reasons.reason(number, why),
        name=name_or(domain.name(), uuid),
        autostart=autostart,
        snapshots=tuple(clean(name, NAME_MAX) for name in names) if names is not None else None,
    )


def ask(conn: Conn, seen: Seen, uuid: str, facts: frozenset[Fact]) -> Seen:
    """Return ``seen`` with what only a QEMU knows: this may wait for its monitor."""
    domain = conn.lookupByUUIDString(uuid)
    if not domain.isActive():
        return replace(seen, job="" if Fact.JOB in facts else None)
    if domain.controlInfo()[0] not in {libvirt.VIR_DOMAIN_CONTROL_OK, libvirt.VIR_DOMAIN_CONTROL_JOB}:
        return seen  # its monitor does not answer: nobody is made to wait for it
    job = _job(domain) if Fact.JOB in facts else None
    agent = _agent(domain) if Fact.AGENT in facts else None
    return replace(seen, job=job, agent=agent)


def _job(domain: Domain) -> str:
    try:
        stats = domain.jobStats(0)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return ""
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:  # statistics are the source's alone
            return "migration in"
        raise
    if stats.get("type", 0) not in {libvirt.VIR_DOMAIN_JOB_BOUNDED, libvirt.VIR_DOMAIN_JOB_UNBOUNDED}:
        return ""
    return reasons.word(_OPERATIONS, stats.get("operation", 0)) + _how_far(stats)


def _how_far(stats: Stats) -> str:
    for what in _IN_FULL:
        total, left = stats.get(f"{what}_total", 0), stats.get(f"{what}_remaining", 0)
        if total > 0 and 0 <= left <= total:
            return f", {100 * (total - left) // total} %"
    return ""


def _agent(domain: Domain) -> bool | None:
    try:
        devices = domain_xml.tree(domain.XMLDesc(0)).find("devices")
    except ValueError:
        return None
    targets = [channel.find("target") for channel in domain_xml.several(devices, "channel")]
    return any(
        domain_xml.get(each, "name") == AGENT and domain_xml.get(each, "state") == "connected" for each in targets
    )
