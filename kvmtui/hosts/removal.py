"""What goes for good with a domain's definition.

All of it runs in a lane's thread and raises libvirt.libvirtError, which the lane maps; ValueError in words where
something must not be done.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

import libvirt

from kvmtui.hosts import domain_xml
from kvmtui.text import NAME_MAX, clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from kvmtui.hosts.binding import Conn, Domain, Volume

_INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE


class Doomed:
    """Disks of a domain that are to be deleted with it, found in the storage of its host before anything is done."""

    def __init__(self, conn: Conn, domain: Domain, targets: Sequence[str]) -> None:
        """Raises ValueError that says of every disk that must not be deleted why."""
        self._paths: dict[str, str] = {}
        if not targets:
            return
        disks = {
            domain_xml.get(disk.find("target"), "dev"): disk
            for disk in domain_xml.several(domain_xml.tree(domain.XMLDesc(_INACTIVE)).find("devices"), "disk")
        }
        used = _used_by_others(conn, domain.UUIDString())
        wrong = []
        for target in targets:
            try:
                self._paths[target] = _path(conn, disks.get(target), used)
            except ValueError as error:
                wrong.append(f"{target}: {error}")
        if wrong:
            raise ValueError("; ".join(wrong))

    def kept(self, why: str) -> tuple[str, ...]:
        """Return what is said of the disks where none is deleted."""
        return tuple(f"{target} {why}" for target in self._paths)

    def delete(self, conn: Conn) -> tuple[str, ...]:
        """Delete them; return what libvirt says of each that it refused."""
        refused = []
        for target, path in self._paths.items():
            try:
                conn.storageVolLookupByPath(path).delete(0)
            except libvirt.libvirtError as error:
                if not conn.isAlive():
                    raise
                words = clean(error.get_error_message() or "")
                refused.append(f"{target} ({clean(path, NAME_MAX)}) NOT deleted: {words}")
        return tuple(refused)


def flags(domain: Domain, forget: Sequence[str]) -> int:
    """Return the flags that undefining a domain needs: what it has beside its definition is kept unless named.

    A flag that is not needed is not set: older libvirts refuse those that they do not know.
    """
    root = domain_xml.tree(domain.XMLDesc(_INACTIVE))
    found = 0
    if root.find("os/nvram") is not None or root.find("os[@firmware='efi']") is not None:
        is_named = "nvram" in forget
        found |= libvirt.VIR_DOMAIN_UNDEFINE_NVRAM if is_named else libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    if root.find("devices/tpm/backend[@type='emulator']") is not None:
        found |= libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM
    if "snapshots" in forget and domain.snapshotListNames(0):
        found |= libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    return found


def _path(conn: Conn, disk: Element | None, used: dict[str, str]) -> str:
    """Return where a disk lies. Raises ValueError if it must not be deleted."""
    if disk is None:
        raise ValueError("it has no such disk")
    if (disk.get("device") or "disk") != "disk":
        raise ValueError(f"it is a {domain_xml.get(disk, 'device')}")
    if disk.find("readonly") is not None or disk.find("shareable") is not None:
        raise ValueError("it is read-only or shareable: other VMs may use it")
    volume = _volume(conn, disk)
    path = volume.path()
    if user := used.get(_same(path)):
        raise ValueError(f"{user} uses it too")
    if user := _built_upon(volume):
        raise ValueError(f"{user} is built upon it")
    return path


def _volume(conn: Conn, disk: Element) -> Volume:
    """Find a disk among the volumes of its host's pools. Raises ValueError if it is none."""
    source = disk.find("source")
    where = domain_xml.source(disk) or "nothing"
    try:
        if source is not None and (pool := source.get("pool")) and (name := source.get("volume")):
            return conn.storagePoolLookupByName(pool).storageVolLookupByName(name)
        path = (source.get("file") or source.get("dev")) if source is not None else None
        if path:
            return conn.storageVolLookupByPath(path)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in {libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL}:
            raise
    raise ValueError(f"no storage pool of this host has {where}")


def _used_by_others(conn: Conn, uuid: str) -> dict[str, str]:
    """Return path -> name of a domain that has it, as a disk or below one, defined or running."""
    found: dict[str, str] = {}
    for other in conn.listAllDomains(0):
        if other.UUIDString() == uuid:
            continue
        try:
            for path in _paths(other):
                found[_same(path)] = clean(other.name(), NAME_MAX)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
    return found


def _paths(domain: Domain) -> Iterator[str]:
    for kind in {0, _INACTIVE} if domain.isActive() else {_INACTIVE}:
        for disk in domain_xml.several(domain_xml.tree(domain.XMLDesc(kind)).find("devices"), "disk"):
            for source in disk.iter("source"):
                path = source.get("file") or source.get("dev")
                if path:
                    yield path


def _built_upon(volume: Volume) -> str:
    """Return the name of another volume of its pool whose backing file it is, or ""."""
    path = _same(volume.path())
    for other in volume.storagePoolLookupByVolume().listAllVolumes(0):
        base = domain_xml.tree(other.XMLDesc(0)).findtext("backingStore/path", "")
        if base and _same(base) == path:
            return clean(other.name(), NAME_MAX)
    return ""


def _same(path: str) -> str:
    return os.path.normpath(path)
