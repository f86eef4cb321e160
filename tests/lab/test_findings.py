"""What is true of real hosts is found, nothing else is; virsh is the second opinion."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvmtui.model.checks import OLD_SNAPSHOT_DAYS
from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory
from tests.lab.guest import Guest
from tests.lab.product import Product, Row, until
from tests.lab.spec import IMAGES_DIR, FileDisk

NOVA = '<metadata><n:instance xmlns:n="http://openstack.org/xmlns/libvirt/nova/1.1"/></metadata>'
USR = IMAGES_DIR / "usr"
EMULATOR = USR / "bin" / "qemu-system-x86_64"
"""A QEMU of the host's own, to be replaced; what it loads it finds from where it stands."""
DAY_S = 86_400


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts, stopped when the test ends."""
    made = Product(lab)
    try:
        yield made
    finally:
        made.stop()


def findings(product: Product, *words: str) -> dict[tuple[str, str], Row]:
    """Return (check, name) -> finding, of all there are."""
    return {(row["check"], row["name"]): row for row in product.ls("findings", *words)}


def replaced(guest: Guest) -> bool:
    """Whether the program of a guest's QEMU was replaced, as /proc has it."""
    return str(Path(f"/proc/{guest.qemu().pid}/exe").readlink()).endswith("(deleted)")


def old_snapshot(guest: Guest, days: int) -> None:
    """Give a guest a snapshot's metadata that is so many days old."""
    file = IMAGES_DIR / "snapshot.xml"
    created = int(time.time()) - days * DAY_S
    guest.host.path(file).write_text(
        f"<domainsnapshot><name>before-upgrade</name><state>shutoff</state><creationTime>{created}</creationTime>"
        f"{guest.host.virsh('dumpxml', guest.uuid)}</domainsnapshot>"
    )
    guest.host.virsh("snapshot-create", guest.uuid, str(file), "--redefine")


def test_exactly_what_is_true_is_found(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """One guest for each check, beside guests of which nothing is to be said."""
    first, second, third = lab.hosts
    first.virsh("autostart", guests(first, "boots").uuid)
    guests(first, "stays-off")
    guests(first, "novas", extra=NOVA)
    cached = guests(second, "cached", start=False, disks=(FileDisk(IMAGES_DIR / "cached.raw", cache="writeback"),))
    guests(second, "plain", start=False, disks=(FileDisk(IMAGES_DIR / "plain.raw"),))
    kept, recent = guests(second, "kept", start=False), guests(second, "recent", start=False)
    old_snapshot(kept, OLD_SNAPSHOT_DAYS + 31)
    old_snapshot(recent, OLD_SNAPSHOT_DAYS - 31)
    fleeting = guests(third, "fleeting")
    third.virsh("undefine", fleeting.uuid)
    twin = guests(first, "twin", start=False)
    guests(third, "twin", start=False, uuid=twin.uuid)
    tagged = guests(third, "tagged")
    third.virsh(
        "metadata", tagged.uuid, "--uri", "kvmtui:tags", "--key", "kvmtui", "--set", "<tags>prod lb</tags>", "--live"
    )
    found = findings(product)
    assert set(found) == {
        ("no-autostart", "kvm1"),
        ("cache-mode", "cached"),
        ("old-snapshot", "kept"),
        ("transient", "fleeting"),
        ("twice-defined", "twin"),
    }, found
    assert found["no-autostart", "kvm1"]["count"] == 1
    shown = product.ls("vms", found["no-autostart", "kvm1"]["filter"])
    assert [row["name"] for row in shown] == ["stays-off"]
    assert "cache='writeback'" in second.virsh("dumpxml", cached.uuid)
    assert "231 days ago: before-upgrade" in found["old-snapshot", "kept"]["text"]
    assert found["twice-defined", "twin"]["count"] == 2
    remedy = found["old-snapshot", "kept"]["remedy"].partition("virsh ")
    lab.seat.run("sh", "-c", remedy[1] + remedy[2])
    assert kept.host.virsh("snapshot-list", kept.uuid, "--name").strip() == "", "it works as it stands"
    rows = {row["name"]: row for row in product.ls("vms")}
    assert rows["novas"]["owner"] == "nova"
    question = product.run("do", "shutdown", "name:novas", "--dry-run").stdout
    assert "destructive" in question
    assert "owned by nova, which may start it again: novas" in question
    assert rows["tagged"]["tags"] == ["prod", "lb"]
    table = product.run("ls", "findings", "check:transient")
    assert table.returncode == 0
    assert "fleeting" in table.stdout


def test_a_qemu_that_was_replaced(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Its program is another file now: the guest that runs on is told, one that was started since is not."""
    host = lab.host(2)
    own = host.path(EMULATOR)
    own.parent.mkdir(parents=True)
    for folder in ("lib", "share"):
        host.path(USR / folder).symlink_to(Path("/usr") / folder)
    try:
        shutil.copy2("/usr/bin/qemu-system-x86_64", own)
        with_own = _emulator(str(EMULATOR))
        runs = guests(host, "runs-old", start=False)
        redefine(runs, with_own)
        runs.start()
        shutil.copy2(own, own.with_suffix(".new"))
        own.with_suffix(".new").rename(own)
        later = guests(host, "runs-new", start=False)
        redefine(later, with_own)
        later.start()
        assert (replaced(runs), replaced(later)) == (True, False)
        found = findings(product)
        assert [key for key in found if key[0] == "old-qemu"] == [("old-qemu", "runs-old")], found
        runs.destroy()
        until(lambda: ("old-qemu", "runs-old") not in findings(product, "--timeout", "0"), 15)
    finally:
        shutil.rmtree(host.path(USR))


def _emulator(path: str) -> str:
    return f"<emulator>{path}</emulator>"


def redefine(guest: Guest, device: str) -> None:
    """Define a guest anew with one device more."""
    file = IMAGES_DIR / "redefined.xml"
    xml = guest.host.virsh("dumpxml", guest.uuid)
    start, end = xml.index("<emulator>"), xml.index("</emulator>") + len("</emulator>")
    guest.host.path(file).write_text(xml[:start] + device + xml[end:])
    guest.host.virsh("define", str(file))


def test_who_may_not_look_says_so(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """A user in the group libvirt sees VMs, not which program they run: that is not known, and so not fine."""
    guests(lab.host(1), "hidden")
    guests(lab.host(2), "seen")
    config = product.config.read_text()
    product.config.write_text(config.replace("root@kvm1", "oper@kvm1").replace("root@kvm3", "noshell@kvm3"))
    guests(lab.host(3), "unseen")
    found = {row["text"] for row in product.ls("findings")}
    assert any("not known on kvm1: this login may not see which program 1 of its QEMUs run" in text for text in found)
    assert any("not known on kvm3: this login may run no command there" in text for text in found)
    assert not any("kvm2" in text for text in found)
