"""The connections to one host's libvirt: one that polls, one for control, one that surveys, some for actions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NoReturn

import libvirt

from kvmtui.errors import LibvirtError, LinkError
from kvmtui.hosts import hypervisor
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.contract import Link
from kvmtui.hosts.lane import CallEndedError, Lane, leave
from kvmtui.hosts.relay import Relay
from kvmtui.hosts.uri import HostUri, format_uri
from kvmtui.model.host import LinkState

OPEN_S = 8.0
"""Deadline of a first connection: seven round trips."""
REOPEN_S = 2.5
"""Deadline of a further one, to a host that answered a moment ago; and of the way there."""
SWEEP_S = 10.0
IDLE_S = 60.0
"""A connection other than the one that polls is closed after so long without a call."""

_UNWELCOME = frozenset(
    {
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        libvirt.VIR_ERR_ACCESS_DENIED,
    }
)


class Lanes:
    """The lanes of one host, as long as its link lasts. Belongs to the hosts loop.

    The test driver runs in this process, and each connection to it is a world of its own: there one lane serves all.
    """

    def __init__(
        self, where: str, uri: HostUri, link: Link | None, folder: Path, *, read_only: bool, per_host: int
    ) -> None:
        """``link`` is connected, or None for the test driver; ``folder`` is for relays; at most ``per_host`` lanes
        carry actions."""
        self._where = where
        self._uri = uri
        self._link = link
        self._folder = folder
        self._read_only = read_only
        self._loop = asyncio.get_running_loop()
        self._only: Lane | None = None
        self._control: Lane | None = None
        self._opening_control = asyncio.Lock()
        self._survey: Lane | None = None
        self._idle_actions: list[Lane] = []
        self._actions = asyncio.Semaphore(per_host)
        self._all: set[Lane] = set()
        self._past_cpu_s = 0.0
        self._over = False

    async def open_poll(self, prepare: Callable[[Conn], None], *, first: bool) -> Lane:
        """Open the lane that polls, with keep-alive; ``prepare`` runs first in it.

        Raises LinkError: LOST if there is no way to the host, NO_LIBVIRT if its libvirt does not answer, NEEDS_YOU if
        it refuses us.
        """

        def opener(uri: str) -> Conn:
            conn = hypervisor.connect(uri, read_only=self._read_only, keep_alive=self._link is not None)
            try:
                prepare(conn)
            except libvirt.libvirtError:
                leave(conn)
                raise
            return conn

        lane = await self._open(opener, OPEN_S, None) if first else await self._open(opener)
        if self._link is None:
            self._only = lane
        return lane

    @contextlib.asynccontextmanager
    async def control(self) -> AsyncIterator[Lane]:
        """The lane for control, opened when it is wanted. Raises LinkError."""
        if self._only is not None:
            yield self._only
            return
        async with self._opening_control:
            if self._control is None or not self._control.alive:
                self._control = await self._open(self._connect)
            lane = self._control
            lane.used = self._loop.time()
        yield lane

    @contextlib.asynccontextmanager
    async def action(self, until: float) -> AsyncIterator[Lane]:
        """A lane for one action, this caller's alone; waits ``until`` (the loop's time) for one. Raises LinkError."""
        if self._only is not None:
            yield self._only
            return
        try:
            async with asyncio.timeout_at(until):
                await self._actions.acquire()
        except TimeoutError:
            text = "not sent: other acts on this host did not end in time"
            raise LinkError(text, LinkState.UP, where=self._where) from None
        try:
            while self._idle_actions and not self._idle_actions[-1].alive:
                self._idle_actions.pop()
            lane = self._idle_actions.pop() if self._idle_actions else await self._open(self._connect)
            try:
                yield lane
            finally:
                if lane.alive:
                    self._idle_actions.append(lane)
        finally:
            self._actions.release()

    async def survey(self) -> Lane:
        """The lane that reads definitions, opened when it is wanted; for one caller. Raises LinkError."""
        if self._only is not None:
            return self._only
        if self._survey is None or not self._survey.alive:
            self._survey = await self._open(self._connect)
        return self._survey

    async def keep_swept(self) -> NoReturn:
        """Sweep now and then, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.sweep()

    async def sweep(self) -> None:
        """Close what has been idle for IDLE_S, forget what is over."""
        before = self._loop.time() - IDLE_S
        idle = [lane for lane in self._idle_actions if lane.used < before]
        self._idle_actions = [lane for lane in self._idle_actions if lane.used >= before]
        if self._control is not None and not self._control.busy and self._control.used < before:
            idle.append(self._control)
            self._control = None
        if self._survey is not None and not self._survey.busy and self._survey.used < before:
            idle.append(self._survey)
            self._survey = None
        for lane in idle:
            await lane.close()
        for lane in [lane for lane in self._all if not lane.alive]:
            self._all.discard(lane)
            self._past_cpu_s += lane.cpu_s

    @property
    def cpu_s(self) -> float:
        """CPU time that the calls of all lanes took in this process, ever."""
        return self._past_cpu_s + sum(lane.cpu_s for lane in self._all)

    def cut(self) -> None:
        """End every lane now."""
        self._over = True
        for lane in self._all:
            lane.cut()

    async def close(self) -> None:
        """End every lane: in good order where that is quick, the others now."""
        self._over = True
        for lane in [lane for lane in self._all if lane.busy]:
            lane.cut()
        await asyncio.gather(*(lane.close() for lane in self._all))

    def _connect(self, uri: str) -> Conn:
        return hypervisor.connect(uri, read_only=self._read_only)

    async def _open(
        self, opener: Callable[[str], Conn], deadline_s: float = REOPEN_S, way_deadline_s: float | None = REOPEN_S
    ) -> Lane:
        """Open a lane; ``way_deadline_s`` None leaves the way to libvirt's socket to the link's own deadlines."""
        if self._over:
            raise LinkError("the link is lost", LinkState.LOST, where=self._where)
        relay = None
        uri = format_uri(self._uri)
        if self._link is not None:
            relay = Relay(self._link.open_libvirt, self._folder, read_only=self._read_only, scope=self._uri.scope)
            try:
                async with asyncio.timeout(way_deadline_s):
                    await relay.open()
            except TimeoutError:
                raise LinkError("no answer", LinkState.LOST, where=self._where) from None
            uri = relay.uri
        lane = Lane(self._where, lambda: opener(uri), relay.cut if relay is not None else None)
        self._all.add(lane)
        lane.used = self._loop.time()
        try:
            await lane.open(deadline_s)
        except (LibvirtError, CallEndedError) as error:
            raise (relay and relay.error) or self._why_not(error) from None
        if self._over:
            lane.cut()
            raise LinkError("the link is lost", LinkState.LOST, where=self._where)
        return lane

    def _why_not(self, error: LibvirtError | CallEndedError) -> LinkError:
        if isinstance(error, CallEndedError):
            text = "libvirt does not answer" if error.timed_out else "libvirt has closed the connection"
            state, remedy = LinkState.NO_LIBVIRT, ""
        elif error.code in _UNWELCOME:
            text, state = "libvirt refuses this user", LinkState.NEEDS_YOU
            remedy = "put the user into the host's group libvirt, or use access: ro"
        else:
            text, state, remedy = "libvirt cannot be opened", LinkState.NO_LIBVIRT, ""
        return LinkError(text, state, where=self._where, words=error.words, remedy=remedy)
