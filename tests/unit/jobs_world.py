"""Hosts with VMs that obey, refuse, dawdle or vanish as told, seen through a real fleet."""

from __future__ import annotations

import asyncio
import enum
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmtui.actions import VERBS, Lane
from kvmtui.config import Config, HostConfig, Limits
from kvmtui.errors import LibvirtError, LinkError, OutcomeUnknownError
from kvmtui.fleet.fleet import Fleet
from kvmtui.hosts.reports import Happened, LinkReport, Listed, Listing
from kvmtui.model.host import LinkState
from kvmtui.model.job import How
from kvmtui.model.seen import Fact, Seen
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from tests.unit.virtual_time import VirtualLoop

EFFECTS: dict[str, VmState | None] = {
    "create": VmState.RUNNING,
    "shutdown": VmState.OFF,
    "reboot": VmState.RUNNING,
    "suspend": VmState.PAUSED,
    "resume": VmState.RUNNING,
    "destroy": VmState.OFF,
    "reset": VmState.RUNNING,
    "managedSave": VmState.SAVED,
    "setAutostart": None,
    "snapshotCreateXML": None,
    "abortJob": None,
    "undefineFlags": None,
}
EVENTS = {
    "create": "started",
    "shutdown": "stopped",
    "reboot": "rebooted",
    "suspend": "paused",
    "resume": "resumed",
    "destroy": "stopped",
    "reset": "rebooted",
    "managedSave": "stopped",
    "undefineFlags": "undefined",
}


class Manner(enum.Enum):
    """What a VM does when it is told something."""

    OBEYS = "at once, with an event"
    QUIETLY = "at once, and the event is lost"
    SLOWLY = "within its patience"
    TOO_LATE = "after its patience is over"
    IGNORES = "nothing"
    REFUSES = "libvirt says no"
    REFUSES_DONE = "it happens, and libvirt says no"
    NOT_SENT = "the link is gone before the call leaves"
    LOST_AFTER = "it happens, and the answer is lost with the link"
    LOST_BEFORE = "it does not happen, and the answer is lost with the link"
    LOST_LATER = "accepted, then the link is lost; it happens meanwhile"
    VANISHES = "accepted, then the VM is gone from its host"


@dataclass
class Machine:
    """One VM of a host."""

    uuid: str
    name: str
    state: VmState
    manner: Manner = Manner.OBEYS
    persistent: bool = True
    exists: bool = True
    autostart: bool = False
    snapshots: tuple[str, ...] = ()
    job: str = ""
    """What libvirt is busy with on it."""
    agent: bool = False
    undone: tuple[str, ...] = ()
    """What of an act is refused while the rest is done."""


@dataclass
class World:
    """All hosts. It outlives a worker that crashes, and remembers every call that reached it."""

    loop: VirtualLoop
    hosts: dict[str, dict[str, Machine]]
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """(host, UUID, call) of every call that was let through, or may have been."""
    crash_at: int | None = None
    """At which await from now on the worker dies."""
    is_dead: bool = False
    down_until: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crashed = asyncio.Event()
        self.buried = threading.Event()
        """After it, threads of the worker that died may end."""
        self.disk = threading.Lock()
        """Held while something is written."""
        self.config = Config(
            name="test",
            hosts=tuple(HostConfig(name=name, uri=f"qemu+ssh://root@{name}/system") for name in self.hosts),
            limits=Limits(per_host=2, overall=8),
            bulk=How(first=0, stop_after=1_000),
            vm_tags={"db": "name~-[0-2]$", "app": "name~-[3-5]$"},
        )
        self.fleet = self._new_fleet()

    @property
    def ranks(self) -> dict[str, int]:
        """UUID -> the rank of its VM, where it goes by the tags db, app."""
        return {uuid: min(int(vm.name[3:]) // 3, 2) for vms in self.hosts.values() for uuid, vm in vms.items()}

    def _new_fleet(self) -> Fleet:
        fleet = Fleet(self.config.hosts, self.loop.clock)
        fleet.apply(self.config)
        return fleet

    def restart(self) -> None:
        """Be there for another worker: it knows nothing yet."""
        self.is_dead, self.crash_at = False, None
        self.crashed, self.buried = asyncio.Event(), threading.Event()
        self.fleet = self._new_fleet()

    async def poll(self) -> None:
        """Report to the fleet what a poller would, every two seconds."""
        while True:
            self.report_links()
            await asyncio.sleep(2.0)

    def report_links(self) -> None:
        """Report which hosts are up, and what those have."""
        for host in self.hosts:
            is_up = self.is_up(host)
            if (self.fleet.hosts[host].link is LinkState.UP) is not is_up:
                self._report_link(host, is_up=is_up)
            if is_up:
                self.list(host)

    def is_up(self, host: str) -> bool:
        """Whether it answers."""
        return self.down_until.get(host, 0.0) <= self.loop.time()

    def list(self, host: str) -> None:
        """Report what a host has."""
        listed = tuple(
            Listed(
                uuid=vm.uuid,
                name=vm.name,
                state=vm.state,
                reason="",
                persistent=vm.persistent,
                autostart=vm.autostart,
                has_snapshot=bool(vm.snapshots),
            )
            for vm in self.hosts[host].values()
            if vm.exists
        )
        self.fleet.reduce(Listing(host=host, at=self.loop.clock(), vms=listed))

    def lose(self, host: str, for_s: float) -> None:
        """Cut a host off."""
        self.down_until[host] = self.loop.time() + for_s
        self._report_link(host, is_up=False)

    def _report_link(self, host: str, *, is_up: bool) -> None:
        state = LinkState.UP if is_up else LinkState.LOST
        self.fleet.reduce(LinkReport(host=host, at=self.loop.clock(), state=state, reason="" if is_up else "no answer"))

    # --- what the engine is given ----------------------------------------------------------------------------------

    async def act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Lane, deadline_s: float
    ) -> tuple[str, ...]:
        await self.point()
        vm = self.hosts[host][uuid]
        if not self.is_up(host) or vm.manner is Manner.NOT_SENT:
            raise LinkError("not sent: the host is lost", LinkState.LOST, where=host, words="no answer")
        self.calls.append((host, uuid, call))
        if vm.manner is Manner.REFUSES:
            raise LibvirtError("operation failed: no", 9, 10, where=host)
        if vm.manner in {Manner.OBEYS, Manner.QUIETLY, Manner.REFUSES_DONE, Manner.LOST_AFTER}:
            self._happen(host, vm, call, args, is_told=vm.manner is Manner.OBEYS)
        await self.point()
        match vm.manner:
            case Manner.REFUSES_DONE:
                raise LibvirtError("Requested operation is not valid", 55, 10, where=host)
            case Manner.LOST_AFTER | Manner.LOST_BEFORE:
                self.lose(host, 40.0)
                raise OutcomeUnknownError(f"the link was lost after {call} had left", where=host, words="reset by peer")
            case Manner.LOST_LATER:
                self.lose(host, 200.0)
                self._happen(host, vm, call, args, is_told=False)
            case Manner.SLOWLY:
                self.loop.call_later(10.0, self._happen, host, vm, call, args)
            case Manner.TOO_LATE:
                self.loop.call_later(1_000.0, self._happen, host, vm, call, args)
            case Manner.VANISHES:
                vm.exists = False
                self.list(host)
            case _:
                pass
        await self.point()
        return vm.undone

    async def look(self, host: str, uuid: str, deadline_s: float = 5.0, facts: frozenset[Fact] = frozenset()) -> Seen:
        await self.point()
        if not self.is_up(host):
            raise LinkError("not sent: the host is lost", LinkState.LOST, where=host)
        vm = self.hosts[host][uuid]
        await self.point()
        if not vm.exists:
            return Seen(at=self.loop.clock(), exists=False, state=VmState.UNKNOWN)
        return Seen(
            at=self.loop.clock(),
            exists=True,
            state=vm.state,
            name=vm.name,
            autostart=vm.autostart if Fact.AUTOSTART in facts else None,
            snapshots=vm.snapshots if Fact.SNAPSHOTS in facts else None,
            job=vm.job if Fact.JOB in facts else None,
            agent=vm.agent if Fact.AGENT in facts else None,
        )

    def _happen(self, host: str, vm: Machine, call: str, args: tuple[int | str, ...], *, is_told: bool = True) -> None:
        vm.state = EFFECTS[call] or vm.state
        match call:
            case "setAutostart":
                vm.autostart = bool(args[0])
            case "snapshotCreateXML":
                vm.snapshots = (*vm.snapshots, str(args[0]))
            case "abortJob":
                vm.job = ""
            case "undefineFlags":
                vm.exists = False
            case _:
                pass
        if vm.state is VmState.OFF and not vm.persistent:
            vm.exists = False
        if is_told and call in EVENTS and self.is_up(host):
            event = Happened(
                host=host, at=self.loop.clock(), uuid=vm.uuid, name=vm.name, kind=EVENTS[call], state=vm.state
            )
            self.fleet.reduce(event)

    # --- dying -----------------------------------------------------------------------------------------------------

    async def point(self) -> None:
        """A place at which the worker may die: nothing in it goes on from here."""
        await asyncio.sleep(0)
        if self.dies():
            self.crashed.set()
        if self.is_dead:
            await asyncio.get_running_loop().create_future()

    def dies(self) -> bool:
        """Whether this is the place."""
        if self.crash_at is not None and not self.is_dead:
            self.crash_at -= 1
            self.is_dead = self.crash_at <= 0
            return self.is_dead
        return False


def machines(
    count: int, state: VmState, manners: list[Manner] | None = None, on: int = 1
) -> dict[str, dict[str, Machine]]:
    """Return ``count`` VMs in ``state`` on ``on`` hosts, in turn."""
    hosts: dict[str, dict[str, Machine]] = {f"kvm{number + 1}": {} for number in range(on)}
    names = list(hosts)
    for number in range(count):
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        manner = manners[number] if manners else Manner.OBEYS
        hosts[names[number % on]][uuid] = Machine(uuid, f"vm-{number}", state, manner)
    return hosts


def machines_for(
    verb: str, count: int, manners: list[Manner] | None = None, on: int = 1
) -> dict[str, dict[str, Machine]]:
    """Return ``count`` VMs to which ``verb`` can be done; one, if it is done to one only."""
    state = next(state for state in (VmState.RUNNING, VmState.PAUSED, VmState.OFF) if state in VERBS[verb].applies)
    hosts = machines(1 if VERBS[verb].one_only else count, state, manners, on)
    for vm in (vm for vms in hosts.values() for vm in vms.values()):
        vm.autostart = verb == "autostart-off"
        vm.job = "migration out, 43 %" if verb == "abort-job" else ""
    return hosts


def given_for(verb: str) -> dict[str, str]:
    """Return what ``verb`` must be given."""
    return {parameter.id: parameter.example for parameter in VERBS[verb].parameters if parameter.is_needed}


assert set(EFFECTS) == {verb.call for verb in VERBS.values()}
