"""What another operator does to a host or its VMs is told as it happened."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory
from tests.lab.product import Product, until


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker that has never seen the hosts, stopped when the test ends."""
    made = Product(lab)
    made.forget()
    try:
        yield made
    finally:
        made.stop()


def told(product: Product, *words: str) -> list[tuple[str, str]]:
    """Return kind and words of the events that match, the oldest first."""
    return [(row["kind"], row["text"]) for row in reversed(product.ls("events", *words))]


def test_what_another_operator_does_is_told_in_its_order(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Start, pause, resume, power off with virsh, then libvirtd is killed and comes back."""
    host, guest = lab.host(1), guests(lab.host(1), "watched", start=False)
    bystander = guests(host, "bystander", wait=False)
    product.ls("vms")
    assert told(product, "name:watched") == [], "what was there at first contact is no event"
    guest.start(wait=False)
    for act in ("suspend", "resume", "destroy"):
        host.virsh(act, guest.uuid)
    until(lambda: told(product, "name:watched kind:stopped"))
    (kind, start), *others = told(product, "name:watched")
    assert (kind, start.partition(":")[0]) == ("started", "shut off → running")
    assert others == [
        ("paused", "running → paused: user"),
        ("resumed", "paused → running: unpaused"),
        ("stopped", "running → shut off: destroyed"),
    ]
    for process in host.processes("libvirtd"):
        process.signal(signal.SIGKILL)
    until(lambda: told(product, "name:kvm1", "kind:link-lost,no-libvirt"))
    lab.mend()
    until(lambda: product.host(1)["link"] == "up", 75)
    links = told(product, "name:kvm1", "kind:link-up,link-lost,no-libvirt")
    assert (links[0][0], links[-1][0]) == ("link up", "link up")
    assert links[1][1].endswith("1 running VM out of sight")
    assert links[-1][1].startswith("answers again, after ")
    assert told(product, "name:bystander") == [], "its host's loss is the host's event"
    assert bystander.state().startswith("running")


def test_a_live_migration_by_somebody_else_is_one_event(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """With the source's definition removed, as most do it."""
    first, second = lab.host(1), lab.host(2)
    guest = guests(first, "mover")
    product.ls("vms")
    moved = lab.seat.run(
        "virsh", "-c", first.uri(), "migrate", "--live", "--persistent", "--undefinesource", guest.uuid, second.uri(),
        timeout_s=60,
    )  # fmt: skip
    assert moved.returncode == 0, moved.stderr
    until(lambda: told(product, "name:mover kind:moved"))
    until(lambda: product.vm("mover")["host"] == second.name and len(product.ls("vms", "name:mover")) == 1)
    assert [event for event in told(product, "name:mover") if event[0] not in {"defined", "undefined"}] == [
        ("moved", "kvm1 → kvm2")
    ]
    (event,) = product.ls("events", "name:mover", "kind:moved")
    assert (event["host"], event["uuid"]) == (second.name, guest.uuid)
