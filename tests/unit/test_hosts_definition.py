"""What a VM's definition says: who owns it, its tags, what keeps it where it is; whatever the XML is like."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.definition import SNAPSHOTS_MAX, TAG_MAX, TAGS_MAX, oldest_snapshot, parse, read
from kvmtui.hosts.domain_xml import XML_MAX
from kvmtui.hosts.reports import Definition, OldestSnapshot

U = "00000001-0000-4000-8000-000000000000"
NOVA = (
    '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:name>web</nova:name></nova:instance>'
)
OVIRT = '<ovirt-vm:vm xmlns:ovirt-vm="http://ovirt.org/vm/1.0"/>'
LIBOSINFO = '<l:libosinfo xmlns:l="http://libosinfo.org/xmlns/libvirt/domain/1.0"/>'


def of(metadata: str = "", devices: str = "") -> Definition:
    return parse(f"<domain><metadata>{metadata}</metadata><devices>{devices}</devices></domain>", U)


def tags(text: str) -> tuple[str, ...]:
    return of(f'<kvmtui:tags xmlns:kvmtui="kvmtui:tags">{text}</kvmtui:tags>').tags


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ("", ""),
        (LIBOSINFO, ""),
        (NOVA, "nova"),
        (LIBOSINFO + OVIRT, "oVirt"),
        ('<k:vm xmlns:k="http://kubevirt.io"/>', "KubeVirt"),
        ('<one:vm xmlns:one="http://opennebula.org/xmlns/libvirt/1.0"/>', "OpenNebula"),
        ('<x xmlns="http://evil.example/http://ovirt.org/vm/"/>', ""),
        (f"<app>{NOVA}</app>", ""),
    ],
)
def test_the_owner_is_who_left_its_metadata(metadata: str, owner: str) -> None:
    """By the namespace of what stands right in the metadata; who only looks at VMs is none."""
    assert of(metadata).owner == owner


def test_tags_stand_in_metadata_of_our_own() -> None:
    """Between blanks or commas, each once, as text; another namespace's are not ours."""
    assert tags("prod lb,\n prod") == ("prod", "lb")
    assert tags("<tag>a</tag> <tag>b</tag>") == ("a", "b")
    assert tags("  ,, ") == ()
    assert tags("a\u202eb\x9b") == ("ab\ufffd",)
    assert of('<t:tags xmlns:t="urn:other">prod</t:tags>').tags == ()


def disk(cache: str = "", kind: str = "file", source: str = "file='/x'", more: str = "") -> str:
    mode = f" cache='{cache}'" if cache else ""
    return f"<disk type='{kind}'><driver name='qemu'{mode}/><source {source}/><target dev='vda'/>{more}</disk>"


@pytest.mark.parametrize(
    ("devices", "caches"),
    [
        (disk("writeback"), (("vda", "writeback"),)),
        (disk(), (("vda", "default"),)),
        (disk("unsafe", "block", "dev='/dev/vg/x'"), (("vda", "unsafe"),)),
        (disk("none"), ()),
        (disk("directsync"), ()),
        (disk("writeback", more="<readonly/>"), ()),
        (disk("writeback", more="<shareable/>"), ()),
        (disk("writeback", "network", "protocol='rbd' name='p/x'"), ()),
        (disk("writeback", source=""), ()),
    ],
)
def test_cache_modes_that_matter_to_a_migration(devices: str, caches: tuple[tuple[str, str], ...]) -> None:
    """As libvirt itself goes by them: not what is read-only, shareable, empty or on the network."""
    assert of(devices=devices).caches == caches


def test_devices_of_the_host_pin_a_vm() -> None:
    """A passed-through network card with a stand-in does not."""
    assert of(devices="<hostdev mode='subsystem' type='pci'/>").is_pinned
    assert of(devices="<interface type='hostdev'/>").is_pinned
    assert not of(devices="<interface type='hostdev'><teaming type='transient'/></interface>").is_pinned
    assert not of(devices="<interface type='bridge'/>").is_pinned


HOSTILE = st.text(max_size=200) | st.text(st.sampled_from("<>&'\"[/]\x1b\x9b\u202e \x00"), max_size=60)


@given(HOSTILE, st.integers(0, 3), st.booleans())
def test_no_xml_is_too_hostile(text: str, place: int, is_escaped: bool) -> None:
    """It is read into small values that are safe to show, or refused with a ValueError."""
    word = escape(text) if is_escaped else text
    attribute = quoteattr(text) if is_escaped else f"'{text}'"
    disks = f"<disk><source file={attribute}/><target dev={attribute}/></disk>" * 60
    xml = (
        text,
        f"<domain><metadata><kvmtui:tags xmlns:kvmtui='kvmtui:tags'>{word * 50}</kvmtui:tags></metadata></domain>",
        f"<domain><devices>{disks}</devices></domain>",
        f"<domain><metadata><x xmlns={attribute}/></metadata></domain>",
    )[place]
    try:
        found = parse(xml, U)
    except ValueError:
        return
    assert len(found.tags) <= TAGS_MAX
    assert all(tag and len(tag) <= TAG_MAX and tag.isprintable() for tag in found.tags)
    assert len(set(found.tags)) == len(found.tags)
    assert len(found.caches) <= 32
    assert all(target.isprintable() and len(target) < 256 for target, _ in found.caches)


@pytest.mark.parametrize(
    "xml", ["", "<domain>", "<!DOCTYPE d [<!ENTITY a 'a'>]><domain/>", "<domain>" + " " * XML_MAX + "</domain>"]
)
def test_what_is_no_xml_of_a_vm_is_refused(xml: str) -> None:
    """In words, by who reads it: a lane has no use for exceptions of ours."""
    with pytest.raises(ValueError, match=r"\w"):
        parse(xml, U)
    found = read(Libvirt(xml), U)
    assert found.definition is None
    assert found.why.startswith("its XML cannot be read: ")


class Libvirt:
    """A connection with one VM, which is its own domain and its own snapshots."""

    def __init__(self, xml: str = "<domain/>", *snapshots: str) -> None:
        self.xml = xml
        self.snapshots = snapshots
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return {
            "lookupByUUIDString": lambda _uuid: self,
            "XMLDesc": lambda _flags: self.xml,
            "listAllSnapshots": lambda _flags: [_Snapshot(self, xml) for xml in self.snapshots],
        }[name]


class _Snapshot:
    def __init__(self, libvirt: Libvirt, xml: str) -> None:
        self._libvirt = libvirt
        self._xml = xml

    def getName(self) -> str:  # noqa: N802 - libvirt's name
        return "before\x1b[31m"

    def getXMLDesc(self, _flags: int) -> str:  # noqa: N802 - libvirt's name
        self._libvirt.asked += 1
        return self._xml


def created(at: object) -> str:
    return f"<domainsnapshot><creationTime>{at}</creationTime></domainsnapshot>"


def test_the_oldest_snapshot() -> None:
    """By the time in its XML; one that does not tell is none; of very many a few are asked."""
    told = oldest_snapshot(Libvirt("", created(300), created(200), created("-5"), "<", created(10**15)), U)
    assert told == OldestSnapshot(name="before\ufffd[31m", at=200.0)
    assert oldest_snapshot(Libvirt("", created("soon")), U) is None
    many = Libvirt("", *[created(1)] * 100)
    oldest_snapshot(many, U)
    assert many.asked == SNAPSHOTS_MAX
