"""A fleet with a past, told to the real worker: what pictures are taken of.

Fleet, windows, gate, plans, jobs, the line are the worker's own; only what hosts would say is written here, so that
everything looks the same each time. Time stands still where the story ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from kvmtui import config as configs
from kvmtui.guard.client import ClientId
from kvmtui.hosts.hypervisor import Facts, Size
from kvmtui.hosts.pool import HostPool
from kvmtui.hosts.reports import Happened, Identity, LinkReport, Listed, Listing, Report, Sampling
from kvmtui.hosts.synthetic import EPOCH, Synthetic
from kvmtui.jobs.tell import PERIOD_S
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from kvmtui.paths import WorkerPaths
from kvmtui.wire.listener import Listener
from kvmtui.worker.agents import Agents
from kvmtui.worker.handover import Handover
from kvmtui.worker.life import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from kvmtui.actions import Lane
    from kvmtui.hosts.reports import Counters

END = 1_763_608_351.0
"""03:12:31 UTC, when somebody is woken."""
TOLD_S = 900
ROUND_S = 10
LOST_S = 125
"""How long kvm7 has been lost."""
GIB = 1 << 30

CONFIG = """\
name: prod
vm_tags: {db: "name~^db-", lb: "name~^web-0[12]$"}
defaults:
  uri: qemu+ssh://root@{name}/system
hosts:
  - {name: kvm1, tags: [prod]}
  - {name: kvm2, tags: [prod]}
  - {name: kvm3, tags: [prod], guard: careful}
  - {name: kvm4, tags: [prod]}
  - {name: kvm5, tags: [staging]}
  - {name: kvm6, tags: [staging]}
  - {name: kvm7, tags: [prod]}
  - {name: kvm8, tags: [staging]}
"""
HOSTS = {"kvm1": 32, "kvm2": 32, "kvm3": 48, "kvm4": 32, "kvm5": 16, "kvm6": 16, "kvm7": 32}
"""Hosts that were up at the beginning, and their CPUs."""
KINDS = (("web", 16, 4, 4), ("app", 20, 2, 8), ("db", 8, 8, 32), ("cache", 8, 2, 16), ("queue", 4, 2, 4),
         ("mail", 2, 2, 4), ("build", 6, 8, 16), ("ci", 6, 4, 8))  # fmt: skip
"""Kind of VM, how many, vCPUs, GiB."""
IS_OFF = frozenset({"build-03", "build-05", "ci-04", "app-17"})

DOMAIN = """\
<domain type='kvm' id='{number}'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='GiB'>{gib}</memory>
  <vcpu placement='static'>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
  </os>
  <cpu mode='host-model'/>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/srv/vm/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:{mac}'/>
      <source bridge='br0'/>
      <target dev='vnet{number}'/>
      <model type='virtio'/>
    </interface>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


class _Vm(NamedTuple):
    host: str
    name: str
    uuid: str
    size: Size
    up_s: float
    """How long it had been running when the story ends."""

    def listed(self, state: VmState, reason: str = "") -> Listed:
        return Listed(
            uuid=self.uuid, name=self.name, state=state, reason=reason, persistent=True, autostart=True,
            has_snapshot=False,
        )  # fmt: skip

    @property
    def at_rest(self) -> Listed:
        """How it was before anything happened."""
        return self.listed(VmState.OFF)


def _vms() -> list[_Vm]:
    dice = random.Random(7)
    made = []
    for kind, count, vcpus, gib in KINDS:
        for number in range(1, count + 1):
            name = f"{kind}-{number:02d}"
            host = "kvm3" if name in {"db-01", "db-02"} else dice.choice(list(HOSTS))
            ident = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.invalid"))
            made.append(
                _Vm(host, name, ident, Size(vcpus, gib * GIB), dice.choice((2, 20, 90)) * 36_000 * dice.random())
            )
    return made


class _Teller:
    """Says what hosts would say."""

    def __init__(self) -> None:
        self.vms = _vms()
        self._figures = {host: Synthetic() for host in HOSTS}
        self._now = {vm.uuid: vm.at_rest for vm in self.vms}

    def story(self) -> Iterator[Report]:
        """Return all reports in their order."""
        begin = END - 40 * 86_400
        for host, cpus in HOSTS.items():
            self._figures[host].learn({vm.uuid: vm.size for vm in self._on(host)})
            yield LinkReport(host=host, at=begin, state=LinkState.UP)
            yield Identity(
                host=host, at=begin, libvirt="9.0.0", hypervisor="QEMU 7.2.22", host_uuid=host, cpus=cpus,
                mem_total_bytes=cpus * 8 * GIB,
            )  # fmt: skip
            yield self._listing(host, begin)
        yield LinkReport(
            host="kvm8", at=END - 5_400, state=LinkState.NEEDS_YOU, reason="its host key is unknown",
            remedy="kvmtui trust kvm8",
        )  # fmt: skip
        for vm in sorted(self.vms, key=lambda vm: -vm.up_s):
            if vm.name not in IS_OFF:
                yield self._happened(vm, END - vm.up_s - TOLD_S - 60, "started", "booted", VmState.RUNNING)
        for age in range(TOLD_S, -1, -ROUND_S):
            yield from self._round(float(age))

    def _round(self, age: float) -> Iterator[Report]:
        if age == 240:
            full = next(vm for vm in self.vms if vm.name == "db-02")
            yield Happened(
                host=full.host, at=END - age, uuid=full.uuid, name=full.name, kind="ioerror",
                detail="virtio-disk0 enospc /srv/vm/db-02.qcow2",
            )  # fmt: skip
            yield self._happened(full, END - age, "paused", "I/O error", VmState.PAUSED)
        for host, cpus in HOSTS.items():
            if host == "kvm7" and age < LOST_S:
                if age + ROUND_S >= LOST_S:
                    yield LinkReport(
                        host=host, at=END - LOST_S, state=LinkState.LOST, reason="no answer",
                        remedy="is the host up, and the network on the way to it?",
                    )  # fmt: skip
                continue
            at = END - age
            listed = [self._now[vm.uuid] for vm in self._on(host)]
            facts = Facts("9.0.0", "QEMU 7.2.22", host, cpus, cpus * 8 * GIB)
            yield self._listing(host, at)
            names = {vm.uuid: vm.name for vm in listed}
            counted = self._figures[host].counters(listed, None, at)
            yield Sampling(host=host, at=at, vms=tuple(_with_trouble(each, names[each.uuid], at) for each in counted))
            yield self._figures[host].vitals(host, facts, listed, at)

    def _on(self, host: str) -> list[_Vm]:
        return [vm for vm in self.vms if vm.host == host]

    def _listing(self, host: str, at: float) -> Listing:
        return Listing(host=host, at=at, vms=tuple(self._now[vm.uuid] for vm in self._on(host)))

    def _happened(self, vm: _Vm, at: float, kind: str, why: str, state: VmState) -> Happened:
        self._now[vm.uuid] = vm.listed(state, why)
        return Happened(host=vm.host, at=at, uuid=vm.uuid, name=vm.name, kind=kind, detail=why, state=state)


def _with_trouble(counters: Counters, name: str, at: float) -> Counters:
    """Return what a VM counts, with what goes wrong in some of them."""
    if name == "cache-01" and counters.mem_available_bytes is not None:
        return replace(counters, mem_usable_bytes=counters.mem_available_bytes // 50)
    if name == "web-05":
        return replace(counters, delay_ns=int((at - EPOCH) * 0.3e9 * (counters.vcpus or 1)))
    return counters


class Clock:
    """Stands where it was put."""

    def __init__(self) -> None:
        self.now = END

    def __call__(self) -> float:
        return self.now


class _Told(Handover):
    """Tells the story first, each report at its own time."""

    def __init__(self, story: Iterator[Report], clock: Clock) -> None:
        super().__init__()
        self.is_over = asyncio.Event()
        self._story = story
        self._clock = clock

    def connect(
        self, loop: asyncio.AbstractEventLoop, take: Callable[[Report], None], taken: Callable[[], None]
    ) -> None:
        for report in self._story:
            self._clock.now = report.at
            take(report)
        self._clock.now = END
        super().connect(loop, take, taken)
        self.is_over.set()


class _Pool(HostPool):
    """Hosts that have said all they will say. What they are asked to do they accept, and then nothing happens."""

    vms: dict[str, _Vm]

    async def act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Lane, deadline_s: float
    ) -> tuple[str, ...]:
        """It has left, and was taken."""
        return ()

    async def xml(self, host: str, uuid: str, deadline_s: float = 5.0) -> str:
        number, vm = next((number, vm) for number, vm in enumerate(self.vms.values()) if vm.uuid == uuid)
        return DOMAIN.format(
            number=number, name=vm.name, uuid=uuid, gib=vm.size.mem_bytes // GIB, vcpus=vm.size.vcpus,
            mac=":".join((uuid[0:2], uuid[2:4], uuid[4:6])),
        )  # fmt: skip


def _places(folder: Path) -> WorkerPaths:
    folder.chmod(0o700)
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    return WorkerPaths(config, folder, folder / "sock")


@contextlib.asynccontextmanager
async def worker(folder: Path) -> AsyncIterator[WorkerPaths]:
    """A worker in this loop that was told the story, listening in ``folder``."""
    paths = _places(folder)
    config = configs.load(paths.config)
    clock, teller = Clock(), _Teller()
    told = _Told(teller.story(), clock)
    pool = _Pool(config, paths.relays, folder / "known_hosts", told.deliver, clock)
    pool.vms = {vm.uuid: vm for vm in teller.vms}
    agents = Agents(pool.offer_agents, clock)
    it = Worker(paths, config, pool, agents, idle_s=None, file_limit=1 << 20, clock=clock)
    living = asyncio.create_task(it.live(Listener(paths.socket), told))
    try:
        await told.is_over.wait()
        clock.now = END - 40
        patient = next(vm for vm in teller.vms if vm.name == "app-09")
        client = ClientId("admin", 0, 1, read_only=False, origin="")
        plan = it.engine.plan("shutdown", client, targets=((patient.host, patient.uuid),))
        await it.engine.submit(plan.id, plan.phrase, client)
        while it.running_jobs()[0].not_begun:  # noqa: ASYNC110 - what is waited for cannot tell
            await asyncio.sleep(0.01)
        await asyncio.sleep(3 * PERIOD_S)  # until its announcements are over: the first console hears no more of them
        clock.now = END
        yield paths
    finally:
        it.stop("the pictures are taken", force=True)
        await living
