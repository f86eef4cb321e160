"""The last known fleet, kept in its file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kvmtui.fleet import saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kvmtui.fleet.fleet import Fleet

PERIOD_S = 30.0
SLICE_S = 0.005
"""How long it collects before the loop does other things."""


class Memory:
    """Writes the fleet down when it has changed, every PERIOD_S and at the end."""

    def __init__(self, path: Path | None, fleet: Fleet, clock: Callable[[], float]) -> None:
        """``path`` None: nothing is kept, nothing recalled."""
        self._path = path
        self._fleet = fleet
        self._clock = clock
        self._written = self._revision()
        self._writing = asyncio.Lock()

    def recall(self, started: float) -> None:
        """Put what an earlier worker knew into the fleet, which is watched from ``started`` on."""
        found = None if self._path is None else saved.read(self._path, self._clock())
        if found is not None:
            self._fleet.restore(found)
        self._fleet.watched_from(started, None if found is None else found.at)
        self._written = self._revision()

    async def keep(self) -> None:
        """Write it down, if something has changed: in small pieces, the disk waited for in another thread."""
        path = self._path
        if path is None:
            return
        async with self._writing:
            revision = self._revision()
            if revision == self._written:
                return
            at = self._clock()
            hosts: list[saved.SavedHost] = []
            loop = asyncio.get_running_loop()
            began = loop.time()
            for host in saved.hosts_of(self._fleet):
                hosts.append(host)
                if loop.time() - began > SLICE_S:
                    await asyncio.sleep(0)
                    began = loop.time()
            events, since = saved.events_of(self._fleet)
            if await asyncio.to_thread(lambda: saved.write(path, saved.pack(hosts, at, events, since))):
                self._written = revision

    def _revision(self) -> tuple[int, ...]:
        fleet = self._fleet
        return fleet.host_changes.revision, fleet.vm_changes.revision, fleet.events.changes.revision
