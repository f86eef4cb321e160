"""What a VM's definition says that a row of it or a finding needs.

``read`` and ``oldest_snapshot`` run in a lane's thread, with its connection as first argument, and raise
libvirt.libvirtError, which the lane maps. What they return are plain values.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from kvmtui.hosts import domain_xml
from kvmtui.hosts.reports import Definition, OldestSnapshot
from kvmtui.text import NAME_MAX, clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from kvmtui.hosts.binding import Conn

OWNERS = {
    "http://openstack.org/xmlns/libvirt/nova/": "nova",
    "http://ovirt.org/vm/": "oVirt",
    "http://kubevirt.io": "KubeVirt",
    "http://opennebula.org/xmlns/libvirt/": "OpenNebula",
}
"""How the namespace of metadata begins that a manager of VMs leaves in each of its own -> the manager.

Pacemaker leaves none: which of its VMs are its own stands in its cluster only. virt-manager, Cockpit and libosinfo
leave some, and do nothing to a VM by themselves.
"""
TAGS = "kvmtui:tags"
"""The namespace of our own metadata: ``virsh metadata VM --uri kvmtui:tags --key kvmtui --set '<tags>a b</tags>'``."""
TAGS_MAX = 32
TAG_MAX = 64
"""Characters of one tag."""
DISKS_MAX = 32
"""Disks of a VM that are told of."""
SNAPSHOTS_MAX = 16
"""Snapshots of a VM whose age is read: each is a call, and as long as the VM's XML."""

_NAMESPACE = re.compile(r"\{([^}]*)\}")
_BETWEEN_TAGS = re.compile(r"[\s,]+")
_SAFE_CACHES = frozenset({"none", "directsync"})
_TIME_MAX = 1 << 40
"""Seconds since the epoch beyond which no clock ever was."""


class Reading(NamedTuple):
    """A definition, and what it cost the host."""

    definition: Definition | None
    why: str
    """Why it makes no sense, where it is None."""
    spent_s: float
    """Time the host took: without the way there and back."""


def read(conn: Conn, uuid: str) -> Reading:
    """Read the definition of a VM: two calls."""
    began = time.perf_counter()
    domain = conn.lookupByUUIDString(uuid)
    found = time.perf_counter()
    xml = domain.XMLDesc(0)
    spent_s = max(0.0, time.perf_counter() - found - (found - began))
    try:
        return Reading(parse(xml, uuid), "", spent_s)
    except ValueError as error:
        return Reading(None, f"its XML cannot be read: {error}", spent_s)


def oldest_snapshot(conn: Conn, uuid: str) -> OldestSnapshot | None:
    """Read which snapshot of a VM is the oldest; None if there is none, or none tells.

    A snapshot is never older than the one it was made on, so only those are asked that were made on none.
    """
    oldest: OldestSnapshot | None = None
    snapshots = conn.lookupByUUIDString(uuid).listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)
    for snapshot in itertools.islice(snapshots, SNAPSHOTS_MAX):
        at = _created(snapshot.getXMLDesc(0))
        if at is not None and (oldest is None or at < oldest.at):
            oldest = OldestSnapshot(name=clean(snapshot.getName(), NAME_MAX), at=at)
    return oldest


def parse(xml: str, uuid: str) -> Definition:
    """Return what the XML of a VM says. Raises ValueError if it is none, or too large."""
    domain = domain_xml.tree(xml)
    metadata = list(domain.iterfind("metadata/*"))
    devices = domain.find("devices")
    return Definition(
        uuid=uuid,
        owner=_owner(metadata),
        tags=_tags(metadata),
        caches=tuple(itertools.islice(_caches(devices), DISKS_MAX)),
        is_pinned=_is_pinned(devices),
    )


def _namespace(element: Element) -> str:
    found = _NAMESPACE.match(element.tag)
    return found[1] if found else ""


def _owner(metadata: list[Element]) -> str:
    for element in metadata:
        space = _namespace(element)
        for begins, owner in OWNERS.items():
            if space.startswith(begins):
                return owner
    return ""


def _tags(metadata: list[Element]) -> tuple[str, ...]:
    """Return the tags in our own metadata, each once, in their order."""
    ours = next((element for element in metadata if _namespace(element) == TAGS), None)
    if ours is None:
        return ()
    said = _BETWEEN_TAGS.split(" ".join(itertools.islice(ours.itertext(), TAGS_MAX)))
    tags = (clean(tag, TAG_MAX).strip() for tag in said)
    return tuple(itertools.islice(dict.fromkeys(tag for tag in tags if tag), TAGS_MAX))


def _caches(devices: Element | None) -> Iterator[tuple[str, str]]:
    """Return (target, cache mode) of the disks for which the mode decides whether libvirt migrates them.

    These are the cases of qemuMigrationSrcIsSafe(): what is read-only, empty, shareable or on the network is left out.
    """
    for element in domain_xml.several(devices, "disk"):
        disk = domain_xml.disk(element)
        is_told = bool(disk.source) and element.get("type") != "network"
        if is_told and not disk.readonly and not disk.shareable and disk.cache not in _SAFE_CACHES:
            yield disk.target, disk.cache or "default"


def _is_pinned(devices: Element | None) -> bool:
    """Whether devices of the host are passed through; a network card with a stand-in does not count."""
    if domain_xml.several(devices, "hostdev"):
        return True
    nics = domain_xml.several(devices, "interface")
    return any(nic.get("type") == "hostdev" and nic.find("teaming") is None for nic in nics)


def _created(xml: str) -> float | None:
    """Return when a snapshot was made, seconds since the epoch; None if its XML does not say."""
    try:
        said = domain_xml.tree(xml).findtext("creationTime", "").strip()
    except ValueError:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 14):
        return None
    return float(said) if int(said) < _TIME_MAX else None
