"""A lane hands out values, ends every call in time, keeps libvirt's objects to itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

import libvirt
import pytest

from kvmtui.actions import VERBS, Verb
from kvmtui.errors import LibvirtError
from kvmtui.hosts import deeds, events, hypervisor, looking
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.lane import CallEndedError, Lane
from kvmtui.model.vm import VmState

DEFAULT = "test:///default"
SOON_S = 0.05


@contextlib.asynccontextmanager
async def lane_to(uri: str = DEFAULT) -> AsyncIterator[Lane]:
    lane = Lane("h", lambda: hypervisor.connect(uri))
    await lane.open(5)
    try:
        yield lane
    finally:
        await lane.close()


class SilentLibvirt:
    """A socket that accepts and never answers, as a frozen libvirtd has; `cut` ends what it accepted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s"
        self._ends: list[asyncio.BaseTransport] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        ends = self._ends

        class End(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                ends.append(transport)

        self._server = await loop.create_unix_server(End, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        for end in self._ends:
            assert isinstance(end, asyncio.Transport)
            end.abort()

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.path}"


def libvirts_objects() -> list[object]:
    gc.collect()
    kinds = (libvirt.virDomain, libvirt.virConnect, libvirt.libvirtError)
    return [found for found in gc.get_objects() if isinstance(found, kinds)]


async def lanes_end() -> None:
    """Wait until the threads of all lanes have ended (the test's time-out bounds that)."""
    for thread in threading.enumerate():
        if thread.name.startswith("lane-"):
            await asyncio.to_thread(thread.join)


async def test_values_come_out_errors_are_words() -> None:
    """What libvirt refuses arrives as code, domain and words, without anything of libvirt's behind it."""

    def refused(conn: Conn) -> None:
        held = [conn.lookupByUUIDString(row.uuid) for row in hypervisor.listing(conn).vms]
        conn.lookupByUUIDString("00000000-0000-0000-0000-000000000000")
        held.clear()

    async with lane_to() as lane:
        listing = await lane.call(hypervisor.listing, 5)
        assert [vm.name for vm in listing.vms] == ["test"]
        with pytest.raises(LibvirtError) as caught:
            await lane.call(refused, 5)
        assert (caught.value.code, caught.value.where) == (libvirt.VIR_ERR_NO_DOMAIN, "h")
        assert caught.value.words == "Domain not found"
        assert caught.value.__cause__ is None
        assert not any(isinstance(found, libvirt.virDomain | libvirt.libvirtError) for found in libvirts_objects())
    assert libvirts_objects() == []


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.id)
async def test_libvirt_itself_refuses_every_act_where_it_was_opened_read_only(verb: Verb) -> None:
    """``access: ro`` does not rest on our gate alone; looking goes on."""
    lane = Lane("h", lambda: hypervisor.connect(DEFAULT, read_only=True))
    async with lane_to() as other:  # test:///default is one host for both
        (row,) = (await other.call(hypervisor.listing, 5)).vms
        if VmState.RUNNING not in verb.applies:
            await other.call(deeds.Act(row.uuid, "destroy", ()), 5)
        await lane.open(5)
        try:
            with pytest.raises(LibvirtError) as caught:
                await lane.call(deeds.Act(row.uuid, verb.call, verb.args or ("",) * len(verb.parameters)), 5)
            assert caught.value.code == libvirt.VIR_ERR_OPERATION_DENIED
            assert [vm.uuid for vm in (await lane.call(hypervisor.listing, 5)).vms] == [row.uuid]
        finally:
            await lane.close()


async def test_nothing_of_libvirts_survives_its_lane() -> None:
    """Events registered, domains listed, errors raised: when the lane has ended, its connection is really closed."""
    inbox = events.Inbox(asyncio.get_running_loop(), lambda: None)

    def busy(conn: Conn) -> int:
        events.register(conn, inbox)
        for row in hypervisor.listing(conn).vms:
            looking.look(conn, row.uuid, 0.0)
            hypervisor.xml(conn, row.uuid)
        return len(hypervisor.sample(conn, None, hypervisor.ALL_GROUPS).vms)

    async with lane_to() as lane:
        assert await lane.call(busy, 5) == 1
    assert libvirts_objects() == []


async def test_a_libvirt_that_never_answers_ends_at_the_deadline(tmp_path: Path) -> None:
    """open() on it would hang for ever; cutting its socket ends it, thread and all."""
    async with SilentLibvirt(tmp_path) as silent:
        lane = Lane("h", lambda: hypervisor.connect(silent.uri), silent.cut)
        with pytest.raises(CallEndedError) as caught:
            await lane.open(SOON_S)
        assert caught.value.begun
        assert caught.value.timed_out
        assert not lane.alive
        await lanes_end()


async def test_a_call_that_was_cut_is_over_and_so_is_its_lane() -> None:
    """Its late result is thrown away; later calls are not sent at all."""
    stuck = threading.Event()
    lane = Lane("h", lambda: hypervisor.connect(DEFAULT), stuck.set)
    await lane.open(5)
    with pytest.raises(CallEndedError) as caught:
        await lane.call(lambda _conn: stuck.wait(30), SOON_S)
    assert caught.value.timed_out
    with pytest.raises(CallEndedError) as refused:
        await lane.call(hypervisor.listing, 5)
    assert not refused.value.begun


async def test_one_call_at_a_time_and_a_call_that_waited_too_long_is_not_sent() -> None:
    """Who only waited for its turn has done nothing, and does the other one no harm."""
    going, go_on = threading.Event(), threading.Event()

    def slow(_conn: Conn) -> str:
        going.set()
        go_on.wait(30)
        return "done"

    async with lane_to() as lane:
        first = asyncio.create_task(lane.call(slow, 30))
        await asyncio.to_thread(going.wait)
        with pytest.raises(CallEndedError) as caught:
            await lane.call(hypervisor.listing, SOON_S)
        assert not caught.value.begun
        assert lane.alive
        go_on.set()
        assert await first == "done"
        assert (await lane.call(hypervisor.listing, 5)).vms


async def test_a_call_that_nobody_waits_for_any_more_is_cut() -> None:
    """Cancelling the caller ends the call itself, not only the waiting."""
    stuck, going = threading.Event(), threading.Event()

    def wait(_conn: Conn) -> None:
        going.set()
        stuck.wait(30)

    lane = Lane("h", lambda: hypervisor.connect(DEFAULT), stuck.set)
    await lane.open(5)
    caller = asyncio.create_task(lane.call(wait, 30))
    await asyncio.to_thread(going.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert stuck.is_set()
    assert not lane.alive


@pytest.mark.parametrize("left", [True, False])
async def test_an_act_tells_whether_it_had_left(left: bool) -> None:
    """Only from the call itself on may something have happened: a VM that is not found was never touched."""
    async with lane_to() as lane:
        uuid = (await lane.call(hypervisor.listing, 5)).vms[0].uuid if left else "0" * 32
        act = deeds.Act(uuid, "create", ())  # it runs already: refused
        with pytest.raises(LibvirtError):
            await lane.call(act, 5)
        assert act.left is left


async def test_a_mistake_of_ours_does_not_end_the_lane(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged as text, without frames that hold domains, and the next call goes on."""

    def wrong(conn: Conn) -> None:
        domain = conn.listAllDomains(0)[0]
        raise KeyError(domain.name())

    async with lane_to() as lane:
        with pytest.raises(Exception, match="an error inside kvmtui"):
            await lane.call(wrong, 5)
        assert "KeyError" in caplog.text
        assert all(record.exc_info is None for record in caplog.records)
        assert (await lane.call(hypervisor.listing, 5)).vms


def put(count: int) -> Callable[[events.Inbox], None]:
    def fill(inbox: events.Inbox) -> None:
        for number in range(count):
            inbox.put(events.DomainEvent(str(number), "a\x1b[2J", "paused", "", None))

    return fill


async def test_an_inbox_is_bounded_and_says_what_it_dropped() -> None:
    """A flood of events costs neither memory nor the order of those that were kept, and wakes the loop once."""
    woken: list[int] = []
    inbox = events.Inbox(asyncio.get_running_loop(), lambda: woken.append(1))
    await asyncio.to_thread(put(events.INBOX_MAX + 7), inbox)
    taken = inbox.take()
    assert [event.uuid for event in taken] == [str(number) for number in range(events.INBOX_MAX)]
    assert (inbox.dropped, len(woken)) == (7, 1)
    assert "\x1b" not in taken[0].name
    await asyncio.to_thread(put(1), inbox)
    await asyncio.sleep(0)
    assert len(inbox.take()) == 1
    assert len(woken) == 2
