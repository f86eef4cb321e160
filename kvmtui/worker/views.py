"""What clients follow: windows, series, the summary."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui.fleet.recent import HOST_FIGURES, VM_FIGURES
from kvmtui.fleet.windows import Window
from kvmtui.model.vm import Vm
from kvmtui.wire.messages import Rows, Series, SummaryChanged
from kvmtui.wire.views import More

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kvmtui.fleet.fields import Row
    from kvmtui.fleet.fleet import Fleet
    from kvmtui.model.host import Summary
    from kvmtui.wire.messages import Query

WINDOW_PERIOD_S = 0.1
SLICE_S = 0.008
"""How long one window is worked on before others have their turn."""
SERIES_PERIOD_S = 0.5
SUMMARY_PERIOD_S = 1.0
SUMMARY_NUMBER = -1
"""The summary's place among a client's views, whose own numbers are not negative."""


class WindowView:
    """A window on the fleet or its jobs."""

    period_s = WINDOW_PERIOD_S

    def __init__(
        self,
        number: int,
        query: Query,
        fleet: Fleet,
        written: Callable[[Query], Sequence[Row]],
        clock: Callable[[], float],
        marks: Collection[str] = frozenset(),
    ) -> None:
        """``written`` gives the jobs, or the steps, that a query is about. ``marks``: UUIDs of what the client has
        marked, kept up to date by whoever owns them.

        Raises FilterError, or UsageError for a resource or column that does not exist.
        """
        self._marks = marks
        self._fleet = fleet
        self._written = written
        self._clock = clock
        self._window = Window(number, query, fleet)
        self._query = query

    @property
    def topics(self) -> frozenset[str]:
        """What it shows."""
        resource = self._query.resource
        return frozenset({"jobs" if resource == "steps" else resource})

    def change(self, query: Query) -> None:
        """Show another query; raises as the constructor does, and then stays as it was."""
        self._window.change(query, self._fleet)
        self._query = query

    def fetch(self) -> Rows | More | None:
        """Return what changed since the last time, a slice of the work at a time."""
        written = self._written(self._query)
        if not self._window.refresh(self._fleet, written, self._clock(), time.monotonic() + SLICE_S):
            return More.MORE
        return self._window.update(self._fleet, written, self._clock(), self._marks)

    def keys(self, first: str, last: str) -> tuple[str, ...]:
        """Return the keys of the rows in the list, or of a range of them. Raises UsageError."""
        return self._window.keys(first, last)

    def has(self, host: str, uuid: str) -> bool:
        """Return whether a VM is in the list."""
        return self._window.has(host, uuid)

    def watched(self) -> Iterable[tuple[str, str]]:
        """Return the addresses of the VMs that the client has on its screen."""
        if self._query.resource != "vms":
            return ()
        return [(row.host, row.uuid) for row in self._window.shown if isinstance(row, Vm)]


class SeriesView:
    """The recent figures of one VM, or of a host (``uuid`` "")."""

    period_s = SERIES_PERIOD_S

    def __init__(self, number: int, host: str, uuid: str, fleet: Fleet, clock: Callable[[], float]) -> None:
        self.topics = frozenset({"vms" if uuid else "hosts"})
        self._number = number
        self._host = host
        self._uuid = uuid
        self._fleet = fleet
        self._clock = clock
        self._after: float | None = None
        fleet.recent.follow(host, uuid)

    def fetch(self) -> Series | None:
        """Return the points that are new; all of them the first time."""
        is_new = self._after is None
        self._fleet.recent.follow(self._host, self._uuid)
        points = self._fleet.recent.points(self._host, self._uuid, self._after or 0.0, self._clock())
        if not points and not is_new:
            return None
        self._after = points[-1][0] if points else 0.0
        return Series(
            window=self._number,
            reset=is_new,
            figures=VM_FIGURES if self._uuid else HOST_FIGURES,
            points=tuple(points),
        )

    def watched(self) -> Iterable[tuple[str, str]]:
        """Return the address of the VM that is looked at."""
        return [(self._host, self._uuid)] if self._uuid else ()


class SummaryView:
    """The fleet in one line."""

    topics = frozenset({"vms", "hosts", "jobs", "worker"})
    period_s = SUMMARY_PERIOD_S

    def __init__(self, summary: Callable[[], Summary], clock: Callable[[], float]) -> None:
        self._summary = summary
        self._clock = clock
        self.last = summary()
        """What the client has."""

    def fetch(self) -> SummaryChanged | None:
        """Return the summary if it is another one."""
        summary = self._summary()
        if summary == self.last:
            return None
        self.last = summary
        return SummaryChanged(summary=summary, now=self._clock())

    def watched(self) -> Iterable[tuple[str, str]]:
        """A summary looks at no VM in particular."""
        return ()
