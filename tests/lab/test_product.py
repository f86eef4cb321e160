"""The whole of kvmtui on real hosts, with virsh as the second opinion."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

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


def virsh_states(lab: Cluster) -> dict[tuple[str, str], str]:
    """Return (host, name) -> state of every VM, as virsh lists them."""
    found = {}
    for host in lab.hosts:
        for line in host.virsh("list", "--all", "--managed-save").splitlines():
            _, name, state = line.split(maxsplit=2)
            found[host.name, name] = state
    return found


def our_states(product: Product) -> dict[tuple[str, str], str]:
    """Return the same from ``kvmtui ls vms``."""
    return {(row["host"], row["name"]): row["state"] for row in product.ls("vms")}


def test_list_equals_virsh_in_every_state(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Every state the lab can bring about reads in kvmtui as it reads in virsh."""
    guests(lab.host(1), "runs")
    guests(lab.host(1), "is-off", start=False)
    paused = guests(lab.host(2), "is-paused")
    paused.host.virsh("suspend", paused.uuid)
    saved = guests(lab.host(2), "is-saved")
    saved.host.virsh("managedsave", saved.uuid)
    crashed = guests(lab.host(3), "has-crashed", wait=False, words={"crash": 1})
    crashed.await_state("crashed")
    ours = our_states(product)
    assert set(ours.values()) == {"running", "shut off", "paused", "saved", "crashed"}
    assert ours == virsh_states(lab)


def test_flags_equal_virsh(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Autostart, persistence and snapshots come from bulk lists, and are right."""
    auto = guests(lab.host(1), "auto", start=False)
    auto.host.virsh("autostart", auto.uuid)
    snapped = guests(lab.host(2), "snapped", start=False, disks=(lab.storage.shared_file("snapped"),))
    snapped.host.virsh("snapshot-create-as", snapped.uuid, "one", "--disk-only")
    rows = {row["name"]: row for row in product.ls("vms")}
    assert (rows["auto"]["autostart"], rows["auto"]["has_snapshot"]) == (True, False)
    assert (rows["snapped"]["autostart"], rows["snapped"]["has_snapshot"]) == (False, True)


def test_figures_of_a_running_vm(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """A VM that burns a CPU reads so, its memory is the guest's own, an idle one is idle."""
    guests(lab.host(1), "burner", words={"busy": 100})
    guests(lab.host(2), "idler")
    rows = {row["name"]: row for row in product.ls("vms")}
    assert rows["burner"]["cpu_pct"] > 3 * rows["idler"]["cpu_pct"]
    assert rows["burner"]["vcpus"] == 1
    assert rows["burner"]["mem_max_bytes"] == 128 << 20
    assert 0 < rows["burner"]["mem_used_bytes"] < 128 << 20


BEFORE = {
    "start": "shut off",
    "shutdown": "running",
    "reboot": "running",
    "pause": "running",
    "resume": "paused",
    "off": "running",
    "reset": "running",
    "save": "running",
    "autostart-on": "running",
    "autostart-off": "shut off",
}
AFTER = {
    "start": "running",
    "shutdown": "shut off",
    "reboot": "running",
    "pause": "paused",
    "resume": "running",
    "off": "shut off",
    "reset": "running",
    "save": "shut off (saved)",
    "autostart-on": "running",
    "autostart-off": "shut off",
}


@pytest.mark.parametrize("verb", BEFORE)
def test_the_effect_of_each_verb_is_seen_by_virsh(
    lab: Cluster, product: Product, guests: GuestFactory, verb: str
) -> None:
    """``do VERB --wait`` exits 0 when virsh sees it done, and leaves the neighbour alone."""
    target = guests(lab.host(1), "target", start=BEFORE[verb] != "shut off")
    neighbour = guests(lab.host(1), "target-2", wait=False)
    if BEFORE[verb] == "paused":
        target.host.virsh("suspend", target.uuid)
    if verb == "autostart-off":
        target.host.virsh("autostart", target.uuid)
    boots = target.console().count("guest ready")
    done = product.run("do", verb, "name:target", "--yes", "--expect", "1", "--wait", timeout_s=150)
    assert done.returncode == 0, done.stdout + done.stderr
    assert target.state().startswith(AFTER[verb])
    assert neighbour.state().startswith("running")
    if verb.startswith("autostart"):
        started = [line.split()[1] for line in target.host.virsh("list", "--all", "--autostart").splitlines()]
        assert (target.name in started) is (verb == "autostart-on")
    if verb in {"reboot", "reset"}:
        until(lambda: target.console().count("guest ready") > boots)


def test_a_vm_that_is_already_off_is_skipped_and_said(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """A plan names what it leaves out; nothing left to do is no success."""
    guests(lab.host(1), "sleeper", start=False)
    done = product.run("do", "off", "name:sleeper", "--expect", "1", "--wait")
    assert done.returncode != 0
    assert "already shut off" in done.stdout + done.stderr


def test_a_cut_cable_makes_vms_unknown_and_nothing_else(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """The lost host's VM reads unknown, the others' are as they were; healed, all is well again."""
    guests(lab.host(1), "far-away")
    guests(lab.host(2), "near-by")
    assert our_states(product)["kvm1", "far-away"] == "running"
    lab.host(1).cut()
    until(lambda: product.host(1)["link"] == "lost", 15)
    lost = product.vm("far-away")
    assert (lost["state"], lost["state_reason"]) == ("unknown", "was running")
    assert product.vm("near-by")["state"] == "running"
    assert product.vm("near-by")["age_s"] < 8
    refused = product.run("do", "start", "name:far-away", "--yes")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    listing = product.run("ls", "vms")
    assert listing.returncode == 5
    assert "kvm1" in listing.stderr
    lab.host(1).heal()
    until(lambda: product.vm("far-away")["state"] == "running", 75)


def test_a_frozen_libvirtd_hurts_its_host_only(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """SSH goes on, libvirt is silent: said on that host in words, and it comes back by itself."""
    guests(lab.host(1), "far-away")
    guests(lab.host(2), "near-by")
    assert our_states(product)["kvm1", "far-away"] == "running"
    lab.host(1).freeze()
    until(lambda: product.host(1)["link"] == "no libvirt", 15)
    assert product.host(1)["link_reason"]
    assert product.vm("far-away")["state"] == "unknown"
    assert product.vm("near-by")["state"] == "running"
    lab.host(1).thaw()
    until(lambda: product.vm("far-away")["state"] == "running", 75)


def test_a_host_that_lost_power_comes_back_with_its_vms_off(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """Unknown while it is dark, shut off once it is booted and has said so itself."""
    guests(lab.host(1), "was-here")
    assert our_states(product)["kvm1", "was-here"] == "running"
    lab.host(1).kill()
    until(lambda: product.vm("was-here")["state"] == "unknown", 15)
    lab.host(1).boot()
    until(lambda: product.vm("was-here")["state"] == "shut off", 75)


def test_a_changed_host_key_is_refused_until_a_human_says_so(lab: Cluster, product: Product) -> None:
    """The link says what changed and the remedy; neither a retry nor a bare ``trust`` lets it pass."""
    product.ls("hosts")
    lab.host(1).rekey()
    until(lambda: product.host(1)["link"] == "needs you", 30)
    row = product.host(1)
    assert "CHANGED" in row["link_reason"], row
    lab.host(1).rekey(restore=True)
    product.run("worker", "stop", "--force")
    until(lambda: product.ls("hosts")[0]["link"] == "up", 30)


def test_a_killed_worker_leaves_an_honest_record(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """SIGKILL while a guest ignores its shutdown: the next worker looks, says what is there, does nothing again."""
    deaf = guests(lab.host(1), "deaf", words={"hang": 1}, agent=False)
    accepted = product.run("do", "shutdown", "name:deaf", "--yes", "-o", "json")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    until(lambda: product.newest_job()["state"] == "running")
    product.kill_worker()
    until(lambda: product.newest_job()["state"] != "running", 30)
    job = product.newest_job()
    assert job["subject"] == "deaf"
    assert job["state"] in {"failed", "unknown"}
    assert job["done"] == 0
    assert job["not_begun"] == 0
    assert deaf.state().startswith("running")
    assert product.vm("deaf")["state"] == "running"


def test_a_running_job_outlives_who_asked_for_it(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Without --wait the command returns at once; the job is done all the same."""
    target: Guest = guests(lab.host(1), "target")
    accepted = product.run("do", "shutdown", "name:target", "--yes", "-o", "json")
    assert accepted.returncode == 0
    assert json.loads(accepted.stdout)
    target.await_state("shut off")
    until(lambda: product.newest_job()["state"] == "done")
