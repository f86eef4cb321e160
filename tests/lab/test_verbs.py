"""Verbs that change more than a state, on real hosts, with virsh as the second opinion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from subprocess import DEVNULL, CompletedProcess
from typing import Any

import pytest

from kvmtui.actions import VERBS
from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory
from tests.lab.guest import Guest
from tests.lab.product import Product, until


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts, stopped when the test ends."""
    made = Product(lab)
    try:
        yield made
    finally:
        made.stop()


def do(product: Product, verb: str, vm: str, *more: str) -> tuple[CompletedProcess[str], dict[str, Any]]:
    """Do a verb and wait; return how it exited, with what it printed."""
    done = product.run("do", verb, f"name:{vm}", "--expect", "1", "--wait", "-o", "json", *more, timeout_s=150)
    return done, json.loads(done.stdout)


def names(guest: Guest) -> list[str]:
    """Return the snapshots of a guest, by virsh."""
    return guest.host.virsh("snapshot-list", guest.uuid, "--name").split()


def is_there(guest: Guest) -> bool:
    """Whether its host has it."""
    return guest.uuid in guest.host.virsh("list", "--all", "--uuid").split()


def test_a_snapshot_is_what_virsh_lists(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Of one that runs with its memory, of one that is off without; a second one of that name is left alone."""
    runs = guests(lab.host(1), "runs", disks=(lab.storage.qcow2("runs", 256),))
    is_off = guests(lab.host(1), "is-off", start=False, disks=(lab.storage.qcow2("is-off"),))
    for vm, memory in ((runs, True), (is_off, False)):
        done, told = do(product, "snapshot", vm.name, "--set", "name=one")
        assert done.returncode == 0, done.stdout + done.stderr
        assert any("memory" in look for look in told["plan"]["looks"])
        assert names(vm) == ["one"]
        xml = vm.host.virsh("snapshot-dumpxml", vm.uuid, "one")
        assert ("<memory snapshot='internal'" in xml) is memory
    assert runs.state().startswith("running")
    done, told = do(product, "snapshot", "runs", "--set", "name=one")
    assert told["steps"][0]["text"] == "left alone: it has a snapshot of that name"
    assert names(runs) == ["one"]


def test_a_snapshot_that_cannot_be_is_refused_in_libvirts_words(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """A raw disk holds none, and nothing is left behind."""
    vm = guests(lab.host(1), "raw", start=False, disks=(lab.storage.shared_file("raw"),))
    done, told = do(product, "snapshot", "raw", "--set", "name=one")
    assert (done.returncode, told["steps"][0]["state"]) == (1, "failed")
    assert "raw" in told["steps"][0]["words"]
    assert names(vm) == []


def test_what_was_saved_goes_on_where_it_was(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Start of a saved VM boots nothing."""
    vm = guests(lab.host(1), "sleeper")
    done, _ = do(product, "save", "sleeper")
    assert done.returncode == 0, done.stdout + done.stderr
    assert vm.state() == "shut off (saved)"
    until(lambda: product.vm("sleeper")["state"] == "saved")
    done, _ = do(product, "start", "sleeper")
    assert done.returncode == 0, done.stdout + done.stderr
    assert vm.state() == "running (restored)"


def test_delete_takes_the_definition_of_that_vm_and_no_disk(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """One of the same name on another host stays, and so does every file; one that runs is refused."""
    disk = lab.storage.qcow2("twin")
    doomed = guests(lab.host(1), "twin", start=False, disks=(disk,))
    stays = guests(lab.host(2), "twin", start=False)
    runs = guests(lab.host(1), "busy", wait=False)
    done = product.run("do", "delete", "name:twin", "--expect", "2", "--wait")
    assert "one VM only" in done.stderr
    assert is_there(doomed)
    done = product.run("do", "delete", "name:twin host:kvm1", "--expect", "1", "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not is_there(doomed)
    assert is_there(stays)
    assert (lab.layout.shared / "twin").exists()
    done, told = do(product, "delete", "busy")
    assert (done.returncode, told["plan"]["skipped"][0]["reason"]) == (3, "not while running")
    assert is_there(runs)


def test_delete_takes_a_disk_where_it_is_named(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Found in its host's storage; the other one stays."""
    disks = (lab.storage.qcow2("goes"), lab.storage.qcow2("stays"))
    lab.host(1).virsh("pool-refresh", "shared")
    vm = guests(lab.host(1), "doomed", start=False, disks=disks)
    done, _ = do(product, "delete", "doomed", "--set", "disks=vda")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not is_there(vm)
    assert not (lab.layout.shared / "goes").exists()
    assert (lab.layout.shared / "stays").exists()


def test_delete_refuses_a_disk_that_another_vm_needs(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """In use by another one, or below the disk of one, or in no pool, or none of its own: nothing at all is done."""
    shared, base = lab.storage.qcow2("common"), lab.storage.qcow2("base")
    lab.seat.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(lab.layout.shared / "base"), "-F", "qcow2",
                 str(lab.layout.shared / "overlay"))  # fmt: skip
    lab.seat.run("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", str(base.path),
                 str(lab.layout.shared / "overlay"))  # fmt: skip
    lab.host(1).virsh("pool-refresh", "shared")
    outside = lab.storage.shared_file("outside")
    vm = guests(lab.host(1), "first", start=False, disks=(shared, base, outside))
    guests(lab.host(1), "second", start=False, disks=(shared,))
    for disk, why in (
        ("vda", "second uses it too"),
        ("vdb", "overlay is built upon it"),
        ("vdc", "no storage pool of this host has"),
        ("vdz", "it has no such disk"),
    ):
        done, told = do(product, "delete", "first", "--set", f"disks={disk}")
        assert (done.returncode, told["steps"][0]["state"]) == (1, "failed")
        assert f"{disk}: {why}" in told["steps"][0]["text"]
        assert is_there(vm)
    assert all((lab.layout.shared / name).exists() for name in ("common", "base", "overlay", "outside"))


def test_snapshots_go_with_a_vm_only_if_that_is_said(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Libvirt refuses; with the word it forgets them."""
    vm = guests(lab.host(1), "kept", start=False, disks=(lab.storage.qcow2("kept"),))
    vm.host.virsh("snapshot-create-as", vm.uuid, "one")
    done, told = do(product, "delete", "kept")
    assert (done.returncode, told["steps"][0]["state"]) == (1, "failed")
    assert "snapshot" in told["steps"][0]["words"]
    assert is_there(vm)
    done, _ = do(product, "delete", "kept", "--set", "forget=snapshots")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not is_there(vm)


def test_a_migration_of_others_is_named_left_alone_and_can_be_aborted(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """By virsh from elsewhere, never converging; aborted, the VM runs where it was."""
    first, second = lab.host(1), lab.host(2)
    vm = guests(first, "mover", words={"dirty": 24})
    product.ls("vms")
    words = ("migrate", "--live", "--bandwidth", "2", vm.uuid, second.uri())
    with lab.seat.popen("virsh", "-c", first.uri(), *words, stdout=DEVNULL, stderr=DEVNULL) as moving:
        try:
            until(lambda: "Unbounded" in first.virsh("domjobinfo", vm.uuid))
            planned = product.run("do", "shutdown", "name:mover", "--dry-run")
            assert "migration out" in planned.stdout
            assert "not by kvmtui" in planned.stdout
            _, told = do(product, "shutdown", "mover host:kvm1")
            assert told["steps"][0]["text"].startswith("left alone: libvirt is busy with it: migration out")
            done, told = do(product, "abort-job", "mover host:kvm1")
            assert done.returncode == 0, done.stdout + done.stderr
            assert moving.wait(timeout=30) != 0
        finally:
            moving.kill()
    assert "None" in first.virsh("domjobinfo", vm.uuid)
    assert vm.state().startswith("running")
    _, told = do(product, "abort-job", "mover host:kvm1")
    assert told["plan"]["skipped"][0]["reason"].startswith("already without a job")


def test_a_guest_without_agent_that_ignores_it_is_told_so(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """The form of failures, with what is there and what can be done next."""
    vm = guests(lab.host(1), "deaf", wait=False, agent=False, memory_mib=16)
    vm.host.virsh("suspend", vm.uuid)
    vm.host.virsh("resume", vm.uuid)
    done = product.run("do", "shutdown", "name:deaf", "--expect", "1", "--wait", timeout_s=180)
    assert done.returncode == 1, done.stdout
    assert "shut down NOT done, still running · why: no reaction to the request for 120 s, no agent" in done.stdout
    assert "F force off" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_virshs_lines_do_the_same(lab: Cluster, product: Product, guests: GuestFactory, verb: str) -> None:
    """What ``v`` shows is taken by a shell and by virsh as it stands, whatever the VM is called."""
    state = next(each for each in ("running", "paused", "shut off") if each in VERBS[verb].applies)
    vm = guests(lab.host(1), "odd $(id) 'name", start=state != "shut off", disks=(lab.storage.qcow2(f"virsh-{verb}"),))
    if state == "paused":
        vm.host.virsh("suspend", vm.uuid)
    if verb == "autostart-off":
        vm.host.virsh("autostart", vm.uuid)
    given = [f"--set={each.id}={each.example}" for each in VERBS[verb].parameters if each.is_needed]
    planned = product.run("do", verb, f"uuid:{vm.uuid}", "--dry-run", "-o", "json", *given)
    lines = json.loads(planned.stdout)["plan"]["virsh"]
    if verb == "abort-job":  # there is none, and so no plan either
        assert lines == []
        return
    done = lab.seat.run("sh", "-c", lines[0], check=False)
    assert done.returncode == 0, done.stderr
