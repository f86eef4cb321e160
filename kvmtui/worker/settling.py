"""Waiting until the hosts have told enough for a first answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kvmtui.model.host import LinkState
from kvmtui.wire.messages import Missing, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.model.host import Host
    from kvmtui.worker.rounds import Rounds

WAIT_MAX_S = 60.0
HURRY_MAX = 500
"""VMs lacking figures whose hosts are asked for them out of turn; more than that is the first round of a fleet."""
_LOOK_S = 0.05


class Settling:
    """All clients that wait for the fleet to settle."""

    def __init__(
        self, fleet: Fleet, rounds: Rounds, hurry: Callable[[], None], is_tried_again: Callable[[], bool]
    ) -> None:
        """``hurry`` is called when hurried() has changed; ``is_tried_again`` says whether hosts that need a human are
        being tried again, with an agent that a client has just offered."""
        self._fleet = fleet
        self._rounds = rounds
        self._hurry = hurry
        self._is_tried_again = is_tried_again
        self._lacking: list[dict[str, list[str]]] = []

    def hurried(self) -> Iterator[tuple[str, str]]:
        """Return the addresses of VMs whose figures somebody waits for."""
        for lacking in self._lacking:
            if sum(map(len, lacking.values())) <= HURRY_MAX:
                yield from ((host, uuid) for host, uuids in lacking.items() for uuid in uuids)

    async def wait(self, timeout_s: float, samples: int, *, definitions: bool = False) -> Settled:
        """Wait until every host is known to be lost, or has told of itself and its VMs in ``samples`` rounds.

        With ``definitions`` also until each VM's definition was read, or could not be, and each host was inspected.
        """
        lacking: dict[str, list[str]] = {}
        self._lacking.append(lacking)
        loop = asyncio.get_running_loop()
        ends = loop.time() + max(0.0, min(timeout_s, WAIT_MAX_S))
        seen: dict[str, int] = dict.fromkeys(self._fleet.hosts, -1)
        try:
            while True:
                hosts = self._fleet.hosts
                for name in list(seen):
                    if self._has_settled(name, hosts.get(name), seen, lacking, samples) and (
                        not definitions or self._is_surveyed(name)
                    ):
                        del seen[name]
                        lacking.pop(name, None)
                self._hurry()
                if not seen or loop.time() >= ends:
                    break
                await asyncio.sleep(_LOOK_S)
        finally:
            self._lacking.remove(lacking)
            self._hurry()
        return Settled(missing=tuple(self._missing()))

    def _has_settled(
        self, name: str, host: Host | None, seen: dict[str, int], lacking: dict[str, list[str]], samples: int
    ) -> bool:
        if host is None:
            return True
        if host.link is LinkState.NEEDS_YOU and self._is_tried_again():
            return False
        reports = self._rounds.reports(name)
        if reports == seen[name]:
            return False
        seen[name] = reports
        if not self._rounds.has_settled(host, samples):
            return False
        if host.link is LinkState.UP:
            lacking[name] = [vm.uuid for vm in self._rounds.lacking(self._fleet.on_hosts([name]), samples)]
        return not lacking.get(name)

    def _is_surveyed(self, name: str) -> bool:
        known = self._fleet.known.get(name)
        return known is None or known.host.link is not LinkState.UP or known.is_surveyed

    def _missing(self) -> Iterator[Missing]:
        for host in self._fleet.hosts.values():
            if host.link is not LinkState.UP or not self._rounds.is_listed(host.name):
                yield Missing(host=host.name, link=host.link.value, reason=host.link_reason, remedy=host.link_remedy)
