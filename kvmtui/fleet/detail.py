"""A VM's XML read into what a human asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from kvmtui.errors import LibvirtError
from kvmtui.model.vm import Disk, Nic, Vm, VmDetail
from kvmtui.text import NAME_MAX, clean, clean_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

XML_MAX = 4 * 1024 * 1024
"""Characters; libvirt's own limit for XML over its line."""
DEVICES_MAX = 1_000
"""Of each kind."""

_UNITS = {"b": 1, "bytes": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "p": 1024**5, "e": 1024**6}
_UNITS |= {f"{unit}ib": factor for unit, factor in _UNITS.items() if len(unit) == 1}
_UNITS |= {f"{unit}b": 1000**power for power, unit in enumerate("kmgtpe", 1)}
_SOURCES = ("file", "dev", "name", "volume", "dir", "network", "bridge", "path")
_SHOWN_BEFORE = frozenset({"disk", "interface", "emulator"})


def parse(xml: str, vm: Vm) -> VmDetail:
    """Return what ``xml`` (as virDomainGetXMLDesc gives it, without secrets) says of ``vm``.

    Raises LibvirtError if it is not XML of a domain, has a DOCTYPE (libvirt writes none) or is larger than XML_MAX.
    """
    if len(xml) > XML_MAX or "<!DOCTYPE" in xml:
        raise _unreadable(vm, f"{len(xml)} characters" if len(xml) > XML_MAX else "it has a DOCTYPE")
    try:
        domain = ElementTree.fromstring(xml)  # noqa: S314 - no DOCTYPE, so no entities to expand
    except ElementTree.ParseError as error:
        raise _unreadable(vm, str(error)) from error
    devices = domain.find("devices")
    return VmDetail(
        vm=vm,
        title=clean(domain.findtext("title", ""), NAME_MAX),
        description=clean(domain.findtext("description", "")),
        machine=_machine(domain),
        cpu_model=_cpu(domain),
        firmware=_firmware(domain),
        memory_max_bytes=_memory(domain),
        disks=tuple(_disk(each) for each in _several(devices, "disk")),
        nics=tuple(_nic(each) for each in _several(devices, "interface")),
        others=tuple(_others(devices)),
        xml=clean_lines(xml, XML_MAX),
    )


def _unreadable(vm: Vm, words: str) -> LibvirtError:
    return LibvirtError(f"the XML of {vm.name} cannot be read: {words}", 27, 20, where=vm.host)


def _several(devices: Element | None, tag: str) -> list[Element]:
    return [] if devices is None else devices.findall(tag)[:DEVICES_MAX]


def _get(element: Element | None, *names: str) -> str:
    """Return the first of these attributes that there is, made safe to show."""
    if element is None:
        return ""
    return next((clean(element.attrib[name], NAME_MAX) for name in names if element.get(name)), "")


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


def _machine(domain: Element) -> str:
    kind = domain.find("os/type")
    return _words(_get(kind, "machine"), _get(kind, "arch"), _get(domain, "type"))


def _cpu(domain: Element) -> str:
    cpu = domain.find("cpu")
    if cpu is None:
        return ""
    return _words(_get(cpu, "mode"), clean(cpu.findtext("model", ""), NAME_MAX))


def _firmware(domain: Element) -> str:
    loader = domain.find("os/loader")
    path = "" if loader is None else clean(loader.text or "", NAME_MAX)
    return _words(_get(domain.find("os"), "firmware"), path) or "BIOS"


def _memory(domain: Element) -> int | None:
    for tag in ("maxMemory", "memory"):
        element = domain.find(tag)
        if element is not None and (text := (element.text or "").strip()).isdecimal():
            return int(text[:20]) * _UNITS.get(element.get("unit", "KiB").lower(), 1024)
    return None


def _source(device: Element) -> str:
    source = device.find("source")
    if source is None:
        return ""
    name = _get(source, *_SOURCES)
    host = source.find("host")
    place = ":".join(filter(None, (_get(host, "name"), _get(host, "port"))))
    if pool := _get(source, "pool"):
        name = f"{pool}/{name}"
    protocol = _get(source, "protocol")
    return _words(protocol, place, name)


def _disk(disk: Element) -> Disk:
    driver = disk.find("driver")
    return Disk(
        target=_get(disk.find("target"), "dev"),
        device=_get(disk, "device") or "disk",
        bus=_get(disk.find("target"), "bus"),
        source=_source(disk),
        format=_get(driver, "type"),
        cache=_get(driver, "cache"),
        readonly=disk.find("readonly") is not None,
        shareable=disk.find("shareable") is not None,
    )


def _nic(nic: Element) -> Nic:
    link = nic.find("link")
    return Nic(
        mac=_get(nic.find("mac"), "address"),
        source=_source(nic),
        model=_get(nic.find("model"), "type"),
        target=_get(nic.find("target"), "dev"),
        link_up=None if link is None else _get(link, "state") != "down",
    )


def _others(devices: Element | None) -> Iterator[str]:
    """Return a line for each other device: its kind, and what names it."""
    for device in list(devices if devices is not None else ())[:DEVICES_MAX]:
        if device.tag in _SHOWN_BEFORE:
            continue
        target = device.find("target")
        yield _words(
            clean(device.tag, NAME_MAX),
            _get(device, "type", "model", "bus"),
            _get(target, "name", "type", "dir"),
            _get(device.find("model"), "type", "name"),
            _get(device.find("backend"), "model"),
            _source(device),
            _get(target, "state"),
        )
