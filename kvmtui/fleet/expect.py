"""Waiting for a VM to get somewhere: what proves that an act had its effect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from kvmtui.hosts.reports import Happened
    from kvmtui.model.vm import Vm, VmState


class Sighting(NamedTuple):
    """What ended an expectation."""

    at: float
    vm: Vm | None
    """The VM then; None: it is gone, as a transient one is when it stops."""
    kind: str = ""
    """Kind of the event, if an event proved it."""


class Expectation:
    """One thing expected of one VM from the moment this was made on. Belongs to the loop it was made in.

    Make it before the act, so that nothing is missed; leave it as a context manager, whatever happened.
    """

    def __init__(
        self, uuid: str, states: frozenset[VmState], kind: str, since: float, leave: Callable[[Expectation], None]
    ) -> None:
        self.uuid = uuid
        self.states = states
        self.kind = kind
        self.since = since
        self._leave = leave
        self._sighting: asyncio.Future[Sighting] = asyncio.get_running_loop().create_future()

    async def sighted(self) -> Sighting:
        """Wait until it came true, or the VM is gone. Waits for ever: the caller has the deadline."""
        return await asyncio.shield(self._sighting)

    @property
    def is_fulfilled(self) -> bool:
        """Whether it came true, or the VM is gone."""
        return self._sighting.done()

    def fulfil(self, sighting: Sighting) -> None:
        """End it; the first sighting counts."""
        if not self._sighting.done():
            self._sighting.set_result(sighting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self)
        self._sighting.cancel()


class Expectations:
    """All of them, by host."""

    def __init__(self) -> None:
        self._by_host: dict[str, list[Expectation]] = {}

    def __len__(self) -> int:
        return sum(len(pending) for pending in self._by_host.values())

    def make(self, host: str, uuid: str, states: frozenset[VmState], kind: str, since: float) -> Expectation:
        """Return a new one; it is forgotten when it is left."""
        pending = self._by_host.setdefault(host, [])

        def leave(expectation: Expectation) -> None:
            if expectation in pending:
                pending.remove(expectation)
            if not pending and self._by_host.get(host) is pending:
                del self._by_host[host]

        expectation = Expectation(uuid, states, kind, since, leave)
        pending.append(expectation)
        return expectation

    def happened(self, event: Happened, vm: Vm | None) -> None:
        """Tell of an event."""
        for expectation in self._by_host.get(event.host, ()):
            if expectation.kind and expectation.kind == event.kind and expectation.uuid == event.uuid:
                expectation.fulfil(Sighting(event.at, vm, event.kind))

    def look(self, host: str, look: Callable[[str], tuple[float, Vm | None]]) -> None:
        """Compare what is expected of a host's VMs with what is; ``look`` says of a UUID when it was read, and what."""
        for expectation in self._by_host.get(host, ()):
            at, vm = look(expectation.uuid)
            if at >= expectation.since and (vm is None or vm.state in expectation.states):
                expectation.fulfil(Sighting(at, vm))
