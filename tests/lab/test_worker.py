"""The worker on real hosts: what it leaves alone, what it leaves behind, who may open what."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.commands import run
from tests.lab.conftest import GuestFactory
from tests.lab.host import Host
from tests.lab.process import Process
from tests.lab.product import Product, until


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts, stopped when the test ends."""
    made = Product(lab)
    try:
        yield made
    finally:
        made.stop()


def process_of(product: Product) -> Process:
    """The worker that answers."""
    process = Process.of(product.status()["pid"])
    assert process is not None
    return process


def sessions(host: Host) -> set[Process]:
    """The sshd processes that serve a connection: all but the one that listens."""
    daemons = host.processes("sshd")
    listening = min(daemons, key=lambda process: process.pid)
    return set(daemons) - {listening}


def settled_sessions(host: Host) -> set[Process]:
    """The same once nobody is logging in any more."""
    until(lambda: len(sessions(host)) in {1, 2})
    return sessions(host)


def test_an_edit_touches_no_host_that_stays(lab: Cluster, product: Product) -> None:
    """Its connection is the same one afterwards; that of a host that went is closed, one that came is there."""
    first, second, third = lab.hosts
    text = product.config.read_text()
    without = [entry for entry in text.split("  - name: ") if not entry.startswith(third.name)]
    product.config.write_text("  - name: ".join(without))
    assert {row["name"] for row in product.ls("hosts")} == {first.name, second.name}
    before = settled_sessions(first)
    assert before
    swapped = [entry for entry in text.split("  - name: ") if not entry.startswith(second.name)]
    product.config.write_text("  - name: ".join(swapped))
    until(lambda: {row["name"] for row in product.ls("hosts")} == {first.name, third.name})
    until(lambda: not sessions(second))
    until(lambda: sessions(third))
    assert sessions(first) == before


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_on_a_host(lab: Cluster, product: Product, by: signal.Signals) -> None:
    """However the worker ends, no connection of it stays, and the next one finds its place clean."""
    product.ls("vms")
    worker = process_of(product)
    assert all(sessions(host) for host in lab.hosts)
    worker.signal(by)
    until(lambda: not worker.alive())
    until(lambda: not any(sessions(host) for host in lab.hosts))
    assert [row["link"] for row in product.ls("hosts")] == ["up"] * len(lab.hosts)
    assert process_of(product) != worker


def test_drained_it_ends_with_its_jobs(lab: Cluster, product: Product, guests: GuestFactory) -> None:
    """Asked to stop while a guest shuts down it says so, begins nothing new, and is gone when that is done."""
    slow = guests(lab.host(1), "slow", words={"hang": 1}, agent=False)
    other = guests(lab.host(2), "other")
    product.ls("vms")
    worker = process_of(product)
    assert product.run("do", "shutdown", "name:slow", "--yes").returncode == 0
    until(lambda: product.status()["jobs"] == 1)
    refused = product.run("worker", "stop")
    assert refused.returncode == 3
    assert "slow" in refused.stderr
    assert product.run("worker", "stop", "--drain").returncode == 0
    begun = product.run("do", "shutdown", "name:other", "--yes")
    assert begun.returncode == 3, begun.stdout + begun.stderr
    assert worker.alive()
    slow.destroy()
    until(lambda: not worker.alive())
    assert product.newest_job()["state"] == "done"
    assert other.state().startswith("running")


def test_told_to_stop_it_leaves_what_is_under_way_to_the_next(
    lab: Cluster, product: Product, guests: GuestFactory
) -> None:
    """SIGTERM while a guest ignores its shutdown: a few seconds of grace, then the next worker looks and says."""
    deaf = guests(lab.host(1), "deaf", words={"hang": 1}, agent=False)
    product.ls("vms")
    worker = process_of(product)
    assert product.run("do", "shutdown", "name:deaf", "--yes").returncode == 0
    until(lambda: product.status()["jobs"] == 1)
    worker.signal(signal.SIGTERM)
    until(lambda: not worker.alive())
    until(lambda: product.newest_job()["state"] != "running")
    job = product.newest_job()
    assert (job["subject"], job["done"], job["not_begun"]) == ("deaf", 0, 0)
    assert deaf.state().startswith("running")


def test_the_agent_of_a_client_opens_its_hosts(lab: Cluster, product: Product, tmp_path: Path) -> None:
    """With a locked key the hosts need a human; a client that brings an agent opens them, warm or cold."""
    identity = lab.layout.identity
    kept = identity.read_bytes()
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\necho secret\n")
    askpass.chmod(0o700)
    run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", identity])
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout is not None
            agent.stdout.readline()
            env = {"SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
            run(["ssh-add", "-q", identity], env=env)
            without = product.run("ls", "hosts")
            assert without.returncode == 5
            assert "needs you" in without.stdout + without.stderr
            for _temperature in ("warm", "cold"):
                brought = lab.seat.kvmtui("--config", product.config, "ls", "hosts", env=env)
                assert brought.returncode == 0, brought.stdout + brought.stderr
                product.stop()
        finally:
            agent.kill()
            identity.write_bytes(kept)
