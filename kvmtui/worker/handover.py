"""Reports on their way from the hosts thread to the serve loop."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING

from kvmtui.hosts.reports import Happened, Identity, LinkReport, Listing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from kvmtui.hosts.reports import Report

WAITING_MAX = 20_000
"""Reports that wait; beyond that, what newer ones make worthless is dropped."""
EVENTS_MAX = 5_000
"""Events that are then kept."""
SAMPLES_MAX = 3
"""Rounds of figures of a host that are then kept."""
SLICE_S = 0.005
"""How long the serve loop takes reports in before it does other things."""

log = logging.getLogger(__name__)


class Handover:
    """A queue between two threads: one wake-up for many reports, its length bounded.

    ``take`` is called in the serve loop with one report after the other, ``taken`` after each slice of them.
    """

    def __init__(self) -> None:
        self._waiting: deque[Report] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._take: Callable[[Report], None] | None = None
        self._taken: Callable[[], None] | None = None
        self._is_woken = False

    def deliver(self, report: Report) -> None:
        """Give a report to the serve loop; from any thread, never blocks for long."""
        with self._lock:
            self._waiting.append(report)
            if len(self._waiting) > WAITING_MAX:
                self._waiting = _worth_keeping(self._waiting)
            if self._loop is None or self._is_woken:
                return
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._drain)

    def connect(
        self, loop: asyncio.AbstractEventLoop, take: Callable[[Report], None], taken: Callable[[], None]
    ) -> None:
        """Begin to hand over to ``loop``, which runs this."""
        with self._lock:
            self._loop, self._take, self._taken = loop, take, taken
            self._is_woken = True
        self._drain()

    def close(self) -> None:
        """Hand over no more."""
        with self._lock:
            self._loop = None

    def _drain(self) -> None:
        assert self._take is not None
        assert self._taken is not None
        loop = self._loop
        if loop is None:
            return
        ends = loop.time() + SLICE_S
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_woken = False
                    break
                report = self._waiting.popleft()
            try:
                self._take(report)
            except Exception:
                log.exception("a report of %s is passed over", report.host)
            if loop.time() >= ends:
                loop.call_soon(self._drain)
                break
        self._taken()


def _worth_keeping(reports: deque[Report]) -> deque[Report]:
    """Return the reports without those that newer ones make worthless, in their order."""
    kept: list[Report] = []
    seen: Counter[tuple[str, type]] = Counter()
    events = 0
    for report in reversed(reports):
        if isinstance(report, Happened):
            events += 1
            if events <= EVENTS_MAX:
                kept.append(report)
            continue
        which = (report.host, type(report))
        seen[which] += 1
        if seen[which] <= (1 if isinstance(report, LinkReport | Identity | Listing) else SAMPLES_MAX):
            kept.append(report)
    return deque(reversed(kept))
