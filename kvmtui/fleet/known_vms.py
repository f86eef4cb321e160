"""The VMs of one host: what reports make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kvmtui.fleet.rates import CLOSEST_S, at_rest, figures
from kvmtui.fleet.trouble import VmFacts
from kvmtui.fleet.vm_rows import VmRows, out_of_sight
from kvmtui.hosts.reports import Listed
from kvmtui.model.event import EventKind
from kvmtui.model.host import LinkState
from kvmtui.model.vm import ACTIVE, RESTING, Vm, VmState

if TYPE_CHECKING:
    from kvmtui.config.structs import HostConfig
    from kvmtui.fleet.shared import Shared
    from kvmtui.hosts.reports import Counters, Happened, Listing, Sampling

SEEN_LAG_S = 10.0
"""How far ``Vm.seen`` may stay behind the last listing, so that a listing without news changes no row."""


class KnownVms(VmRows):
    """The rows, and what the next report is measured against."""

    def __init__(self, entry: HostConfig, shared: Shared) -> None:
        super().__init__(entry, shared)
        self._listing: tuple[Listed, ...] | None = None
        """The last listing, if nothing but it says what the rows are."""
        self._is_listed = False
        """Whether they were listed since the link came up: what comes later comes at that time."""
        self._freshened_at = 0.0
        self._gone: dict[str, float] = {}
        """UUID -> when an event said that it is gone, until a listing confirms it."""

    def read(self, uuid: str) -> tuple[float, Vm | None]:
        """Return when one of them was last read, and what was there."""
        vm = self.rows.get(uuid)
        if vm is None:
            return max(self.listed_at, self._gone.get(uuid, 0.0)), None
        return self.seen(vm), vm

    def link_is(self, link: LinkState, at: float) -> None:
        """Take note of the link: while it is not up, nothing certain can be said of any of them."""
        if link is self._link:
            return
        self._link = link
        self._plain = VmFacts(link=link)
        if link is LinkState.UP:
            return
        self._listing = None
        self._is_listed = False
        self._readings.clear()
        self._stuck.clear()
        self._old_figures.clear()
        for vm in list(self.rows.values()):
            self._put(out_of_sight(vm, self.seen(vm)), at)

    # --- reports -----------------------------------------------------------------------------------------------

    def take_listing(self, report: Listing) -> None:
        """Take in what exists. What an event told after the listing was asked for stands."""
        self.listed_at = at = report.at
        if report.vms != self._listing:
            self._listing = report.vms
            for item in report.vms:
                vm = self.rows.get(item.uuid)
                known_at = self._gone.get(item.uuid, 0.0) if vm is None else vm.seen
                if self._shared.is_past(at, known_at):
                    self._listing = None
                elif vm is None:
                    self._appear(item, at, at if self._is_listed else None, by_event=False)
                else:
                    self._compare(vm, item, at)
            listed = {item.uuid for item in report.vms}
            for vm in [vm for uuid, vm in self.rows.items() if uuid not in listed]:
                if self._shared.is_past(at, vm.seen):
                    self._listing = None
                else:
                    self._vanish(vm)
                    self._shared.chronicle.vanished(vm, at)
            self._gone = {uuid: gone for uuid, gone in self._gone.items() if self._shared.is_past(at, gone)}
        self._is_listed = self.is_known = True
        if not 0 <= at - self._freshened_at < SEEN_LAG_S:
            self._freshened_at = at
            self._freshen(at)

    def take_sampling(self, report: Sampling, host_cpus: int | None) -> None:
        """Take in figures of some of them."""
        at, stuck, before = report.at, dict(report.stuck), self._stuck
        states_at = at if report.states_at is None else report.states_at
        self._stuck = stuck
        for uuid in stuck.keys() | before.keys():
            if uuid in self.rows and stuck.get(uuid) != before.get(uuid):
                self._put(self.rows[uuid], at)
        for counters in report.vms:
            uuid = counters.uuid
            vm = self.rows.get(uuid)
            if vm is None:
                continue
            changed = self._with_state(vm, counters, states_at)
            # counters of another state than it is in now are of a time that is over
            if changed.state is counters.state and counters.state in ACTIVE and uuid not in stuck:
                changed = self._with_figures(changed, counters, at, states_at, host_cpus)
            if changed is not vm:
                self._put(changed, at)

    def take_event(self, event: Happened) -> None:
        """Take in what happened to one of them."""
        self._listing = None
        vm = self.rows.get(event.uuid)
        if vm is not None:
            self._shared.chronicle.happened(vm, event)
        match event.kind:
            case "started":
                self._readings.pop(event.uuid, None)
            case "ioerror" if vm is not None:
                self._io_errors[event.uuid] = event.detail
                self._put(vm, event.at)
            case "defined" if vm is not None:
                self._redefined(vm, event)
            case "undefined" if vm is not None and event.detail != "renamed":
                self._undefined(vm, event.at)
        # "started, migrated" means that its QEMU waits for memory to arrive: it is paused, and a listing says so.
        if event.state is not None and (event.kind, event.detail) != ("started", "migrated"):
            self._enter(event, event.state)

    # --- a listing's parts -------------------------------------------------------------------------------------

    def _appear(self, item: Listed, at: float, since: float | None, *, by_event: bool) -> None:
        vm = Vm(
            host=self.entry.name,
            uuid=item.uuid,
            name=item.name,
            state=item.state,
            state_reason=item.reason,
            since=since,
            persistent=item.persistent,
            autostart=item.autostart,
            has_snapshot=item.has_snapshot,
            tags=self._tags(item.uuid, item.name),
            seen=at,
            job=self._shared.table.jobs.get((self.entry.name, item.uuid), ""),
        )
        self._put(vm, at)
        if self.is_known:
            self._shared.chronicle.appeared(self.rows[vm.uuid], at, by_event=by_event)
        else:
            self._shared.chronicle.first_seen(self.rows[vm.uuid])

    def _compare(self, vm: Vm, item: Listed, at: float) -> None:
        changed = self._in_state(vm, item.state, item.reason, at)
        settings = (item.name, item.persistent, item.autostart, item.has_snapshot)
        if (vm.name, vm.persistent, vm.autostart, vm.has_snapshot) != settings:
            changed = replace(
                changed,
                name=item.name,
                tags=self._tags(item.uuid, item.name),
                persistent=item.persistent,
                autostart=item.autostart,
                has_snapshot=item.has_snapshot,
            )
        if changed is not vm:
            self._put(changed, at)

    def _freshen(self, at: float) -> None:
        """Bring ``seen`` of rows without news near the truth, and note whose figures have grown old."""
        oldest = at - self._shared.figures_late_after_s
        for uuid, vm in list(self.rows.items()):
            is_old = vm.state in ACTIVE and vm.sampled is not None and vm.sampled < oldest
            if is_old and uuid not in self._old_figures:
                self._old_figures.add(uuid)
            elif at - SEEN_LAG_S < vm.seen <= at:
                continue
            if vm.state is not VmState.UNKNOWN and not self._shared.is_past(at, vm.seen):
                self._put(replace(vm, seen=at), at)

    # --- an event's parts --------------------------------------------------------------------------------------

    def _enter(self, event: Happened, state: VmState) -> None:
        """Take in the state that an event tells."""
        vm = self.rows.get(event.uuid)
        if vm is not None:
            if self._shared.is_past(event.at, self.seen(vm)):
                return
            if state in ACTIVE or vm.persistent:
                # the same state again is news too: of when it was so
                self._put(replace(self._in_state(vm, state, event.detail, event.at), seen=event.at), event.at)
            else:
                self._gone[vm.uuid] = event.at
                last = self._in_state(vm, state, event.detail, event.at)
                self._vanish(vm)
                self._shared.chronicle.stopped(vm, last, event.at)
            return
        known_at = max(self.listed_at, self._gone.get(event.uuid, 0.0))
        if state in ACTIVE and not self._shared.is_past(event.at, known_at):
            item = Listed(
                uuid=event.uuid,
                name=event.name,
                state=state,
                reason=event.detail,
                persistent=False,
                autostart=False,
                has_snapshot=False,
            )
            self._appear(item, event.at, event.at, by_event=True)

    def _redefined(self, vm: Vm, event: Happened) -> None:
        if self._shared.is_past(event.at, self.seen(vm)):
            return
        changes: dict[str, Any] = {"name": event.name, "tags": self._tags(event.uuid, event.name), "persistent": True}
        if vm.state not in ACTIVE:
            changes |= {"vcpus": None, "mem_max_bytes": None}
        self._put(replace(vm, seen=event.at, **changes), event.at)

    def _undefined(self, vm: Vm, at: float) -> None:
        if self._shared.is_past(at, self.seen(vm)):
            return
        if vm.state in ACTIVE:
            self._put(replace(vm, persistent=False, seen=at), at)
        else:
            self._gone[vm.uuid] = at
            self._vanish(vm)
            self._shared.chronicle.vanished(vm, at, EventKind.UNDEFINED)

    # --- a sampling's parts ------------------------------------------------------------------------------------

    def _with_state(self, vm: Vm, counters: Counters, at: float) -> Vm:
        state = counters.state
        # Statistics tell of a VM that does not run only that it does not: not whether it is saved. A listing will.
        if state not in ACTIVE or self._shared.is_past(at, self.seen(vm)):
            return vm
        if state is not vm.state or counters.reason != vm.state_reason:
            self._listing = None
        return self._in_state(vm, state, counters.reason, at)

    def _with_figures(self, vm: Vm, counters: Counters, at: float, states_at: float, host_cpus: int | None) -> Vm:
        before_at, before = self._readings.get(vm.uuid, (0.0, None))
        if before is not None and (0 <= at - before_at < CLOSEST_S or self._shared.is_past(at, before_at)):
            return vm
        self._readings[vm.uuid] = (at, counters)
        self._old_figures.discard(vm.uuid)
        found = figures(before, before_at, counters, at, host_cpus)
        if before is None and vm.state in RESTING:
            found = at_rest(found.mem_pct, found.mem_used_bytes)
        vm = replace(
            vm,
            cpu_pct=found.cpu_pct,
            cores=found.cores,
            steal_pct=found.steal_pct,
            mem_pct=found.mem_pct,
            mem_used_bytes=found.mem_used_bytes,
            disk_read_bps=found.disk_read_bps,
            disk_write_bps=found.disk_write_bps,
            disk_latency_ms=found.disk_latency_ms,
            net_rx_bps=found.net_rx_bps,
            net_tx_bps=found.net_tx_bps,
            vcpus=counters.vcpus or vm.vcpus,
            mem_max_bytes=counters.mem_max_bytes or vm.mem_max_bytes,
            seen=vm.seen if self._shared.is_past(states_at, vm.seen) else states_at,
            sampled=at,
        )
        self._shared.recent.add_vm(vm)
        return vm
