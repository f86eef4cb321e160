"""What libvirt is busy with on VMs, whoever asked for that."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from kvmtui.errors import HostError
from kvmtui.model.host import LinkState
from kvmtui.model.seen import Fact
from kvmtui.model.vm import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kvmtui.jobs.around import Acts, FleetView

LOOK_S = 2.0
"""How long a question waits for the answers of all hosts."""
VMS_MAX = 32
"""VMs about which libvirt is asked for one question; of more it is found out step by step."""
KEPT_S = 120.0
"""How long an answer is told on."""
KEPT_MAX = 1_000
FRESH_S = 1.0
"""An answer that is not older is not asked for again."""


class Foreign:
    """The answers to looks at VMs that somebody is about to act on."""

    def __init__(self, acts: Acts, fleet: FleetView, clock: Callable[[], float]) -> None:
        self._acts = acts
        self._fleet = fleet
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    async def ask(self, targets: Iterable[tuple[str, str]]) -> None:
        """Ask what libvirt is busy with on some VMs: not on more than VMS_MAX, nor longer than LOOK_S."""
        now = self._clock()
        self._known = {target: known for target, known in self._known.items() if now - known[0] < KEPT_S}
        wanted = [target for target in targets if self._is_askable(*target)]
        wanted = [target for target in wanted if now - self._known.get(target, (0.0, ""))[0] > FRESH_S]
        if not wanted or len(wanted) > VMS_MAX or len(self._known) > KEPT_MAX:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await asyncio.gather(*(self._look(*target) for target in wanted))

    def job(self, host: str, uuid: str) -> str | None:
        """Return what libvirt is busy with on a VM, "" if with nothing, None if nobody knows."""
        vm, known = self._fleet.find(host, uuid), self._known.get((host, uuid))
        if vm is not None and (vm.state not in ACTIVE or self._is_invented(host)):
            return ""
        return known[1] if known is not None and self._clock() - known[0] < KEPT_S else None

    def _is_askable(self, host: str, uuid: str) -> bool:
        vm, known = self._fleet.find(host, uuid), self._fleet.host(host)
        is_up = known is not None and known.link is LinkState.UP and not self._is_invented(host)
        return is_up and vm is not None and vm.state in ACTIVE

    def _is_invented(self, host: str) -> bool:
        known = self._fleet.host(host)
        return known is not None and known.uri.startswith("test:")

    async def _look(self, host: str, uuid: str) -> None:
        with contextlib.suppress(HostError):
            seen = await self._acts.look(host, uuid, LOOK_S, frozenset({Fact.JOB}))
            if seen.job is not None:
                self._known[host, uuid] = self._clock(), seen.job
