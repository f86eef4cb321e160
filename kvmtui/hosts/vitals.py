"""Where a host's own counters come from: a shell, else libvirt, else imagination."""

from __future__ import annotations

from collections.abc import Callable

from kvmtui.errors import LibvirtError
from kvmtui.hosts import hypervisor, probe
from kvmtui.hosts.contract import Link
from kvmtui.hosts.lane import Lane
from kvmtui.hosts.reports import Vitals

FIGURES_S = 3.0


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
