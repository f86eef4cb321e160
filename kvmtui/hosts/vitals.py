"""Where a host's own counters come from: a shell, else libvirt, else imagination."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kvmtui.errors import LibvirtError, LinkError
from kvmtui.hosts import hypervisor, probe
from kvmtui.hosts.contract import Link
from kvmtui.hosts.lane import CallEndedError, Lane
from kvmtui.hosts.poller import SECOND_ROUND_S, Poller
from kvmtui.hosts.reports import Report, Vitals

PERIOD_S = 5.0
FIGURES_S = 3.0

logger = logging.getLogger(__name__)


class VitalsSource:
    """The counters of one connected host."""

    def __init__(
        self, name: str, link: Link | None, lane: Callable[[], Lane], invented: Callable[[float], Vitals] | None
    ) -> None:
        """``lane`` gives the lane to ask libvirt with; ``invented`` makes the figures of that time up."""
        self._name = name
        self._link = link
        self._lane = lane
        self._invented = invented
        self._has_shell = link is not None

    async def read(self, clock: Callable[[], float]) -> Vitals | None:
        """Return the counters; None if neither a shell nor libvirt will ever tell. Raises LinkError, CallEndedError."""
        if self._invented is not None:
            return self._invented(clock())
        if self._has_shell and self._link is not None:
            vitals = await probe.vitals(self._link, clock())
            if vitals is not None:
                return vitals
            self._has_shell = False
        at = clock()
        try:
            figures = await self._lane().call(hypervisor.figures, FIGURES_S)
        except LibvirtError:
            return None
        return Vitals(
            host=self._name,
            at=at,
            busy_ticks=figures.busy_ticks,
            total_ticks=figures.total_ticks,
            mem_total_bytes=figures.mem_total_bytes,
            mem_available_bytes=figures.mem_available_bytes,
        )

    async def tell(self, deliver: Callable[[Report], None], clock: Callable[[], float], poller: Poller) -> None:
        """Deliver the counters every PERIOD_S, at the pace of the polls. Never returns, though nobody tell them."""
        pause_s = SECOND_ROUND_S
        while True:
            try:
                vitals = await self.read(clock)
            except (CallEndedError, LinkError) as error:  # what is lost is noticed by the polls
                logger.debug("%s: no figures of the host: %s", self._name, error)
            else:
                if vitals is None:
                    await asyncio.get_running_loop().create_future()
                else:
                    deliver(vitals)
            await asyncio.sleep(pause_s)
            pause_s = PERIOD_S * poller.pace
