"""Lists that clients read page by page."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kvmtui.fleet.selection import Selection
from kvmtui.fleet.windows import Snapshot
from kvmtui.worker.views import SLICE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.fleet.fields import Row
    from kvmtui.fleet.fleet import Fleet
    from kvmtui.wire.connection import Connection
    from kvmtui.wire.messages import ListRows, Page, Query

GOOD_FOR_S = 30.0
"""How long the next page is of the same moment as the first."""


class Listings:
    """The last list of each client: its pages fit together though the fleet goes on, and it is sorted once."""

    def __init__(self, fleet: Fleet, written: Callable[[Query], Sequence[Row]], clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._written = written
        self._clock = clock
        self._last: WeakKeyDictionary[Connection, Snapshot] = WeakKeyDictionary()

    async def page(self, request: ListRows, connection: Connection) -> Page:
        """Return the page that is asked for; the first one is of now. Others have their turn while it is made.

        Raises FilterError, UsageError.
        """
        query, now = request.query, self._clock()
        snapshot = self._last.pop(connection, None)
        if snapshot is None or query.first <= 0 or not snapshot.has(query) or not 0 <= now - snapshot.now < GOOD_FOR_S:
            snapshot = await self._take(query, for_act=request.for_act)
        page = snapshot.page(query)
        if max(0, query.first) + len(page.rows) < page.matched:
            self._last[connection] = snapshot
        return page

    async def _take(self, query: Query, *, for_act: bool) -> Snapshot:
        selection = Selection(query, self._fleet)
        if for_act:
            self._fleet.filter(query.filter, query.resource, for_act=True)
        while True:
            written, now = self._written(query), self._clock()
            if selection.refresh(self._fleet, written, now, hold=False, until=time.monotonic() + SLICE_S):
                return Snapshot(query, selection, self._fleet, now)
            await asyncio.sleep(0)
