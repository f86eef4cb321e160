"""Times one job of many steps over hosts that answer at once: ``STEPS HOSTS FOLDER``, JSON out."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kvmtui.config import Config, HostConfig, Limits
from kvmtui.fleet.fleet import Fleet
from kvmtui.guard.client import this_process
from kvmtui.hosts.reports import LinkReport, Listed, Listing
from kvmtui.jobs.engine import Engine
from kvmtui.jobs.journal import Journal
from kvmtui.model.host import LinkState
from kvmtui.model.job import AT_ONCE_MAX, ENDED, PER_HOST_MAX, How, JobState
from kvmtui.model.seen import Fact, Seen
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from kvmtui.actions import Lane

VERB = "reboot"
"""libvirt's test driver tells nothing of it: its call having returned is all there is to it."""


class AtOnce:
    """Hosts on which every call returns at once and changes nothing."""

    async def act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Lane, deadline_s: float
    ) -> tuple[str, ...]:
        return ()

    async def look(self, host: str, uuid: str, deadline_s: float = 5.0, facts: frozenset[Fact] = frozenset()) -> Seen:
        return Seen(at=time.time(), exists=True, state=VmState.RUNNING)


def config(hosts: int) -> Config:
    """Return a config of so many hosts of the test driver."""
    names = (f"kvm{number}" for number in range(hosts))
    limits = Limits(per_host=PER_HOST_MAX, overall=AT_ONCE_MAX)
    return Config(
        name="bench", hosts=tuple(HostConfig(name=name, uri="test:///default") for name in names), limits=limits
    )


def list_all(fleet: Fleet, steps: int) -> None:
    """Report all hosts as up, with all their VMs running."""
    hosts = list(fleet.hosts)
    for place, host in enumerate(hosts):
        fleet.reduce(LinkReport(host=host, at=time.time(), state=LinkState.UP))
        vms = tuple(
            Listed(
                uuid=f"00000000-0000-4000-8000-{number:012d}",
                name=f"vm-{number}",
                state=VmState.RUNNING,
                reason="",
                persistent=True,
                autostart=False,
                has_snapshot=False,
            )
            for number in range(place, steps, len(hosts))
        )
        fleet.reduce(Listing(host=host, at=time.time(), vms=vms))


def rss_bytes() -> int:
    """Return the resident memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def measure(steps: int, hosts: int, folder: Path) -> dict[str, float]:
    """Return seconds of the job, seconds of reading the journal anew, bytes of memory a step."""
    settings = config(hosts)
    fleet = Fleet(settings.hosts, time.time)
    fleet.apply(settings)
    list_all(fleet, steps)
    journal = Journal(folder / "journal.db", time.time)
    engine = Engine(journal, AtOnce(), fleet, settings, lambda _: None)
    await engine.recover()
    client = this_process()
    before = rss_bytes()
    plan = engine.plan(VERB, client, everything=True, how=How(first=0, at_once=AT_ONCE_MAX))
    began = time.perf_counter()
    job = await engine.submit(plan.id, plan.phrase, client)
    del plan
    most = 0
    while (now := engine.jobs()[0]).state not in ENDED:
        if now.done > steps * 0.9 and not most:
            most = rss_bytes()
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    assert (now.id, now.state, now.done) == (job.id, JobState.DONE, steps)
    list_all(fleet, steps)
    plan = engine.plan(VERB, client, everything=True, how=How(first=0, at_once=1))
    job = await engine.submit(plan.id, plan.phrase, client)
    await engine.control(job.id, "pause", None, client)
    await engine.close()
    journal = Journal(folder / "journal.db", time.time)
    engine = Engine(journal, AtOnce(), fleet, settings, lambda _: None)
    began = time.perf_counter()
    await engine.recover()
    replay = time.perf_counter() - began
    assert engine.jobs()[0].state in {JobState.WAITING, JobState.RUNNING}
    await engine.close()
    return {"took_s": took, "replay_s": replay, "bytes_a_step": max(0, most - before) / steps}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))))
