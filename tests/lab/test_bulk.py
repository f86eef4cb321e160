"""A bulk with a fault in the middle of it: afterwards virsh, journal, audit record agree about each of its VMs."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.cluster import Cluster
from tests.lab.conftest import TinyFactory
from tests.lab.product import Product, until

ROUNDS = 20
PER_HOST = 6
LATEST_S = 1.5
"""A bulk takes about so long: a fault strikes before."""


class Bulk(NamedTuple):
    """What a fault may strike."""

    lab: Cluster
    product: Product
    console: subprocess.Popen[bytes]


def _kill_libvirt(bulk: Bulk) -> None:
    for daemon in bulk.lab.host(1).processes("libvirtd"):
        daemon.signal(signal.SIGKILL)


FAULTS: dict[str, Callable[[Bulk], None]] = {
    "console": lambda bulk: bulk.console.kill(),
    "worker": lambda bulk: bulk.product.kill_worker(),
    "libvirtd": _kill_libvirt,
    "host": lambda bulk: bulk.lab.host(1).kill(),
}


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts with an empty journal, stopped when the test ends."""
    made = Product(lab)
    made.forget()
    try:
        yield made
    finally:
        made.stop()


def strike(lab: Cluster, product: Product, tiny: TinyFactory, fault: str, after_s: float) -> None:
    """Start a dozen VMs on two hosts, let a fault strike ``after_s`` later, mend it, wait until all is plain."""
    made = {each.uuid: each for number in (1, 2) for each in tiny(lab.host(number), PER_HOST, off=True)}
    product.ls("vms")
    kvmtui = Path(sys.executable).with_name("kvmtui")
    start = ("do", "start", "name:tiny*", "--expect", str(len(made)), "--wait")
    with lab.seat.popen(kvmtui, "--config", product.config, *start, stdout=subprocess.DEVNULL) as console:
        until(lambda: product.ls("jobs") or console.poll() is not None)
        time.sleep(after_s)
        FAULTS[fault](Bulk(lab, product, console))
        lab.mend()
        until(lambda: all(row["link"] == "up" for row in product.ls("hosts")), 120)
        job = product.settled_job()
        console.kill()
    phases: dict[int, list[str]] = defaultdict(list)
    for record in product.records():
        if record["phase"] in {"intent", "outcome", "verified"}:
            phases[record.get("step", 0)].append(record["phase"])
    steps = product.steps()
    assert len(steps) == job["total"] == len(made)
    for number, uuid, state in steps:
        is_running = made[uuid].state().startswith("running")
        had_power = fault != "host" or made[uuid].host.name != lab.host(1).name
        if state in {"not begun", "skipped"}:
            assert "intent" not in phases[number] or state == "skipped"
            assert not is_running
        else:
            begun = phases[number].count("intent")
            assert state in {"done", "failed"}
            assert begun == phases[number].count("outcome")
            assert begun == 1 or (begun == 0 and state == "failed")  # its host was lost already
            assert (state == "done") is is_running or (not had_power and not is_running)
    counts = {state: sum(each == state for _, _, each in steps) for state in ("done", "failed", "not begun")}
    assert counts == {"done": job["done"], "failed": job["failed"], "not begun": job["not_begun"]}
    assert fault != "console" or job["state"] == "done"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_bulk_leaves_nothing_open(lab: Cluster, product: Product, tiny: TinyFactory, fault: str) -> None:
    """Every step is done, failed or not begun, as virsh sees it; nothing is begun twice; the rest waits for a human."""
    strike(lab, product, tiny, fault, 0.3)


@pytest.mark.soak
@pytest.mark.parametrize("dice", range(ROUNDS))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_time_in_a_bulk_leaves_nothing_open(
    lab: Cluster, product: Product, tiny: TinyFactory, fault: str, dice: int
) -> None:
    """Twenty times each, whenever it hits."""
    strike(lab, product, tiny, fault, random.Random(dice).uniform(0.0, LATEST_S))
