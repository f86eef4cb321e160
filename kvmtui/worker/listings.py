"""Lists that clients read page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kvmtui.fleet.windows import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.model.job import Job
    from kvmtui.wire.connection import Connection
    from kvmtui.wire.messages import ListRows, Page

GOOD_FOR_S = 30.0
"""How long the next page is of the same moment as the first."""


class Listings:
    """The last list of each client: its pages fit together though the fleet goes on, and it is sorted once."""

    def __init__(self, fleet: Fleet, jobs: Callable[[], Sequence[Job]], clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._jobs = jobs
        self._clock = clock
        self._last: WeakKeyDictionary[Connection, Snapshot] = WeakKeyDictionary()

    def page(self, request: ListRows, connection: Connection) -> Page:
        """Return the page that is asked for; the first one is of now. Raises FilterError, UsageError."""
        query, now = request.query, self._clock()
        snapshot = self._last.pop(connection, None)
        if snapshot is None or query.first <= 0 or not snapshot.has(query) or not 0 <= now - snapshot.now < GOOD_FOR_S:
            snapshot = Snapshot(query, self._fleet, self._jobs() if query.resource == "jobs" else (), now)
        page = snapshot.page(query)
        if max(0, query.first) + len(page.rows) < page.matched:
            self._last[connection] = snapshot
        return page
