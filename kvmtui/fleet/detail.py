"""A VM's XML read into what a human asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import LibvirtError
from kvmtui.hosts.domain_xml import DEVICES_MAX, XML_MAX, disk, get, several, source, tree, words
from kvmtui.model.vm import Nic, Vm, VmDetail
from kvmtui.text import NAME_MAX, clean, clean_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_UNITS = {"b": 1, "bytes": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "p": 1024**5, "e": 1024**6}
_UNITS |= {f"{unit}ib": factor for unit, factor in _UNITS.items() if len(unit) == 1}
_UNITS |= {f"{unit}b": 1000**power for power, unit in enumerate("kmgtpe", 1)}
_SHOWN_BEFORE = frozenset({"disk", "interface", "emulator"})


def parse(xml: str, vm: Vm) -> VmDetail:
    """Return what ``xml`` (as virDomainGetXMLDesc gives it, without secrets) says of ``vm``.

    Raises LibvirtError if it is not XML of a domain, has a DOCTYPE (libvirt writes none) or is larger than XML_MAX.
    """
    try:
        domain = tree(xml)
    except ValueError as error:
        raise LibvirtError(f"the XML of {vm.name} cannot be read: {error}", 27, 20, where=vm.host) from error
    devices = domain.find("devices")
    return VmDetail(
        vm=vm,
        title=clean(domain.findtext("title", ""), NAME_MAX),
        description=clean(domain.findtext("description", "")),
        machine=_machine(domain),
        cpu_model=_cpu(domain),
        firmware=_firmware(domain),
        memory_max_bytes=_memory(domain),
        disks=tuple(disk(each) for each in several(devices, "disk")),
        nics=tuple(_nic(each) for each in several(devices, "interface")),
        others=tuple(_others(devices)),
        xml=clean_lines(xml, XML_MAX),
    )


def _machine(domain: Element) -> str:
    kind = domain.find("os/type")
    return words(get(kind, "machine"), get(kind, "arch"), get(domain, "type"))


def _cpu(domain: Element) -> str:
    cpu = domain.find("cpu")
    if cpu is None:
        return ""
    return words(get(cpu, "mode"), clean(cpu.findtext("model", ""), NAME_MAX))


def _firmware(domain: Element) -> str:
    loader = domain.find("os/loader")
    path = "" if loader is None else clean(loader.text or "", NAME_MAX)
    return words(get(domain.find("os"), "firmware"), path) or "BIOS"


def _memory(domain: Element) -> int | None:
    for tag in ("maxMemory", "memory"):
        element = domain.find(tag)
        if element is not None and (text := (element.text or "").strip()).isdecimal():
            return int(text[:20]) * _UNITS.get(element.get("unit", "KiB").lower(), 1024)
    return None


def _nic(nic: Element) -> Nic:
    link = nic.find("link")
    return Nic(
        mac=get(nic.find("mac"), "address"),
        source=source(nic),
        model=get(nic.find("model"), "type"),
        target=get(nic.find("target"), "dev"),
        link_up=None if link is None else get(link, "state") != "down",
    )


def _others(devices: Element | None) -> Iterator[str]:
    """Return a line for each other device: its kind, and what names it."""
    for device in list(devices if devices is not None else ())[:DEVICES_MAX]:
        if device.tag in _SHOWN_BEFORE:
            continue
        target = device.find("target")
        yield words(
            clean(device.tag, NAME_MAX),
            get(device, "type", "model", "bus"),
            get(target, "name", "type", "dir"),
            get(device.find("model"), "type", "name"),
            get(device.find("backend"), "model"),
            source(device),
            get(target, "state"),
        )
