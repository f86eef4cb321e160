"""Jobs on real hosts: frozen libvirts, cut cables, lost answers; afterwards virsh, journal, audit record agree."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.lab import guest
from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory
from tests.lab.product import Product, until


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts with an empty journal, stopped when the test ends."""
    made = Product(lab)
    made.forget()
    try:
        yield made
    finally:
        made.stop()


def test_an_event_that_is_lost_with_the_link_is_found_by_looking(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """The guest goes off while the cable is cut; healed, the job says so."""
    deaf = guests(lab.host(1), "deaf", words={"hang": 1}, agent=False)
    accepted = product.run("do", "shutdown", "name:deaf", "--yes")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    until(lambda: product.newest_job()["state"] == "running")
    time.sleep(1)
    lab.host(1).cut()
    until(lambda: product.host(1)["link"] == "lost", 15)
    deaf.destroy()
    lab.host(1).heal()
    assert product.settled_job()["state"] == "done"


def test_an_act_whose_answer_is_lost_is_unknown_until_it_is_looked_at(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """The cable is cut while QEMU's monitor holds the call; healed, the job says what virsh sees. Never repeated."""
    target = guests(lab.host(1), "target", agent=False)
    product.ls("vms")
    target.stick()
    accepted = product.run("do", "shutdown", "name:target", "--yes")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    until(lambda: any(record["phase"] == "intent" for record in product.records()))
    time.sleep(3)
    lab.host(1).cut()
    until(lambda: product.newest_job()["state"] != "running", 60)
    assert product.newest_job()["state"] == "unknown", product.newest_job()["text"]
    assert "do NOT repeat it" in product.newest_job()["text"]
    target.unstick()
    target.await_state("shut off")
    lab.host(1).heal()
    assert product.settled_job()["state"] == "done"
    told = [(record["phase"], record.get("outcome")) for record in product.records() if "step" in record]
    assert told == [("intent", None), ("outcome", "unknown"), ("verified", "done")]


def test_an_act_on_a_frozen_libvirt_is_not_sent(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """It stays where it was asked for, and what is said is what virsh sees."""
    target = guests(lab.host(1), "target", wait=False)
    product.ls("vms")
    lab.host(1).freeze()
    done = product.run("do", "off", "name:target", "--expect", "1", "--wait", timeout_s=90)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT begun" in done.stdout + done.stderr
    lab.host(1).thaw()
    assert target.state().startswith("running")


def test_a_vm_that_may_run_on_a_lost_host_is_not_started(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Its twin on another host stays off: while the first runs, and while nobody knows."""
    first = guests(lab.host(1), "twin", wait=False)
    xml = first.host.virsh("dumpxml", "--inactive", first.uuid)
    second = guest.define_xml(lab.host(2), "twin", first.uuid, xml)
    refused = product.run("do", "start", "name:twin host:kvm2", "--yes")
    assert (refused.returncode, "is running on kvm1" in refused.stdout + refused.stderr) == (3, True)
    lab.host(1).cut()
    until(lambda: product.host(1)["link"] == "lost", 15)
    refused = product.run("do", "start", "name:twin host:kvm2", "--yes")
    assert (refused.returncode, "may still run on kvm1" in refused.stdout + refused.stderr) == (3, True)
    assert second.state().startswith("shut off")


def test_force_off_does_not_wait_behind_guests_that_ignore(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """All places for slow acts on the host are taken; what is forced off goes by a lane of its own."""
    deaf = [guests(lab.host(1), f"deaf-{number}", words={"hang": 1}, agent=False) for number in range(2)]
    accepted = product.run("do", "shutdown", "name:deaf-*", "--expect", "2", "--first", "0")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    until(lambda: {row["job"] for row in product.ls("vms", "name:deaf-*", "--timeout", "0")} == {"shutdown"})
    forced = product.run("do", "off", "name:deaf-0", "--expect", "1", "--wait", timeout_s=30)
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert deaf[0].state().startswith("shut off")
    assert deaf[1].state().startswith("running")


def test_a_damaged_journal_stops_acts_and_nothing_else(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Watching goes on; the refusal says what to do, and once it is done acts go on too."""
    target = guests(lab.host(1), "target", wait=False)
    product.ls("vms")
    product.stop()
    path = product.journal
    path.write_bytes(b"no longer a journal" * 500)
    assert [row["state"] for row in product.ls("vms", "name:target")] == ["running"]
    refused = product.run("do", "off", "name:target", "--expect", "1", "--wait")
    assert refused.returncode not in {0, 4}
    assert f"mv {path} {path}.kept-" in refused.stdout + refused.stderr
    assert product.status()["journal"]
    assert target.state().startswith("running")
    path.rename(path.with_name("journal.db.kept"))
    done = product.run("do", "off", "name:target", "--expect", "1", "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    assert target.state().startswith("shut off")
    assert product.records()[0]["text"].endswith("kept beside it: journal.db.kept")
