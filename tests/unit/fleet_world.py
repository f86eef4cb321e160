"""A fleet under test: a clock that is set by hand, reports with everything but the interesting left out."""

from __future__ import annotations

from typing import Any

from kvmtui.config import Config, HostConfig
from kvmtui.fleet.fleet import Fleet
from kvmtui.hosts.reports import (
    Counters,
    Definition,
    Happened,
    Identity,
    LinkReport,
    Listed,
    Listing,
    Report,
    Sampling,
    Surveyed,
    Vitals,
)
from kvmtui.model.host import LinkState
from kvmtui.model.vm import Vm, VmState

START = 1_700_000_000.0
GIB = 1024**3


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def listed(number: int, state: VmState = VmState.RUNNING, reason: str = "booted", **more: Any) -> Listed:
    fields: dict[str, Any] = {
        "name": f"vm-{number}",
        "persistent": True,
        "autostart": False,
        "has_snapshot": False,
    } | more
    return Listed(uuid=uuid(number), state=state, reason=reason, **fields)


def counters(number: int, state: VmState = VmState.RUNNING, reason: str = "booted", **more: Any) -> Counters:
    return Counters(uuid=uuid(number), state=state, reason=reason, **({"vcpus": 2} | more))


class World:
    """A fleet and its clock. Reports are of now unless ``at`` says otherwise."""

    def __init__(self, *hosts: str, **config: Any) -> None:
        self.now = START
        self.entries = {name: HostConfig(name=name, uri=f"qemu+ssh://{name}/system") for name in hosts}
        self.fleet = Fleet((), lambda: self.now)
        self.configure(**config)

    def configure(self, **config: Any) -> None:
        self.fleet.apply(Config(name="lab", hosts=tuple(self.entries.values()), **config))

    def wait(self, seconds: float) -> World:
        self.now += seconds
        return self

    def take(self, report: Report) -> frozenset[str]:
        return self.fleet.reduce(report)

    def link(self, host: str, state: LinkState = LinkState.UP, reason: str = "", **more: Any) -> frozenset[str]:
        return self.take(LinkReport(host=host, at=self.now, state=state, reason=reason, **more))

    def lists(self, host: str, *vms: Listed, at: float | None = None) -> frozenset[str]:
        return self.take(Listing(host=host, at=self.now if at is None else at, vms=vms))

    def samples(self, host: str, *vms: Counters, at: float | None = None, **more: Any) -> frozenset[str]:
        return self.take(Sampling(host=host, at=self.now if at is None else at, vms=vms, **more))

    def tells(
        self, host: str, number: int, kind: str, state: VmState | None = None, detail: str = "", at: float | None = None
    ) -> frozenset[str]:
        when = self.now if at is None else at
        happened = Happened(
            host=host, at=when, uuid=uuid(number), name=f"vm-{number}", kind=kind, detail=detail, state=state
        )
        return self.take(happened)

    def identifies(self, host: str, **more: Any) -> frozenset[str]:
        fields: dict[str, Any] = {
            "libvirt": "9.0.0",
            "hypervisor": "QEMU 7.2.0",
            "host_uuid": host,
            "cpus": 8,
            "mem_total_bytes": 64 * GIB,
        } | more
        return self.take(Identity(host=host, at=self.now, **fields))

    def surveys(self, host: str, number: int, **more: Any) -> frozenset[str]:
        """The definition of a VM is read."""
        return self.take(Surveyed(host=host, at=self.now, vms=(Definition(uuid=uuid(number), **more),)))

    def vitals(self, host: str, **more: Any) -> frozenset[str]:
        return self.take(Vitals(host=host, at=self.now, **more))

    def up(self, host: str, *vms: Listed) -> World:
        """The host answers, with these VMs."""
        self.link(host)
        self.lists(host, *vms)
        return self

    def vm(self, host: str, number: int) -> Vm:
        found = self.fleet.find(host, uuid(number))
        assert found is not None
        return found

    def state(self, host: str, number: int) -> VmState | None:
        found = self.fleet.find(host, uuid(number))
        return found.state if found else None
