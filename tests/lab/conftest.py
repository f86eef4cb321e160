"""Fixtures on a real cluster, for the tests in this directory, which may break what they like.

    lab      session   Cluster of three hosts, kvm1..kvm3: lab.host(2).cut(), .kill(), .freeze(), .rekey(), lab.storage
    seat     session   the operator's seat: seat.run("virsh", ...), seat.kvmtui("ls", "vms"), seat.python(code), .popen
    guests   function  factory: guests(host, "web-01", words={"dirty": 24}) gives a Guest that is started and ready;
                       start=False leaves it off, wait=False does not wait for its kernel; the rest is GuestSpec's
    module_guests      the same for the tests of one module
    tiny     function  factory: tiny(host, 25) gives that many paused guests of 16 MiB, each a QEMU that can be stuck

`lab.host(1).virsh("list", "--all")` is the second opinion on everything, run inside the host. After each test that used
the lab every fault is undone by `lab.mend()`, its guests are removed, and programs it left at the seat are ended: the
next test finds a healthy lab with nothing in it but what its module's fixtures made.

Without root or Debian's packages the lab's tests are skipped with one line; where CI=true they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol, Unpack

import pytest

from tests.lab import guest
from tests.lab.cluster import Cluster, obstacle, reap
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.layout import Layout
from tests.lab.process import Process, end_all, in_network
from tests.lab.seat import Seat
from tests.lab.spec import GuestSpec, SpecFields


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once why the lab's tests were skipped."""
    why = obstacle()
    if why and any(why in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.write_line(f"tests of the lab were skipped: {why}")


class GuestFactory(Protocol):
    """Defines a guest that is removed when the factory's scope ends."""

    def __call__(
        self, host: Host, name: str, *, start: bool = True, wait: bool = True, **fields: Unpack[SpecFields]
    ) -> Guest: ...


class TinyFactory(Protocol):
    """Creates paused guests, or such that are off, which are removed when the test ends."""

    def __call__(self, host: Host, count: int, *, off: bool = False) -> list[Guest]: ...


@pytest.fixture(scope="session")
def lab() -> Iterator[Cluster]:
    """A cluster of three hosts, this process's own."""
    if why := obstacle():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    reap()
    cluster = Cluster(Layout.named(f"t{os.getpid()}"))
    try:
        cluster.up(3, owner=Process.of(os.getpid()))
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def seat(lab: Cluster) -> Seat:
    """The operator's seat of the lab."""
    return lab.seat


@pytest.fixture(autouse=True)
def _healthy_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo the faults of a test, end what it left at the seat."""
    if "lab" not in request.fixturenames:
        yield
        return
    cluster: Cluster = request.getfixturevalue("lab")
    before = set(in_network(cluster.layout.seat))
    yield
    end_all(process for process in in_network(cluster.layout.seat) if process not in before)
    cluster.mend()


def _factory(cluster: Cluster) -> Iterator[GuestFactory]:
    made: list[Guest] = []

    def make(host: Host, name: str, *, start: bool = True, wait: bool = True, **fields: Unpack[SpecFields]) -> Guest:
        new = guest.define(host, GuestSpec(name, **fields))
        made.append(new)
        return new.start(wait=wait) if start else new

    yield make
    _remove(cluster, made)


def _remove(cluster: Cluster, made: list[Guest]) -> None:
    """Remove guests from every host: they may have moved, or be on more than one."""
    if not made:
        return
    cluster.mend()
    for host in cluster.hosts:
        there = host.virsh("list", "--all", "--uuid").split()
        for old in made:
            if old.uuid in there:
                Guest(host, old.name, old.uuid).remove()


@pytest.fixture
def guests(lab: Cluster) -> Iterator[GuestFactory]:
    """Makes guests for one test."""
    yield from _factory(lab)


@pytest.fixture(scope="module")
def module_guests(lab: Cluster) -> Iterator[GuestFactory]:
    """Makes guests for the tests of one module."""
    yield from _factory(lab)


@pytest.fixture
def tiny(lab: Cluster) -> Iterator[TinyFactory]:
    """Makes paused guests in numbers for one test."""
    made: list[Guest] = []

    def make(host: Host, count: int, *, off: bool = False) -> list[Guest]:
        made.extend(guest.create_tiny(host, count, prefix=f"tiny{len(made)}", off=off))
        return made[-count:]

    yield make
    _remove(lab, made)
