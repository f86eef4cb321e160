"""Acts with faults in the middle of them, at random: whatever happens, what kvmtui says is what virsh sees."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from kvmtui.jobs import record
from kvmtui.model.job import ENDED
from tests.lab.cluster import Cluster
from tests.lab.commands import LabError
from tests.lab.conftest import GuestFactory
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.product import Product, until

ROUNDS = 6
SOAK_ROUNDS = 40
SOAK_SEEDS = range(1, 6)
AFTER = {"start": "running", "pause": "paused", "resume": "running", "off": "shut off"}
VERBS_IN = {"running": ("pause", "off"), "paused": ("resume", "off"), "shut off": ("start",)}


class Fault(NamedTuple):
    """Something that goes wrong with a host, or with the worker."""

    name: str
    strike: Callable[[Host, Product], object]
    is_outage: bool = False
    """The host's VMs lose their power with it."""


def _kill_one(host: Host, name: str) -> None:
    for process in host.processes(name):
        process.signal(signal.SIGKILL)


def _freeze_worker(_host: Host, product: Product) -> None:
    pid = product.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(pid, signal.SIGCONT)


FAULTS = (
    Fault("none", lambda _host, _product: None),
    Fault("cable cut", lambda host, _product: host.cut()),
    Fault("libvirtd frozen", lambda host, _product: host.freeze()),
    Fault("libvirtd killed", lambda host, _product: _kill_one(host, "libvirtd")),
    Fault("sshd killed", lambda host, _product: _kill_one(host, "sshd")),
    Fault("sshd mute", lambda host, _product: host.mute()),
    Fault("power lost", lambda host, _product: host.kill(), is_outage=True),
    Fault("worker killed", lambda _host, product: product.kill_worker()),
    Fault("worker frozen", _freeze_worker),
)


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts, stopped when the test ends."""
    made = Product(lab)
    try:
        yield made
    finally:
        made.stop()


def states(lab: Cluster) -> dict[tuple[str, str], str]:
    """Return (host, name) -> state as virsh lists them."""
    return {
        (host.name, line.split(maxsplit=2)[1]): line.split(maxsplit=2)[2]
        for host in lab.hosts
        for line in host.virsh("list", "--all", "--managed-save").splitlines()
    }


def play_round(lab: Cluster, product: Product, guests: list[Guest], dice: random.Random) -> str:
    """Do something to a VM, let a fault strike somewhere in it, undo the fault, compare; return what was tried."""
    guest = dice.choice(guests)
    before = states(lab)[guest.host.name, guest.name]
    verb = dice.choice(VERBS_IN[before])
    fault = dice.choice(FAULTS)
    tried = f"{verb} {guest.name} ({before}) · {fault.name}"
    asked = product.run("do", verb, f"uuid:{guest.uuid}", "--yes", "--expect", "1", "-o", "json")
    assert asked.returncode == 0, f"{tried}: {asked.stdout}{asked.stderr}"
    job_id = product.newest_job()["id"]
    time.sleep(dice.choice((0, 0.05, 0.3, 1)))
    fault.strike(guest.host, product)
    time.sleep(dice.choice((0.5, 4, 9)))
    lab.mend()
    until(lambda: all(row["link"] == "up" for row in product.ls("hosts")), 120)
    until(lambda: state_of(product, job_id) in ENDED, 120)
    until(lambda: agreed(lab, product) is not None, 30)
    said, there = state_of(product, job_id), states(lab)[guest.host.name, guest.name]
    if not fault.is_outage:
        assert said != "done" or there == AFTER[verb], f"{tried}: said done, but it is {there}"
        assert said != "failed" or there != AFTER[verb], f"{tried}: said failed, but it is {there}"
    found = record.verify(next(lab.seat.layout.home.rglob("journal.db")))
    assert found.is_sound, f"{tried}: {found}"
    return f"{tried} · {said}, {there}"


def state_of(product: Product, job_id: str) -> str:
    """Return the state of a job."""
    return next(str(row["state"]) for row in product.ls("jobs") if row["id"] == job_id)


def agreed(lab: Cluster, product: Product) -> dict[tuple[str, str], str] | None:
    """Return the states if kvmtui and virsh say the same of every VM."""
    ours = {(row["host"], row["name"]): row["state"] for row in product.ls("vms")}
    return ours if ours == states(lab) else None


def play(lab: Cluster, product: Product, guests: GuestFactory, seed: int, rounds: int) -> None:
    """Play rounds with two VMs on each of two hosts."""
    dice = random.Random(seed)
    cast = [guests(lab.host(number), f"vm-{number}{letter}", wait=False) for number in (1, 2) for letter in "ab"]
    told: list[str] = []
    for number in range(rounds):
        try:
            told.append(play_round(lab, product, cast, dice))
        except (AssertionError, LabError) as error:
            raise AssertionError(f"seed {seed}, round {number}: {error}\nbefore: " + "\n        ".join(told)) from error
        print(f"seed {seed}, round {number}: {told[-1]}", flush=True)


@pytest.mark.timeout(900)
def test_what_is_said_is_what_is_there(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """A few rounds of one seed."""
    play(lab, product, guests, 0, ROUNDS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_what_is_said_is_what_is_there_for_long(
    lab: Cluster, product: Product, guests: GuestFactory, seed: int
) -> None:
    """Many rounds of several seeds."""
    play(lab, product, guests, seed, SOAK_ROUNDS)
