"""Which hosts have told enough for a first answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmtui.fleet.rates import CLOSEST_S
from kvmtui.hosts.reports import LinkReport, Listing, Sampling, Vitals
from kvmtui.model.host import SETTLED, LinkState
from kvmtui.model.vm import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kvmtui.hosts.reports import Report
    from kvmtui.model.host import Host
    from kvmtui.model.vm import Vm

ENOUGH = 2
"""Rounds that are counted: a rate takes two."""


class _Rounds:
    """What one host has told since its link came up."""

    def __init__(self) -> None:
        self.is_listed = False
        self.vitals = 0
        self.samples: dict[str, int] = {}
        """UUID -> rounds of its figures."""
        self.stuck: frozenset[str] = frozenset()
        self._at: dict[str, float] = {}

    def sampled(self, uuid: str, at: float) -> None:
        """Count a reading of a VM's counters, unless it is too close to the last for a rate."""
        if (before := self._at.get(uuid)) is None or at - before >= CLOSEST_S:
            self._at[uuid] = at
            self.samples[uuid] = min(self.samples.get(uuid, 0) + 1, ENOUGH)

    def forget(self, uuid: str) -> None:
        """A VM is gone."""
        self._at.pop(uuid, None)
        self.samples.pop(uuid, None)


class Rounds:
    """Counts what each host has told since its link came up."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Rounds] = {}
        self._reports: Counter[str] = Counter()

    def reports(self, host: str) -> int:
        """Return how many reports of a host were counted: while it is the same, nothing else has changed here."""
        return self._reports[host]

    def take(self, report: Report) -> None:
        """Count a report."""
        self._reports[report.host] += 1
        if isinstance(report, LinkReport):
            if report.state is not LinkState.UP:
                self._hosts.pop(report.host, None)
            return
        told = self._hosts.setdefault(report.host, _Rounds())
        match report:
            case Listing():
                told.is_listed = True
                gone = told.samples.keys() - {vm.uuid for vm in report.vms} if told.samples else ()
                for uuid in gone:
                    told.forget(uuid)
            case Vitals():
                told.vitals = min(told.vitals + 1, ENOUGH)
            case Sampling():
                told.stuck = frozenset(uuid for uuid, _why in report.stuck)
                for counters in report.vms:
                    told.sampled(counters.uuid, report.at)

    def keep(self, hosts: Collection[str]) -> None:
        """Forget hosts that are in the config no longer."""
        for name in self._reports.keys() - set(hosts):
            del self._reports[name]
            self._hosts.pop(name, None)

    def is_listed(self, host: str) -> bool:
        """Whether a host has listed its VMs since its link came up."""
        return host in self._hosts and self._hosts[host].is_listed

    def has_settled(self, host: Host, samples: int) -> bool:
        """Whether ``host`` is known to be lost, or has told of itself; its VMs are another question: lacking()."""
        if host.link is not LinkState.UP:
            return host.link in SETTLED
        told = self._hosts.get(host.name)
        return told is not None and told.is_listed and not 0 < told.vitals < min(samples, ENOUGH)

    def lacking(self, vms: Iterable[Vm], samples: int) -> list[Vm]:
        """Return those of ``vms`` that run, are not stuck, and of which fewer rounds of figures are in."""
        wanted = min(samples, ENOUGH)
        lacking = []
        for vm in vms:
            told = self._hosts.get(vm.host)
            if vm.state not in ACTIVE or (told is not None and vm.uuid in told.stuck):
                continue
            if told is None or told.samples.get(vm.uuid, 0) < wanted:
                lacking.append(vm)
        return lacking
