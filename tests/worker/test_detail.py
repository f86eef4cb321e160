"""A VM's XML: what libvirt writes is read, what nobody should write is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.errors import LibvirtError
from kvmtui.fleet.detail import parse
from kvmtui.hosts.domain_xml import XML_MAX
from kvmtui.model.vm import Disk, Nic, Vm, VmState

VM = Vm(host="kvm1", uuid="u", name="web", state=VmState.RUNNING)

XML = """<domain type='kvm' id='3'>
  <name>web</name><title>the\x9b31m web</title><description>one
two</description>
  <maxMemory slots='4' unit='GiB'>8</maxMemory><memory unit='KiB'>2097152</memory>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader></os>
  <cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Server</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>
      <source file='/images/web.qcow2'/><target dev='vda' bus='virtio'/><shareable/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='rbd' name='pool/web'><host name='ceph1' port='6789'/></source>
      <target dev='vdb' bus='scsi'/></disk>
    <disk type='volume' device='cdrom'><source pool='iso' volume='cd.iso'/>
      <target dev='sda' bus='sata'/><readonly/></disk>
    <disk type='file' device='floppy'><target dev='fda'/></disk>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='vnet0'/>
      <model type='virtio'/><link state='down'/></interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
    <tpm model='tpm-crb'><backend type='emulator'/></tpm>
  </devices>
</domain>"""


def test_what_libvirt_writes_is_read() -> None:
    """Memory with its unit, disks of every kind, interfaces, the rest a line each; nothing a terminal would obey."""
    detail = parse(XML, VM)
    assert detail.vm is VM
    assert detail.title == "the\ufffd31m web"
    assert detail.description == "one two"
    assert detail.machine == "pc-q35-7.2 x86_64 kvm"
    assert detail.cpu_model == "custom Skylake-Server"
    assert detail.firmware == "efi /usr/share/OVMF/OVMF_CODE.fd"
    assert detail.memory_max_bytes == 8 << 30
    assert detail.disks == (
        Disk(target="vda", bus="virtio", source="/images/web.qcow2", format="qcow2", cache="none", shareable=True),
        Disk(target="vdb", bus="scsi", source="rbd ceph1:6789 pool/web", format="raw"),
        Disk(target="sda", device="cdrom", bus="sata", source="iso/cd.iso", readonly=True),
        Disk(target="fda", device="floppy"),
    )
    assert detail.nics == (Nic(mac="52:54:00:00:00:01", source="br0", model="virtio", target="vnet0", link_up=False),)
    assert detail.others == ("channel unix org.qemu.guest_agent.0 connected", "tpm tpm-crb")
    assert detail.xml.splitlines()[0] == "<domain type='kvm' id='3'>"
    assert "    <emulator>" in detail.xml
    assert "\x9b" not in detail.xml


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<domain>",
        "not XML at all",
        "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><domain><title>&b;</title></domain>",
        "<domain>" + " " * XML_MAX + "</domain>",
        "<domain>\x00</domain>",
    ],
)
def test_what_is_no_xml_of_a_vm_is_refused(xml: str) -> None:
    """In words, with the host it came from."""
    with pytest.raises(LibvirtError) as told:
        parse(xml, VM)
    assert told.value.where == "kvm1"
    assert "cannot be read" in told.value.words


def test_a_domain_of_nothing_is_empty() -> None:
    """Whatever is missing reads as not there."""
    detail = parse("<domain/>", VM)
    assert (detail.machine, detail.cpu_model, detail.firmware, detail.memory_max_bytes) == ("", "", "BIOS", None)
    assert (detail.disks, detail.nics, detail.others) == ((), (), ())


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="<&'\x00"), max_size=60))
def test_foreign_text_is_made_safe_wherever_it_stands(text: str) -> None:
    """Attributes, elements, the XML itself: no control character, no bidi mark comes through."""
    xml = f"<domain><title>{text}</title><devices><disk><target dev='{text}'/></disk></devices></domain>"
    try:
        detail = parse(xml, VM)
    except LibvirtError:
        return
    for shown in (detail.title, detail.disks[0].target, *detail.xml.splitlines()):
        assert not any(
            character < " " or "\x7f" <= character <= "\x9f" or character in "\u202e\u2066" for character in shown
        )
