"""What the engine asks of the rest of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kvmtui.guard.gate import GuardedConfig

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kvmtui.actions import Lane
    from kvmtui.fleet.expect import Expectation
    from kvmtui.fleet.filter import Filter
    from kvmtui.model.host import Host
    from kvmtui.model.job import How
    from kvmtui.model.seen import Fact, Seen
    from kvmtui.model.vm import Vm, VmState


class Acts(Protocol):
    """What does things to VMs, and looks at them."""

    async def act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Lane, deadline_s: float
    ) -> tuple[str, ...]:
        """Return what of it was refused while the rest is done.

        Raises LibvirtError (libvirt said no), LinkError and RefusedError (not sent), OutcomeUnknownError (sent, no
        answer).
        """
        ...

    async def look(self, host: str, uuid: str, deadline_s: float = 5.0, facts: frozenset[Fact] = frozenset()) -> Seen:
        """Raises LinkError, LibvirtError."""
        ...


class FleetView(Protocol):
    """What is known of the fleet now."""

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Name -> host."""
        ...

    @property
    def vms(self) -> Mapping[tuple[str, str], Vm]:
        """(host, UUID) -> VM."""
        ...

    @property
    def late_after_s(self) -> float:
        """Age from which what is known of a VM's state is stale."""
        ...

    def host(self, name: str) -> Host | None: ...

    def find(self, host: str, uuid: str) -> Vm | None: ...

    def elsewhere(self, host: str, uuid: str) -> list[Vm]:
        """Return the VMs of that UUID on other hosts."""
        ...

    def same_as(self, host: str) -> str:
        """Return the first name of a host that the config has twice, else ""."""
        ...

    def seen(self, vm: Vm) -> float:
        """Return when a VM's state was last read."""
        ...

    def filter(self, text: str, resource: str = "vms", *, for_act: bool = False) -> Filter:
        """Raises FilterError."""
        ...

    def matching(self, wanted: Filter) -> list[Vm]: ...

    def undecided(self, wanted: Filter) -> int: ...

    def set_job(self, host: str, uuid: str, verb: str) -> None: ...

    def expect(self, host: str, uuid: str, states: Collection[VmState] = (), kind: str = "") -> Expectation: ...


class LimitRule(Protocol):
    """How much at once."""

    @property
    def per_host(self) -> int: ...
    @property
    def overall(self) -> int: ...


class JobsConfig(GuardedConfig, Protocol):
    """What the engine reads of the config."""

    @property
    def limits(self) -> LimitRule: ...
    @property
    def bulk(self) -> How: ...
