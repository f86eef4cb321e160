"""Reads the definitions of a connected host's VMs, one after the other, beside its polls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

from msgspec.structs import replace

from kvmtui.errors import LibvirtError, LinkError
from kvmtui.hosts import definition
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.lane import CallEndedError
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.poller import Poller
from kvmtui.hosts.reports import Listed, Report, Surveyed
from kvmtui.hosts.survey import Survey, Turns

logger = logging.getLogger(__name__)

T = TypeVar("T")

DEADLINE_S = 5.0
NO_WAY_S = 30.0
"""A host that lets no connection be opened for it, or that stuck VMs keep busy, is left alone for so long."""
CHANGING = frozenset({"defined", "metadata", "started", "stopped"})
"""Kinds of events after which another definition may be in force."""


class Surveyor:
    """Who reads them. Belongs to the hosts loop; made for one connect and thrown away with it."""

    def __init__(
        self,
        name: str,
        lanes: Lanes,
        poller: Poller,
        turns: Turns,
        deliver: Callable[[Report], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._lanes = lanes
        self._poller = poller
        self._turns = turns
        self._deliver = deliver
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._survey = Survey()
        self._news = asyncio.Event()

    def listed(self, vms: Iterable[Listed]) -> None:
        """Take in what exists."""
        self._survey.listed(vms, self._loop.time())
        self._news.set()

    def happened(self, uuid: str, kind: str) -> None:
        """Take in an event."""
        if kind in CHANGING:
            self._survey.changed(uuid, self._loop.time())
            self._news.set()

    async def run(self) -> NoReturn:
        """Read whose turn it is, for ever."""
        while True:
            step = self._survey.next(self._loop.time(), self._poller.watched)
            if not isinstance(step, str):
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(step if step < float("inf") else None):
                        await self._news.wait()
                continue
            await asyncio.sleep(self._turns.take(self._loop.time()))
            if self._poller.is_blind or self._poller.held.full:
                await asyncio.sleep(NO_WAY_S)
            else:
                await self._read(step)

    async def _read(self, uuid: str) -> None:
        began, at = self._loop.time(), self._clock()
        try:
            found, why, spent_s = await self._call(lambda conn: definition.read(conn, uuid))
            if found is not None and self._survey.has_snapshot(uuid):
                asked = self._loop.time()
                snapshot = await self._call(lambda conn: definition.oldest_snapshot(conn, uuid))
                found = replace(found, snapshot=snapshot)
                spent_s += self._loop.time() - asked
        except LinkError as error:
            logger.debug("%s: no way to its definitions: %s", self._name, error)
            await asyncio.sleep(NO_WAY_S)
        except (LibvirtError, CallEndedError) as error:
            if isinstance(error, CallEndedError) and error.begun and error.timed_out:
                self._poller.blinded(self._loop.time())  # what only reads waits for no monitor
            self._fail(uuid, began, at, error.words or error.text)
        else:
            if found is None:
                self._fail(uuid, began, at, why)
            else:
                self._survey.took(uuid, began, spent_s, self._poller.pace)
                self._deliver(Surveyed(host=self._name, at=at, vms=(found,)))

    async def _call(self, function: Callable[[Conn], T]) -> T:
        lane = await self._lanes.survey()
        return await lane.call(function, DEADLINE_S)

    def _fail(self, uuid: str, began: float, at: float, why: str) -> None:
        self._survey.failed(uuid, began)
        self._deliver(Surveyed(host=self._name, at=at, vms=(), failed=((uuid, why),)))
