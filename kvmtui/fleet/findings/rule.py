"""What the rule of a check is given, what it gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.model.host import LinkState
from kvmtui.model.vm import Vm, VmState

if TYPE_CHECKING:
    from kvmtui.fleet.known import KnownHost
    from kvmtui.hosts.reports import Definition, Identity, Inspected
    from kvmtui.model.checks import Check


class Found(msgspec.Struct, frozen=True, gc=False):
    """Something a check found: about one VM, or about the host, or about the fleet."""

    text: str
    vm: Vm | None = None
    severity: int = 0
    """0: the check's own."""
    group: str = ""
    """What several VMs of which the same is true have in common, in words; "": the check's own."""
    filter: str = ""
    """Of what is about more VMs than one; see Finding."""
    count: int = 1
    host: str = ""
    """The host it is about, where that is neither the one that was asked for nor a VM's."""
    snapshot: str = ""
    """The name of the snapshot it is about."""
    which: str = ""
    """What tells it from others of the same check and host, where no VM does."""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Something a check cannot tell."""

    why: str
    count: int
    """VMs, or hosts, of which it is not known."""


class HostFacts:
    """What is known of one host and its VMs."""

    def __init__(self, known: KnownHost, now: float) -> None:
        self.now = now
        self.name = known.host.name
        self.host = known.host
        self.is_up = known.host.link is LinkState.UP and known.vms.listed_at > 0
        """Its VMs are known as they are now."""
        self.same_as = known.same_as
        self.host_uuid = known.host_uuid
        self.rows: Mapping[str, Vm] = known.vms.rows
        self.vms: Collection[Vm] = known.vms.rows.values()
        self.definitions: Mapping[str, Definition] = known.vms.definitions
        self.unread: Mapping[str, str] = known.vms.unread
        self.identity: Identity | None = known.identity
        self.inspected: Inspected | None = known.inspected
        self.is_machine = known.identity is None or known.identity.is_machine

    @cached_property
    def running(self) -> list[Vm]:
        """Those of its VMs that run."""
        return [vm for vm in self.vms if vm.state is VmState.RUNNING]


class FleetFacts(NamedTuple):
    """What is known of all hosts."""

    hosts: Mapping[str, HostFacts]
    namesakes: Mapping[str, tuple[str, ...]]
    """UUID -> the hosts that have a VM of it, of those that are on several."""


class Rule(NamedTuple):
    """How what a check looks for is found."""

    check: Check
    of_host: Callable[[HostFacts], Iterable[Found]] | None = None
    """Asked of each host that is up, under one of its names in the config."""
    of_fleet: Callable[[FleetFacts], Iterable[Found]] | None = None
    unknown: Callable[[HostFacts], Iterable[Unknown]] | None = None
    """What could not be told of a host that is up."""
