"""Which VMs somebody looks at, so that their hosts are asked for their figures more often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping

DELAY_S = 0.25
"""What a client scrolls past in less is not worth a question to a host."""


class Watching:
    """Tells the hosts which VMs are looked at, when that has changed; lives in the serve loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        looked_at: Callable[[], Iterable[tuple[str, str]]],
        watch: Callable[[Mapping[str, frozenset[str]]], None],
    ) -> None:
        """``looked_at`` gives addresses (host, UUID); ``watch`` is told host -> UUIDs."""
        self._loop = loop
        self._looked_at = looked_at
        self._watch = watch
        self._told: dict[str, frozenset[str]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def stir(self) -> None:
        """Look soon whether it has changed."""
        if self._timer is None:
            self._timer = self._loop.call_later(DELAY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        wanted: dict[str, set[str]] = {}
        for host, uuid in self._looked_at():
            wanted.setdefault(host, set()).add(uuid)
        watched = {host: frozenset(uuids) for host, uuids in wanted.items()}
        if watched != self._told:
            self._told = watched
            self._watch(watched)
