"""A cluster to play with: a dozen guests in all sorts of states, opened in the console."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab.cluster import Cluster
from tests.lab.guest import Guest, define
from tests.lab.layout import SEAT_ADDRESS, guest_address
from tests.lab.spec import FileDisk, GuestSpec, NbdDisk, stable_uuid


def play(lab: Cluster, *, keep: bool) -> int:
    """Start the lab with its guests, open the console at the operator's seat, take the lab down unless `keep`."""
    try:
        lab.up(3)
        print("the lab's hosts are up; starting its guests", flush=True)
        populate(lab)
        config = write_config(lab)
        console = Path(sys.executable).with_name("kvmtui")
        command = lab.seat.argv([console, "--config", config])
        return subprocess.run(command, env=lab.seat.environment(), check=False).returncode
    finally:
        if keep:
            print(f"the lab {lab.layout.name} stays; down: python -m tests.lab --name {lab.layout.name} down")
        else:
            lab.down()


def write_config(lab: Cluster) -> Path:
    """Write a config of kvmtui that has all hosts of the lab; gives its path."""
    lines = [
        "name: lab",
        "defaults:",
        f"  identity_file: {lab.layout.identity}",
        f"  known_hosts: {lab.layout.known_hosts}",
        "hosts:",
    ]
    for host in lab.hosts:
        lines += [f"  - name: {host.name}", f"    uri: {host.uri()}"]
    config = lab.layout.dir / "config.yaml"
    config.write_text("\n".join(lines) + "\n")
    return config


def populate(lab: Cluster) -> None:
    """Define twelve guests over three hosts and bring each into its state; nothing is done to guests that are there."""
    if any(host.virsh("list", "--all", "--name") for host in lab.hosts):
        return
    first, second, third = lab.hosts[:3]
    web = _spec("web-01", 1, words={"ping": SEAT_ADDRESS}, disks=(lab.storage.nbd("web-01"),))
    full = lab.storage.full_file("build-01", third.path("/"))
    running = [
        define(first, web),
        define(first, _spec("web-02", 2, words={"ping": SEAT_ADDRESS})),
        define(first, _spec("cache-01", 3, words={"dirty": 4, "rest": 1})),
        define(second, _spec("db-01", 4, words={"write": 2}, disks=(lab.storage.nbd("db-01"),), vcpus=2)),
        define(second, _spec("batch-01", 5, words={"busy": 30}, max_vcpus=4)),
        define(second, _spec("stubborn-01", 6, words={"hang": 1}, agent=False, balloon_period_s=None)),
        define(third, _spec("build-01", 7, words={"write": 8}, disks=(full,))),
        define(third, _spec("legacy-01", 8, words={"crash": 1})),
        define(third, _spec("mail-01", 9)),
        define(third, _spec("template-01", 10)),
    ]
    define(second, _spec("web-03", 11))
    define(third, _spec("db-02", 12))
    for guest in running:
        guest.start(wait=False)
    for guest in running:
        guest.await_ready()
    _settle({guest.name: guest for guest in running})


def _settle(guests: dict[str, Guest]) -> None:
    """Bring those that shall not simply run into their state."""
    guests["mail-01"].host.virsh("suspend", "mail-01")
    guests["template-01"].host.virsh("managedsave", "template-01")
    guests["web-01"].host.virsh("autostart", "web-01")
    guests["build-01"].await_state("paused (I/O error)")
    guests["legacy-01"].await_state("crashed")


def _spec(
    name: str,
    number: int,
    *,
    words: dict[str, str | int] | None = None,
    disks: tuple[FileDisk | NbdDisk, ...] = (),
    vcpus: int = 1,
    max_vcpus: int | None = None,
    agent: bool = True,
    balloon_period_s: int | None = 5,
) -> GuestSpec:
    return GuestSpec(
        name,
        vcpus=vcpus,
        max_vcpus=max_vcpus,
        words={"addr": guest_address(number), **(words or {})},
        disks=disks,
        agent=agent,
        balloon_period_s=balloon_period_s,
        uuid=stable_uuid(name),
    )
