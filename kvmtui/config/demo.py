"""The demo fleet: hosts of libvirt's test driver, in files that it reads."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from kvmtui import paths
from kvmtui.config.made import quoted, write
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = 6
VMS = 200
HOSTS_MAX = 1_000
VMS_MAX = 50_000

_SPACE = uuid.UUID("6b766d74-7569-5d65-6d6f-000000000000")
_KINDS = (
    # what a VM is for, share of the fleet, vCPUs, MiB
    ("web", 24, (2, 4), (2048, 4096)),
    ("app", 18, (2, 4, 8), (4096, 8192)),
    ("db", 12, (4, 8, 16), (16384, 32768)),
    ("cache", 10, (2, 4), (8192, 16384)),
    ("worker", 12, (2, 4), (2048, 4096)),
    ("queue", 5, (2,), (4096,)),
    ("mail", 3, (2,), (4096,)),
    ("build", 6, (8, 16), (8192, 16384)),
    ("monitor", 3, (2, 4), (4096, 8192)),
    ("dev", 7, (1, 2), (1024, 2048)),
)
_RUNSTATES = ((1, 166), (5, 24), (3, 4), (6, 1), (7, 1))
"""libvirt's number of a state (running, shut off, paused, crashed, pmsuspended), and how many of 200 VMs are in it."""
_SAVED = 4
"""How many of 200 VMs are saved to disk."""
_DOMAIN = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
<name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu>
<os><type>hvm</type></os>{metadata}
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='{cache}'/>
<source file='/var/lib/libvirt/images/{name}.qcow2'/>
<target dev='vda' bus='virtio'/></disk><interface type='bridge'><mac address='52:54:00:{mac}'/>
<source bridge='br0'/><model type='virtio'/></interface></devices>
{extra}</domain>
"""
_TAGS = "<kvmtui:tags xmlns:kvmtui='kvmtui:tags'>{}</kvmtui:tags>"
_TAGGED = {"web": "lb", "db": "backup", "monitor": "ops"}
"""What a VM is for -> the tag in its definition."""
_NOVA = "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>"
_OWNED = "build"
"""VMs for this belong to nova."""
_CACHED = 9
"""How many of 256 VMs have a cache mode other than none."""
_SNAPSHOT = """<test:domainsnapshot><name>before-upgrade</name><state>shutoff</state>
<creationTime>{at}</creationTime><active>0</active></test:domainsnapshot>
"""
_SNAPSHOTS = 5
"""How many of 256 VMs have a snapshot, made at SNAPSHOT_AT."""
_SNAPSHOT_AT = 1_731_000_000
_NODE = """<node>
<cpu><mhz>2900</mhz><model>x86_64</model><active>{cpus}</active><nodes>2</nodes><sockets>1</sockets>
<cores>{cores}</cores><threads>2</threads></cpu><memory>{memory}</memory>
{domains}</node>
"""


def demo(hosts: int = HOSTS, vms: int = VMS) -> Path:
    """Return the config of a demo fleet of ``hosts`` with ``vms`` in all, the same for everybody.

    The files are below the state directory; the figures come from hosts.synthetic, as ``demo: true`` in the config
    says. Raises UsageError for sizes that cannot be, WorkerError if the state directory cannot be used.
    """
    if not 1 <= hosts <= HOSTS_MAX or not 0 <= vms <= VMS_MAX:
        raise UsageError(f"a demo fleet has 1 to {HOSTS_MAX:,} hosts, 0 to {VMS_MAX:,} VMs in all")
    folder = paths.state_home() / "demo" / f"{hosts}x{vms}"
    dice = random.Random(f"{hosts} {vms}")
    placed: list[list[str]] = [[] for _ in range(hosts)]
    for domain in _domains(vms, dice):
        placed[dice.randrange(hosts)].append(domain)
    lines = ["# written by kvmtui demo", 'name: "demo"', "demo: true", "hosts:"]
    for number, domains in enumerate(placed, 1):
        cpus = dice.choice((32, 48, 64))
        node = _NODE.format(
            cpus=cpus, cores=cpus // 4, memory=dice.choice((256, 384, 512)) << 20, domains="".join(domains)
        )
        file = write(folder / f"kvm{number}.xml", node)
        lines += [f"  - name: kvm{number}", f"    uri: {quoted(_uri(file))}"]
    return write(folder / "config.yaml", "\n".join(lines) + "\n")


def _uri(file: Path) -> str:
    from kvmtui.hosts.uri import HostUri, format_uri

    return format_uri(HostUri(driver="test", transport="test", path=str(file)))


def _domains(count: int, dice: random.Random) -> list[str]:
    names: dict[str, int] = {}
    kinds = dice.choices(_KINDS, [share for _, share, _, _ in _KINDS], k=count)
    states = dice.choices([state for state, _ in _RUNSTATES], [share for _, share in _RUNSTATES], k=count)
    written = []
    for (kind, _, vcpus, memory), state in zip(kinds, states, strict=True):
        names[kind] = names.get(kind, 0) + 1
        name = f"{kind}-{names[kind]:02d}"
        ident = uuid.uuid5(_SPACE, name)
        saved = state == 5 and dice.random() < _SAVED / 24
        extra = f"<test:runstate>{state}</test:runstate>"
        if ident.bytes[1] < _SNAPSHOTS:
            extra += _SNAPSHOT.format(at=_SNAPSHOT_AT)
        if saved:
            extra += "<test:hasmanagedsave>1</test:hasmanagedsave>"
        written.append(
            _DOMAIN.format(
                name=name,
                uuid=ident,
                memory=dice.choice(memory),
                vcpus=dice.choice(vcpus),
                mac=":".join(f"{part:02x}" for part in ident.bytes[:3]),
                extra=extra,
                metadata=_metadata(kind),
                cache="writeback" if ident.bytes[0] < _CACHED else "none",
            )
        )
    return written


def _metadata(kind: str) -> str:
    said = _TAGS.format(_TAGGED[kind]) if kind in _TAGGED else ""
    said += _NOVA if kind == _OWNED else ""
    return f"<metadata>{said}</metadata>" if said else ""
