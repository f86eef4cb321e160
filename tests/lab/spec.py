"""What a guest is to be, turned into libvirt's domain XML."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict
from xml.sax.saxutils import escape, quoteattr

#: Where every host sees the guests' kernel, the shared directory, its own images, a file system that is full.
BOOT_DIR = Path("/var/lib/libvirt/lab-boot")
SHARED_DIR = Path("/var/lib/libvirt/lab-shared")
IMAGES_DIR = Path("/var/lib/libvirt/images")
FULL_DIR = Path("/var/lib/libvirt/lab-full")
#: The network with this name exists on every host: a bridge that reaches all hosts, their guests, the operator's seat.
NETWORK = "lan"
_AGENT = "org.qemu.guest_agent.0"


@dataclass(frozen=True)
class FileDisk:
    """A disk in a file, as the hosts see its path; `cache` and `format` as libvirt spells them."""

    path: Path
    cache: str = "none"
    format: str = "raw"


@dataclass(frozen=True)
class NbdDisk:
    """A raw disk that the operator's seat exports; every host reaches it under the same address."""

    export: str
    address: str
    port: int


@dataclass(frozen=True)
class GuestSpec:
    """One guest to define.

    Memory in MiB. `words` go on the kernel's command line, see `image.WORDS`. `vcpus` are plugged in now, `max_vcpus`
    could be. `balloon_period_s` None leaves the balloon's statistics off, as libvirt does by default. `extra` is XML
    that is put in before the end of the domain's element. The UUID is a new one each time; `stable_uuid()` gives one
    that is the same in every lab.
    """

    name: str
    memory_mib: int = 128
    vcpus: int = 1
    max_vcpus: int | None = None
    words: Mapping[str, str | int] = field(default_factory=dict)
    disks: tuple[FileDisk | NbdDisk, ...] = ()
    balloon_period_s: int | None = 5
    agent: bool = True
    network: bool = True
    title: str = ""
    extra: str = ""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))


class SpecFields(TypedDict, total=False):
    """`GuestSpec`'s fields beside its name, for functions that pass them on."""

    memory_mib: int
    vcpus: int
    max_vcpus: int | None
    words: Mapping[str, str | int]
    disks: tuple[FileDisk | NbdDisk, ...]
    balloon_period_s: int | None
    agent: bool
    network: bool
    title: str
    extra: str
    uuid: str


def stable_uuid(name: str) -> str:
    """The same UUID for this name in every lab."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.lab.invalid"))


def console_log(guest_uuid: str) -> Path:
    """Where a host keeps what the guest wrote to its serial port since its last start."""
    return Path(f"/var/log/libvirt/qemu/{guest_uuid}.console")


def domain_xml(spec: GuestSpec) -> str:
    """The domain of a guest that boots the lab's kernel."""
    words = {"name": re.sub(r"[^A-Za-z0-9.-]", "-", spec.name)[:63].strip("-") or "guest", **spec.words}
    line = " ".join(["console=ttyS0", "quiet", "panic=0", *(f"{key}={value}" for key, value in words.items())])
    devices = [_disk_xml(disk, f"vd{chr(ord('a') + number)}") for number, disk in enumerate(spec.disks)]
    if spec.network:
        devices.append(f'<interface type="network"><source network="{NETWORK}"/><model type="virtio"/></interface>')
    if spec.agent:
        devices.append(f'<channel type="unix"><target type="virtio" name="{_AGENT}"/></channel>')
    period = f'<stats period="{spec.balloon_period_s}"/>' if spec.balloon_period_s else ""
    log = console_log(spec.uuid)
    return f"""\
<domain type="qemu">
  <name>{escape(spec.name)}</name>
  <uuid>{spec.uuid}</uuid>
  {f"<title>{escape(spec.title)}</title>" if spec.title else ""}
  <memory unit="MiB">{spec.memory_mib}</memory>
  <vcpu current="{spec.vcpus}">{spec.max_vcpus or spec.vcpus}</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <kernel>{BOOT_DIR}/vmlinuz</kernel>
    <initrd>{BOOT_DIR}/initrd</initrd>
    <cmdline>{escape(line)}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <on_crash>preserve</on_crash>
  <devices>
    {"".join(devices)}
    <serial type="pty"><log file="{log}" append="off"/><target port="0"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
    <controller type="usb" model="none"/>
    <memballoon model="virtio">{period}</memballoon>
    <panic model="isa"/>
  </devices>
  {spec.extra}
</domain>
"""


def tiny_xml(name: str, guest_uuid: str) -> str:
    """The smallest domain there is: 16 MiB without kernel, disk or device, to be kept paused, in numbers."""
    return f"""\
<domain type="qemu">
  <name>{escape(name)}</name>
  <uuid>{guest_uuid}</uuid>
  <memory unit="MiB">16</memory>
  <vcpu>1</vcpu>
  <os><type arch="x86_64" machine="pc">hvm</type></os>
  <devices><controller type="usb" model="none"/><memballoon model="none"/></devices>
</domain>
"""


def _disk_xml(disk: FileDisk | NbdDisk, target: str) -> str:
    match disk:
        case FileDisk(path, cache, form):
            source, kind = f"<source file={quoteattr(str(path))}/>", "file"
        case NbdDisk(export, address, port):
            kind, cache, form = "network", "none", "raw"
            host = f'<host name="{address}" port="{port}"/>'
            source = f'<source protocol="nbd" name={quoteattr(export)}>{host}</source>'
    return (
        f'<disk type="{kind}" device="disk"><driver name="qemu" type="{form}" cache="{cache}" error_policy="stop"/>'
        f'{source}<target dev="{target}" bus="virtio"/></disk>'
    )
