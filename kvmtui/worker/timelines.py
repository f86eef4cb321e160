"""What happened to a thing: the events of the worker merged with what the journal tells."""

from __future__ import annotations

import asyncio
from heapq import nlargest
from typing import TYPE_CHECKING

from kvmtui.errors import NotRecordedError
from kvmtui.jobs.past import Told
from kvmtui.model.event import Event, EventKind
from kvmtui.model.timeline import Entry, Source, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.jobs.journal import Journal

ENTRIES_MAX = 1_000
PATIENCE_S = 3.0
"""How long the journal may take; without it the events are told alone."""

_NAMED = frozenset({EventKind.MOVED, EventKind.TROUBLE, EventKind.APPEARED, EventKind.VANISHED})
"""Kinds that their words do not tell."""


async def timeline(
    fleet: Fleet, journal: Journal, clock: Callable[[], float], host: str, uuid: str, limit: int
) -> Timeline:
    """Return the newest entries of a VM, of a host (``uuid`` ""), or of the fleet (``host`` "" too)."""
    limit = max(1, min(limit, ENTRIES_MAX))
    told, trouble = Told((), is_whole=True), ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            told = await journal.past(host, uuid, limit)
    except TimeoutError:
        trouble = f"the journal has not answered for {PATIENCE_S:.0f} s"
    except NotRecordedError as error:
        trouble = str(error)
    log = fleet.events
    events = log.of_vm(host, uuid, limit) if uuid else log.on_host(host, limit) if host else log.newest(limit)
    entries = [*map(_entry, events), *told.entries]
    return Timeline(
        entries=tuple(nlargest(limit, entries, key=lambda entry: entry.at)),
        events_since=log.since_of(uuid) if uuid else log.since,
        is_whole=told.is_whole and len(events) < limit and len(entries) <= limit,
        journal=trouble,
        now=clock(),
    )


def _entry(event: Event) -> Entry:
    return Entry(
        at=event.at,
        source=Source.EVENT,
        severity=event.severity,
        host=event.host,
        name=event.name,
        text=f"{event.kind.value}: {event.text}" if event.kind in _NAMED else event.text,
    )
