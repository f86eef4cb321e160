"""What every libvirt must keep to, whichever driver is behind it; subclasses say which."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import libvirt
import pytest

from kvmtui.errors import LibvirtError
from kvmtui.hosts import definition, events, hypervisor, looking
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.deeds import Act
from kvmtui.hosts.hypervisor import ALL_GROUPS, FREE_GROUPS
from kvmtui.hosts.lane import Lane
from kvmtui.model.vm import ACTIVE, VmState

T = TypeVar("T")
NOBODY = "00000000-0000-0000-0000-000000000000"


class World:
    """A libvirt through a lane, with one persistent VM of the test's own, `vm`, which runs when the test begins."""

    def __init__(self, lane: Lane, vm: str, inbox: events.Inbox, news: asyncio.Event) -> None:
        self.lane = lane
        self.vm = vm
        self._inbox = inbox
        self._news = news
        self._heard: list[events.DomainEvent] = []

    async def ask(self, function: Callable[[Conn], T]) -> T:
        return await self.lane.call(function, 30)

    async def act(self, method: str, *args: int) -> None:
        await self.ask(Act(self.vm, method, args))

    async def state(self) -> tuple[VmState, VmState]:
        """Its state by the listing, then by a look."""
        rows = {row.uuid: row for row in (await self.ask(hypervisor.listing)).vms}
        sight = await self.ask(lambda conn: looking.look(conn, self.vm, 0.0))
        assert (sight.name, sight.reason) == (rows[self.vm].name, rows[self.vm].reason)
        return rows[self.vm].state, sight.state

    async def event(self, kind: str) -> events.DomainEvent:
        """The next event of the VM of this kind; waits for it (the test's time-out bounds that)."""
        while True:
            self._heard += self._inbox.take()
            for number, event in enumerate(self._heard):
                if event.uuid == self.vm and event.kind == kind:
                    del self._heard[: number + 1]
                    return event
            self._news.clear()
            await self._news.wait()


@contextlib.asynccontextmanager
async def world_at(uri: str, vm: str) -> AsyncIterator[World]:
    """A world over this URI, with events."""
    news = asyncio.Event()
    inbox = events.Inbox(asyncio.get_running_loop(), news.set)

    def opener() -> Conn:
        conn = hypervisor.connect(uri)
        events.register(conn, inbox)
        return conn

    lane = Lane("h", opener)
    await lane.open(10)
    try:
        yield World(lane, vm, inbox, news)
    finally:
        await lane.close()


class HypervisorContract:
    """The tests; a subclass gives the fixture `world`."""

    async def test_identify(self, world: World) -> None:
        """Versions are dotted, sizes are what a machine has."""
        facts = await world.ask(hypervisor.identify)
        assert facts.libvirt.count(".") == 2
        assert facts.hypervisor
        assert facts.cpus > 0
        assert facts.mem_total_bytes > 1 << 28

    async def test_every_verb_is_seen_by_listing_look_and_event(self, world: World) -> None:
        """Three ways to know a state, one answer."""
        for method, kind, state in (
            ("suspend", "paused", VmState.PAUSED),
            ("resume", "resumed", VmState.RUNNING),
            ("destroy", "stopped", VmState.OFF),
            ("create", "started", VmState.RUNNING),
        ):
            await world.act(method)
            event = await world.event(kind)
            assert event.state is state
            assert await world.state() == (state, state)

    async def test_saved_is_off_with_an_image(self, world: World) -> None:
        """As virsh calls it; the event alone cannot tell."""
        await world.act("managedSave")
        assert (await world.event("stopped")).detail == "saved"
        assert await world.state() == (VmState.SAVED, VmState.SAVED)
        await world.act("create")
        assert await world.state() == (VmState.RUNNING, VmState.RUNNING)

    async def test_flags(self, world: World) -> None:
        """The listing shows autostart; the VM is persistent, without snapshot."""
        for wanted in (1, 0):
            await world.act("setAutostart", wanted)
            rows = {row.uuid: row for row in (await world.ask(hypervisor.listing)).vms}
            row = rows[world.vm]
            assert (row.autostart, row.persistent, row.has_snapshot) == (bool(wanted), True, False)

    async def test_a_listing_builds_upon_the_one_before(self, world: World) -> None:
        """Nothing changed: the very same VMs. A state changed: everything is read anew, flags too."""
        first = await world.ask(hypervisor.listing)
        again = await world.ask(lambda conn: hypervisor.listing(conn, first))
        assert again.vms is first.vms
        await world.act("setAutostart", 1)
        await world.act("suspend")
        last = await world.ask(lambda conn: hypervisor.listing(conn, first))
        row = next(row for row in last.vms if row.uuid == world.vm)
        assert (row.state, row.autostart) == (VmState.PAUSED, True)

    async def test_samples_are_of_the_active_and_of_the_asked(self, world: World) -> None:
        """In the order of the listing, on which the search for a stuck VM relies."""
        active = [row.uuid for row in (await world.ask(hypervisor.listing)).vms if row.state in ACTIVE]
        everything = await world.ask(lambda conn: hypervisor.sample(conn, None, ALL_GROUPS))
        assert [counters.uuid for counters in everything.vms] == active
        assert all(counters.state in ACTIVE for counters in everything.vms)
        chosen = frozenset(active)
        same = await world.ask(lambda conn: hypervisor.sample(conn, chosen, ALL_GROUPS))
        assert [counters.uuid for counters in same.vms] == active
        one = await world.ask(lambda conn: hypervisor.sample(conn, frozenset({world.vm, NOBODY}), FREE_GROUPS))
        assert [counters.uuid for counters in one.vms] == [world.vm]
        assert one.vms[0].cpu_ns is None
        await world.act("destroy")
        none = await world.ask(lambda conn: hypervisor.sample(conn, frozenset({world.vm}), ALL_GROUPS))
        assert none.vms == ()

    async def test_monitors(self, world: World) -> None:
        """A healthy monitor is well, who is off has none, who is not asked in time is left out."""
        controls = await world.ask(lambda conn: hypervisor.controls(conn, (world.vm, NOBODY), 5))
        control = controls[world.vm]
        assert control is not None
        assert control.state == libvirt.VIR_DOMAIN_CONTROL_OK
        assert controls[NOBODY] is None
        assert await world.ask(lambda conn: hypervisor.controls(conn, (world.vm,), 0)) == {}

    async def test_who_does_not_exist(self, world: World) -> None:
        """A look says so; an act is refused, and had not left."""
        assert not (await world.ask(lambda conn: looking.look(conn, NOBODY, 0.0))).exists
        act = Act(NOBODY, "destroy", ())
        with pytest.raises(LibvirtError) as caught:
            await world.ask(act)
        assert caught.value.code == libvirt.VIR_ERR_NO_DOMAIN
        assert not act.left

    async def test_a_refusal_is_libvirts_own_words(self, world: World) -> None:
        """A VM that runs cannot be started."""
        with pytest.raises(LibvirtError) as caught:
            await world.act("create")
        assert caught.value.code
        assert "running" in caught.value.words
        assert (await world.state())[0] is VmState.RUNNING

    async def test_a_definition_is_read_with_its_metadata(self, world: World) -> None:
        """Tags of our own namespace, as virsh's `metadata` writes them; a change is told by an event; no snapshot."""

        def tag(conn: Conn) -> None:
            domain: Any = conn.lookupByUUIDString(world.vm)
            kind, both = libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt.VIR_DOMAIN_AFFECT_LIVE
            domain.setMetadata(kind, "<tags>prod lb</tags>", "kvmtui", definition.TAGS, both)

        before = await world.ask(lambda conn: definition.read(conn, world.vm))
        assert before.definition is not None
        assert (before.definition.owner, before.definition.tags) == ("", ())
        await world.ask(tag)
        assert (await world.event("metadata")).detail == definition.TAGS
        after = await world.ask(lambda conn: definition.read(conn, world.vm))
        assert after.definition is not None
        assert after.definition.tags == ("prod", "lb")
        assert await world.ask(lambda conn: definition.oldest_snapshot(conn, world.vm)) is None
        with pytest.raises(LibvirtError):
            await world.ask(lambda conn: definition.read(conn, NOBODY))

    async def test_xml_is_safe_to_show(self, world: World) -> None:
        """Line by line, with nothing a terminal obeys."""
        text = await world.ask(lambda conn: hypervisor.xml(conn, world.vm))
        assert world.vm in text
        assert all(line.isprintable() for line in text.split("\n"))
