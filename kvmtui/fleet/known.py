"""What is known of one host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kvmtui.fleet import trouble
from kvmtui.fleet.known_vms import KnownVms
from kvmtui.fleet.rates import CLOSEST_S, host_figures
from kvmtui.fleet.trouble import HostFacts
from kvmtui.hosts.reports import (
    Happened,
    Identity,
    Inspected,
    LinkReport,
    Listing,
    Sampling,
    Surveyed,
    Vitals,
)
from kvmtui.model.host import Host, LinkState
from kvmtui.model.vm import Vm, VmState

if TYPE_CHECKING:
    from kvmtui.config.structs import HostConfig
    from kvmtui.fleet.shared import Shared
    from kvmtui.hosts.reports import Report


class KnownHost:
    """One host of the config. Times are of the fleet's clock."""

    def __init__(self, entry: HostConfig, shared: Shared) -> None:
        self.vms = KnownVms(entry, shared)
        self.host_uuid = ""
        """libvirt's UUID of the host; "" while it is not known, or where the host has none."""
        self.identity: Identity | None = None
        """What it was when it last told."""
        self.inspected: Inspected | None = None
        """What a shell there told last; of another connect than this one, too."""
        self._shared = shared
        self._lost_at = 0.0
        self._link_at = 0.0
        self._same_as = ""
        self._is_late = False
        self._vitals: Vitals | None = None
        self.host = Host(name=entry.name, uri=entry.uri, tags=entry.tags, level=entry.guard, since=shared.clock())
        shared.hosts_changes.mark(entry.name)

    # --- asked by the fleet ------------------------------------------------------------------------------------

    def configure(self, entry: HostConfig) -> None:
        """Take over changed settings; the host itself is the same."""
        self.vms.retag(entry)
        self._alter(tags=entry.tags, level=entry.guard)

    def is_same_as(self, other: str) -> None:
        """Note that another entry of the config is this very host; "": none is."""
        if other != self._same_as:
            self._same_as = other
            self._alter()

    @property
    def same_as(self) -> str:
        """The other entry of the config that is this very host, or ""."""
        return self._same_as

    @property
    def is_surveyed(self) -> bool:
        """Whether there is nothing to wait for: definitions read, or tried in vain; the host inspected."""
        vms = self.vms
        is_machine = self.identity is None or self.identity.is_machine
        has_all = all(uuid in vms.definitions or uuid in vms.unread for uuid in vms.rows)
        return has_all and (self.inspected is not None or not is_machine)

    def tick(self, now: float) -> None:
        """Note whether it has fallen silent, though its link is up."""
        is_late = self.host.link is LinkState.UP and 0 < self.vms.listed_at < now - self._shared.late_after_s
        if is_late != self._is_late:
            self._is_late = is_late
            self._alter()

    def restore(self, host: Host, vms: list[Vm]) -> None:
        """Take in what an earlier worker knew, if nothing was heard yet."""
        if self.host.seen:
            return
        for vm in vms:
            self.vms.restore(vm)
        self._alter(
            version=host.version,
            cpus=host.cpus,
            mem_total_bytes=host.mem_total_bytes,
            vms_total=len(self.vms.rows),
            seen=host.seen,
            demo=host.demo,
        )

    # --- reports -----------------------------------------------------------------------------------------------

    def take(self, report: Report) -> bool:
        """Take in a report; return whether it counted, or came too late."""
        if isinstance(report, LinkReport):
            return self._take_link(report)
        if self._shared.is_past(report.at, self._lost_at):
            return False
        match report:
            case Listing():
                if self._shared.is_past(report.at, self.vms.listed_at):
                    return False
                self.vms.take_listing(report)
            case Sampling():
                self.vms.take_sampling(report, self.host.cpus)
            case Happened():
                self.vms.take_event(report)
            case Vitals():
                if self._vitals is not None and self._shared.is_past(report.at, self._vitals.at):
                    return False
                self._take_vitals(report)
            case Identity():
                self._take_identity(report)
            case Surveyed():
                self.vms.take_survey(report)
            case Inspected():
                self.inspected = report
        self._heard(report.at)
        return True

    def _heard(self, at: float) -> None:
        is_counted = self.host.link is LinkState.UP and self.vms.listed_at >= self._lost_at
        self._alter(
            seen=self.host.seen if self._shared.is_past(at, self.host.seen) else at,
            vms_running=self.vms.counts[VmState.RUNNING] if is_counted else None,
            vms_total=len(self.vms.rows) if self.vms.listed_at > 0 else self.host.vms_total,
        )

    def _take_link(self, report: LinkReport) -> bool:
        if self._shared.is_past(report.at, self._link_at):
            return False
        self._link_at = report.at
        if report.state is not LinkState.UP:
            self._lost_at = report.at
            self._is_late = False
            self._vitals = None
        running = self.vms.counts[VmState.RUNNING]
        self.vms.link_is(report.state, report.at)
        self._alter(
            link=report.state,
            link_reason=report.reason,
            link_remedy=report.remedy,
            since=self.host.since if report.state is self.host.link else report.at,
            vms_running=self.host.vms_running if report.state is LinkState.UP else None,
        )
        self._shared.chronicle.link(self.host, report.at, running)
        return True

    def _take_identity(self, report: Identity) -> None:
        self.identity = report
        self.host_uuid = report.host_uuid
        self._alter(
            version=f"libvirt {report.libvirt}, {report.hypervisor}",
            cpus=report.cpus,
            mem_total_bytes=report.mem_total_bytes,
            demo=report.invented,
        )

    def _take_vitals(self, report: Vitals) -> None:
        before = self._vitals
        if before is not None and 0 <= report.at - before.at < CLOSEST_S:
            return
        self._vitals = report
        found = host_figures(before, report)
        self._alter(
            sampled=report.at,
            load_1m=report.load_1m,
            mem_total_bytes=report.mem_total_bytes or self.host.mem_total_bytes,
            pressure_cpu_pct=report.pressure_cpu_pct,
            pressure_mem_pct=report.pressure_mem_pct,
            pressure_io_pct=report.pressure_io_pct,
            **found._asdict(),
        )
        self._shared.recent.add_host(self.host)

    def _alter(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Host
        """Change the row, with what is wrong with the host."""
        host = replace(self.host, **changes)
        verdict = trouble.of_host(host, HostFacts(self._same_as, self._is_late))
        if verdict != (host.trouble, host.severity):
            host = replace(host, trouble=verdict.trouble, severity=verdict.severity)
        if host != self.host:
            before, self.host = self.host, host
            self._shared.hosts_changes.mark(host.name)
            if host.severity != before.severity:
                self._shared.chronicle.judged(host)
