"""A hundred VMs started by one job, beside virsh in as many lanes with as many starts each."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.bench.figure import Figure
from tests.bench.session import Session
from tests.lab.guest import create_tiny
from tests.lab.play import write_config

if TYPE_CHECKING:
    from tests.lab.cluster import Cluster
    from tests.lab.guest import Guest
    from tests.lab.host import Host

HOSTS = 2
PER_HOST = 50
LANES = (1, 2, 4, 8)
"""Starts under way at once on one host: the fewest and the most that the config lets."""
ROUNDS = 3


def _off(lab: Cluster) -> None:
    """Force all of them off."""
    for host in lab.hosts:
        names = host.virsh("list", "--name").split()
        host.virsh("; ".join(f"destroy {name}" for name in names) or "version", timeout_s=120)


def _virsh(lab: Cluster, made: dict[Host, list[Guest]], lanes: int) -> float:
    """Start them by virsh, ``lanes`` connections a host that each start their share; return the seconds."""
    began = time.monotonic()
    running = []
    for host, guests in made.items():
        uri = f"{host.uri()}?keyfile={lab.layout.identity}"
        for lane in range(lanes):
            words = "; ".join(f"start {guest.name}" for guest in guests[lane::lanes])
            running.append(lab.seat.popen("virsh", "-c", uri, words, stdout=subprocess.DEVNULL))
    for process in running:
        if process.wait(300):
            raise RuntimeError(f"virsh: {process.stderr.read().decode() if process.stderr else ''}")
    return time.monotonic() - began


def _kvmtui(session: Session, lanes: int) -> float:
    """Start them by one job with the same limits; return the seconds."""
    limits = ("--first", "0", "--at-once", str(HOSTS * lanes), "--per-host", str(lanes))
    began = time.monotonic()
    done = session.run("do", "start", "name:bulk*", "--expect", str(HOSTS * PER_HOST), *limits, "--wait", timeout_s=300)
    if done.returncode:
        raise RuntimeError(f"kvmtui: {done.stdout[-500:]}{done.stderr[-500:]}")
    return time.monotonic() - began


def _config(lab: Cluster, home: Path) -> Path:
    """Write a config that lets as many starts be under way as any round wants."""
    wanted = yaml.safe_load(Path(write_config(lab)).read_text(encoding="utf-8"))
    wanted["limits"] = {"per_host": max(LANES), "overall": HOSTS * max(LANES)}
    file = home / "bulk.yaml"
    file.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    return file


def figures(lab: Cluster) -> list[Figure]:
    """Measure in a lab of two hosts: which number of lanes serves virsh best is found first."""
    made = {host: create_tiny(host, PER_HOST, prefix=f"bulk{host.number}", off=True) for host in lab.hosts}
    once = {}
    for lanes in LANES:
        once[lanes] = _virsh(lab, made, lanes)
        _off(lab)
    lanes = min(once, key=lambda number: once[number])
    ours, theirs = [], []
    with Session(["--config", str(_config(lab, lab.layout.home))], lab.seat.environment(), lab.seat.argv) as session:
        session.wait_for_vms(HOSTS * PER_HOST)
        for _ in range(ROUNDS):
            ours.append(_kvmtui(session, lanes))
            _off(lab)
            theirs.append(_virsh(lab, made, lanes))
            _off(lab)
    took, best = statistics.median(ours), statistics.median(theirs)
    tried = ", ".join(f"{number}: {seconds:.1f} s" for number, seconds in once.items())
    return [
        Figure(
            f"{HOSTS * PER_HOST} VMs started on {HOSTS} hosts, {lanes} at a time on each, journal on",
            f"{took:.1f} s ({took / best:.2f} ×)",
            f"virsh, {lanes} connections a host (the best of {tried}): {best:.1f} s",
            "≤ 1.1 ×",
            took <= 1.1 * best,
        )
    ]
