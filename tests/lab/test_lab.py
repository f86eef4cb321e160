"""The lab's own facts: what every other test in this directory builds upon."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster, Record, reap
from tests.lab.commands import LabError, run
from tests.lab.conftest import GuestFactory, TinyFactory
from tests.lab.guest import Guest
from tests.lab.layout import Layout
from tests.lab.process import Process
from tests.lab.seat import Seat

SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2")


@pytest.fixture(scope="module")
def vm(lab: Cluster, module_guests: GuestFactory) -> Guest:
    """A guest with a disk that all hosts reach."""
    return module_guests(lab.host(1), "vm", disks=(lab.storage.nbd("vm"),), vcpus=1, max_vcpus=2)


def test_hosts_are_machines_of_their_own(lab: Cluster, seat: Seat) -> None:
    """Each has its own name, libvirt UUID, host key, users, network; the machine itself sees none of it."""
    names = [seat.run(*SSH, f"root@{host.name}", "hostname").stdout.strip() for host in lab.hosts]
    assert names == ["kvm1", "kvm2", "kvm3"]
    assert len({host.virsh("capabilities").partition("<uuid>")[2][:36] for host in lab.hosts}) == 3
    assert len({host.public_key() for host in lab.hosts}) == 3
    assert lab.host(1).virsh("net-list", "--name").split() == ["lan"]
    assert "198.51.100" not in run(["ip", "-br", "addr"]).stdout
    assert "noshell" not in Path("/etc/passwd").read_text()


def test_users_differ_in_what_they_may(seat: Seat, lab: Cluster) -> None:
    """oper: a shell with libvirt; noshell: libvirt's socket only; visitor: the read-only socket only."""
    seat.run("virsh", "-c", lab.host(1).uri("oper"), "list")
    assert seat.run(*SSH, "noshell@kvm1", "true", check=False).returncode != 0
    assert seat.run("virsh", "-c", lab.host(1).uri("visitor"), "list", check=False).returncode != 0
    assert seat.run("virsh", "-r", "-c", lab.host(1).uri("visitor"), "list", check=False).returncode == 0
    assert lab.host(1).run("id", "-un", user="oper").stdout.strip() == "oper"


def test_guest_is_a_real_linux(vm: Guest) -> None:
    """It boots, its agent answers, its balloon counts, libvirt has figures for disk with network."""
    assert vm.state() == "running (booted)"
    assert isinstance(vm.agent("guest-info"), dict)
    stats = vm.host.virsh("domstats", vm.uuid)
    for field in ("balloon.current", "block.0.wr.bytes", "net.0.rx.bytes", "vcpu.0.time", "balloon.maximum"):
        assert field in stats


def test_live_migration_on_shared_storage(vm: Guest, lab: Cluster, seat: Seat) -> None:
    """A guest on an NBD disk moves without any flag that forces it, and goes on."""
    source, destination = lab.host(1), lab.host(2)
    words = ("virsh", "-c", source.uri(), "migrate", "--live", "--persistent", "--undefinesource", vm.uuid)
    seat.run(*words, destination.uri())
    vm.host = destination
    assert vm.state() == "running (migrated)"
    assert vm.uuid not in source.virsh("list", "--all", "--uuid")
    assert isinstance(vm.agent("guest-info"), dict)


def test_acpi_shutdown_is_heard_unless_ignored(lab: Cluster, guests: GuestFactory, vm: Guest) -> None:
    """A guest goes off by itself when asked; one with hang=1 does not."""
    deaf = guests(lab.host(3), "deaf", words={"hang": 1}, agent=False)
    for guest in (deaf, vm):
        guest.host.virsh("shutdown", guest.uuid, "--mode", "acpi")
    vm.await_state("shut off (shutdown)")
    assert deaf.state().startswith("running")


def test_cable(lab: Cluster, seat: Seat) -> None:
    """A host that is cut does not answer; healed it does."""
    lab.host(2).cut()
    with pytest.raises(LabError):
        seat.run(*SSH, "kvm2", "true", timeout_s=4)
    lab.host(2).heal()
    seat.run(*SSH, "kvm2", "true")


def test_power_cut(lab: Cluster, guests: GuestFactory) -> None:
    """All dies at once; after the boot the guest is known and off."""
    host = lab.host(3)
    guest = guests(host, "victim", wait=False)
    qemu = guest.qemu()
    host.kill()
    assert not host.up
    assert not qemu.alive()
    host.boot()
    assert guest.state().startswith("shut off")


def test_frozen_libvirtd(lab: Cluster) -> None:
    """It answers nothing until it is thawed."""
    lab.host(1).freeze()
    with pytest.raises(LabError):
        lab.host(1).virsh("list", timeout_s=1)
    lab.host(1).thaw()
    lab.host(1).virsh("list", timeout_s=5)


def test_silent_host(lab: Cluster, seat: Seat) -> None:
    """It accepts a connection, then says nothing; mended it does."""
    lab.host(3).mute()
    assert "banner exchange" in seat.run(*SSH, "kvm3", "true", check=False).stderr
    lab.mend()
    seat.run(*SSH, "kvm3", "true")


def test_stuck_qemus(lab: Cluster, tiny: TinyFactory) -> None:
    """A stopped QEMU is still called paused, and its monitor answers nothing."""
    stuck, fine = tiny(lab.host(2), 2)
    stuck.stick()
    assert stuck.state().startswith("paused")
    with pytest.raises(LabError):
        lab.host(2).virsh("qemu-monitor-command", stuck.uuid, '{"execute":"query-status"}', timeout_s=1)
    assert "return" in lab.host(2).virsh("qemu-monitor-command", fine.uuid, '{"execute":"query-status"}')


def _list_through_forwarded_socket(seat: Seat, near: Path) -> int:
    """Exit code of virsh through `ssh -L NEAR:libvirt's socket kvm1`."""
    near.unlink(missing_ok=True)
    forward = (*SSH, "-N", "-L", f"{near}:/run/libvirt/libvirt-sock", "kvm1")
    with seat.popen(*forward, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ssh:
        end = time.monotonic() + 10
        while not near.exists() and time.monotonic() < end:
            time.sleep(0.02)
        done = seat.run("virsh", "-c", f"qemu+unix:///system?socket={near}", "list", check=False)
        ssh.terminate()
    return done.returncode


def test_sshd_options(lab: Cluster, seat: Seat, tmp_path: Path) -> None:
    """An sshd that forwards no sockets; mended it forwards them."""
    lab.host(1).sshd(AllowStreamLocalForwarding="no")
    assert _list_through_forwarded_socket(seat, tmp_path / "s") != 0
    lab.mend()
    assert _list_through_forwarded_socket(seat, tmp_path / "s") == 0


def test_other_host_key(lab: Cluster, seat: Seat) -> None:
    """A reinstalled host shows another key than the known one."""
    lab.host(1).rekey()
    assert "IDENTIFICATION HAS CHANGED" in seat.run(*SSH, "kvm1", "true", check=False).stderr
    lab.mend()
    seat.run(*SSH, "kvm1", "true")


def test_libvirt_elsewhere_or_absent(lab: Cluster, seat: Seat) -> None:
    """Sockets where modular daemons have them, no libvirt at all; mended both are as they were."""
    lab.host(2).start_libvirt(modular=True)
    assert lab.host(2).path("/run/libvirt/virtqemud-sock").is_socket()
    assert not lab.host(2).path("/run/libvirt/libvirt-sock").exists()
    lab.host(2).virsh("list")
    lab.host(3).stop_libvirt()
    assert seat.run("virsh", "-c", lab.host(3).uri(), "list", check=False).returncode != 0
    lab.mend()
    for host in (lab.host(2), lab.host(3)):
        seat.run("virsh", "-c", host.uri(), "list")


def test_slow_link(lab: Cluster, seat: Seat) -> None:
    """Behind the relay a host needs at least the delay's two ways, under its usual name and key."""
    lab.seat.delay(lab.host(2), 100, lab.hosts)
    began = time.monotonic()
    seat.run(*SSH, "kvm2", "true")
    assert time.monotonic() - began > 0.4  # version, keys, login, command: several round trips of 0.2 s
    lab.seat.undelay(lab.hosts)
    assert "198.51.100.12" in seat.run("getent", "hosts", "kvm2").stdout


def test_two_labs_side_by_side(lab: Cluster, seat: Seat) -> None:
    """A second lab shares names and addresses of hosts with the first, and nothing else."""
    other = Cluster(Layout.named(f"{lab.layout.name}b"))
    try:
        other.up(1, owner=Process.of(os.getpid()))
        other.up(1)
        assert other.host(1).address == lab.host(1).address
        assert other.host(1).public_key() != lab.host(1).public_key()
        assert other.seat.run(*SSH, "kvm1", "hostname").stdout == seat.run(*SSH, "kvm1", "hostname").stdout
    finally:
        other.down()
    assert not other.layout.dir.exists()
    assert not other.layout.seat_etc.exists()
    assert not list(Path("/run/netns").glob(f"{other.layout.name}-*"))
    assert all(host.up for host in lab.hosts)


def test_boot_that_fails_is_cleaned_up(lab: Cluster) -> None:
    """A lab that came up by half says why, and goes without a trace."""
    half = Cluster(Layout.named(f"{lab.layout.name}c"))
    try:
        half.up(2, owner=Process.of(os.getpid()))
        half.host(2).kill()
        (half.host(2).dir / "init").write_text("echo no disk; exit 1\n")
        with pytest.raises(LabError, match="kvm2 did not come up: no disk"):
            half.up(2)
    finally:
        half.down()
    assert not list(Path("/run/netns").glob(f"{half.layout.name}-*"))
    assert not half.layout.dir.exists()


def test_lab_of_a_former_boot_is_recovered(lab: Cluster) -> None:
    """What the machine's restart left is cleared away; numbers recorded before it belong to nobody."""
    old = Cluster(Layout.named(f"{lab.layout.name}d"))
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        old.layout.host_dir(1).mkdir(parents=True)
        (old.layout.host_dir(1) / "init.pid").write_text(str(Process.of(bystander.pid)))
        Record(old.layout.name, 1, "another boot", str(Process.of(bystander.pid))).write(old.layout.record)
        assert old.layout.name in reap()
        assert not old.layout.dir.exists()
        old.layout.host_dir(1).mkdir(parents=True)
        Record(old.layout.name, 1, "another boot", "").write(old.layout.record)
        old.up(1, owner=Process.of(os.getpid()))
        assert old.host(1).virsh("list", "--name") == ""
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        old.down()
