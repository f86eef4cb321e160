"""The rows of one host's VMs, each with what is wrong with it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui.fleet import trouble
from kvmtui.fleet.rates import NO_FIGURES, at_rest
from kvmtui.fleet.trouble import VmFacts
from kvmtui.model.host import LinkState
from kvmtui.model.vm import ACTIVE, RESTING, Vm, VmState

if TYPE_CHECKING:
    from kvmtui.config.structs import HostConfig
    from kvmtui.fleet.shared import Shared
    from kvmtui.hosts.reports import Counters, Definition, Surveyed


class VmRows:
    """Rows by UUID. Times are of the fleet's clock."""

    def __init__(self, entry: HostConfig, shared: Shared) -> None:
        self.entry = entry
        self.rows: dict[str, Vm] = {}
        self.counts: Counter[VmState] = Counter()
        self.listed_at = 0.0
        """When they were last listed."""
        self.is_known = False
        """Whether they were ever listed, by an earlier worker at least: what comes then is news."""
        self._shared = shared
        self._link = LinkState.CONNECTING
        self._plain = VmFacts(link=self._link)
        self._stuck: dict[str, str] = {}
        self._io_errors: dict[str, str] = {}
        self._old_figures: set[str] = set()
        self._readings: dict[str, tuple[float, Counters]] = {}
        """UUID -> when its counters were last read in the state it is in, with what they said."""
        self.definitions: dict[str, Definition] = {}
        """UUID -> what its definition says, of those that could be read."""
        self.unread: dict[str, str] = {}
        """UUID -> why its definition could not be read, of those that were tried last in vain."""
        self._own_tags: dict[str, tuple[str, ...]] = {}

    def seen(self, vm: Vm) -> float:
        """Return when the state of one of them was last read."""
        return vm.seen if vm.state is VmState.UNKNOWN else max(vm.seen, self.listed_at)

    def retag(self, entry: HostConfig) -> None:
        """Take over changed tags."""
        self.entry = entry
        for vm in list(self.rows.values()):
            if (tags := self._tags(vm.uuid, vm.name)) != vm.tags:
                self._put(replace(vm, tags=tags), vm.seen)

    def restore(self, vm: Vm) -> None:
        """Take in a VM as an earlier worker knew it, with tags of its own only: unknown until heard of again."""
        if not self.listed_at and vm.uuid not in self.rows:
            self._own(vm.uuid, vm.tags)
            self._put(replace(out_of_sight(vm, vm.seen), tags=self._tags(vm.uuid, vm.name)), vm.seen)
            self.is_known = True

    def own_tags(self, uuid: str) -> tuple[str, ...]:
        """Return the tags that stand in a VM's own definition."""
        return self._own_tags.get(uuid, ())

    def take_survey(self, report: Surveyed) -> None:
        """Take in what the definitions of some of them say."""
        for found in report.vms:
            vm = self.rows.get(found.uuid)
            if vm is None:
                continue
            self.definitions[vm.uuid] = found
            self.unread.pop(vm.uuid, None)
            self._own(vm.uuid, found.tags)
            tags = self._tags(vm.uuid, vm.name)
            if (vm.owner, vm.tags) != (found.owner, tags):
                self._put(replace(vm, owner=found.owner, tags=tags), vm.seen)
        for uuid, why in report.failed:
            if uuid in self.rows:
                self.unread[uuid] = why

    def rejudge(self, uuid: str) -> None:
        """Say anew what is wrong with a VM: something about another host's VM of its UUID changed."""
        if vm := self.rows.get(uuid):
            verdict = trouble.of_vm(vm, self._facts(vm))
            if verdict != (vm.trouble, vm.severity):
                self._put(vm, vm.seen)

    def mark_job(self, uuid: str, verb: str) -> None:
        """Show the verb of the job that works on a VM; "": none does."""
        vm = self.rows.get(uuid)
        if vm is not None and vm.job != verb:
            self._put(replace(vm, job=verb), vm.seen)

    def forget(self) -> None:
        """Take them all out: their host left the config."""
        for vm in list(self.rows.values()):
            self._vanish(vm)
            self._shared.chronicle.forget(vm)

    def _tags(self, uuid: str, name: str) -> tuple[str, ...]:
        return self._shared.tags.tags(self.entry.tags, self.entry.name, name, self.own_tags(uuid))

    def _own(self, uuid: str, tags: tuple[str, ...]) -> None:
        if tags:
            self._own_tags[uuid] = tags
        else:
            self._own_tags.pop(uuid, None)

    def _in_state(self, vm: Vm, state: VmState, reason: str, at: float) -> Vm:
        """Return ``vm`` in a state read ``at``; when it began is known only if the one before was."""
        if state is vm.state:
            return vm if reason == vm.state_reason else replace(vm, state_reason=reason, seen=at)
        if state is not VmState.PAUSED:
            self._io_errors.pop(vm.uuid, None)
        since = None if vm.state is VmState.UNKNOWN else at
        vm = replace(vm, state=state, state_reason=reason, was=None, since=since, seen=at)
        if state in RESTING:
            self._readings.pop(vm.uuid, None)
            return vm if vm.sampled is None else replace(vm, **at_rest(vm.mem_pct, vm.mem_used_bytes)._asdict())
        if state in ACTIVE:
            return vm
        self._forget_run(vm.uuid)
        return replace(vm, **NO_FIGURES._asdict(), sampled=None)

    def _forget_run(self, uuid: str) -> None:
        """Forget what held only while its QEMU ran."""
        self._stuck.pop(uuid, None)
        self._io_errors.pop(uuid, None)
        self._old_figures.discard(uuid)
        self._readings.pop(uuid, None)

    def _facts(self, vm: Vm) -> VmFacts:
        uuid, is_paused = vm.uuid, vm.state is VmState.PAUSED
        is_shared = uuid in self._shared.table.shared
        if not (is_paused or is_shared or self._stuck or self._io_errors or self._old_figures):
            return self._plain
        is_lasting = vm.since is None or self._shared.clock() - vm.since >= trouble.LASTING_S
        return VmFacts(
            self._link,
            self._stuck.get(uuid, ""),
            self._io_errors.get(uuid, ""),
            self._shared.twins(self.entry.name, uuid) if is_shared else (),
            uuid in self._old_figures,
            is_lasting,
        )

    def _put(self, vm: Vm, at: float) -> None:
        """Make ``vm`` the row, with what is wrong with it."""
        verdict = trouble.of_vm(vm, self._facts(vm))
        if verdict != (vm.trouble, vm.severity):
            vm = replace(vm, trouble=verdict.trouble, severity=verdict.severity)
        before = self.rows.get(vm.uuid)
        if before is None or before.state is not vm.state:
            self.counts[vm.state] += 1
            if before is not None:
                self.counts[before.state] -= 1
        self.rows[vm.uuid] = vm
        self._shared.table.put(vm, before, at)
        if before is not None and (before.state is not vm.state or before.severity != vm.severity):
            self._shared.chronicle.changed(before, vm, at)

    def _vanish(self, vm: Vm) -> None:
        del self.rows[vm.uuid]
        self.counts[vm.state] -= 1
        self._forget_run(vm.uuid)
        for known in (self.definitions, self.unread, self._own_tags):
            known.pop(vm.uuid, None)
        self._shared.table.drop(vm)


def out_of_sight(vm: Vm, seen: float) -> Vm:
    """Return ``vm`` as it reads while its host does not answer: its figures stay, with their age."""
    if vm.state is VmState.UNKNOWN:
        return vm
    return replace(vm, state=VmState.UNKNOWN, was=vm.state, state_reason=f"was {vm.state.value}", since=seen, seen=seen)
