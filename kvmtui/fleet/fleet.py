"""The whole fleet as it is known now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui.config.structs import Periods
from kvmtui.fleet import filter as filters
from kvmtui.fleet import summary
from kvmtui.fleet.expect import Expectation, Expectations
from kvmtui.fleet.findings import Board
from kvmtui.fleet.known import KnownHost
from kvmtui.fleet.ledger import Ledger
from kvmtui.fleet.orders import Orders
from kvmtui.fleet.shared import Shared
from kvmtui.fleet.tags import TagRules
from kvmtui.fleet.trouble import Twin
from kvmtui.hosts.reports import Happened, Listing
from kvmtui.model.host import LinkState, Summary
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from kvmtui.config.structs import Config, HostConfig
    from kvmtui.fleet.changes import Changes
    from kvmtui.fleet.events import EventLog
    from kvmtui.fleet.filter import Filter
    from kvmtui.fleet.recent import Recent
    from kvmtui.fleet.saved import Saved
    from kvmtui.fleet.table import Address
    from kvmtui.hosts.reports import Report
    from kvmtui.model.host import Host
    from kvmtui.model.vm import Vm

NOTHING: frozenset[str] = frozenset()
_FORGET_S = 60.0
_AGES_S = 5.0
"""Where nothing else happens, what is shown of ages is looked at this often."""
_TOPICS = ("hosts", "vms", "events")
_ALL = frozenset(_TOPICS)
_HOSTS = frozenset({"hosts"})
_VMS = frozenset({"vms"})


class Fleet:
    """Hosts and VMs, kept by reports. Belongs to one loop; does no I/O.

    Rows are frozen, and a row without news stays the same object. ``clock`` gives seconds since the epoch.
    """

    def __init__(self, hosts: Sequence[HostConfig] = (), clock: Callable[[], float] = time.time) -> None:
        self.name = ""
        self.on_event: list[Callable[[Happened], None]] = []
        """Called with every event once it is taken in; must not raise."""
        self._clock = clock
        self._shared = Shared(Periods(), clock, self._twins, self.same_as)
        self._known: dict[str, KnownHost] = {}
        self.findings = Board()
        """What was found by the last round of checks; see check()."""
        self.ledger = Ledger()
        """The newest of the audit record, as somebody who reads the journal has put it there."""
        self._expectations = Expectations()
        self.orders = Orders(self.seen)
        self._forgot_at = self._aged_at = clock()
        self._set_hosts(hosts)

    # --- config ------------------------------------------------------------------------------------------------

    def apply(self, config: Config) -> frozenset[str]:
        """Take over a config: hosts that are new, gone or changed, tags, periods. Return the topics that changed.

        A host whose URI changed is another host: nothing is known of it yet.
        """
        before = self._revisions()
        self.name = config.name
        self._shared.tags = TagRules(config.vm_tags)
        self._shared.periods = config.periods
        self._set_hosts(config.hosts)
        return self._changed_since(before)

    def _set_hosts(self, hosts: Sequence[HostConfig]) -> None:
        wanted = {entry.name: entry for entry in hosts}
        new = wanted.keys() - self._known.keys() if self._known else ()
        for name, known in list(self._known.items()):
            if name not in wanted or wanted[name].uri != known.host.uri:
                known.vms.forget()
                del self._known[name]
                self._shared.chronicle.configured(name, is_there=False)
                self.host_changes.mark(name)
                self.host_changes.prune(self._known, len(self._known))
        for name in sorted(new):
            self._shared.chronicle.configured(name, is_there=True)
        self._known = {name: self._known.get(name) or KnownHost(entry, self._shared) for name, entry in wanted.items()}
        for name, entry in wanted.items():
            self._known[name].configure(entry)
        self._compare_identities()
        self._compare_twins(())

    def restore(self, saved: Saved) -> frozenset[str]:
        """Take in what an earlier worker knew of hosts that are still in the config and were not heard of yet."""
        before = self._revisions()
        for host, vms in saved.hosts:
            if (known := self._known.get(host.name)) is not None and known.host.uri == host.uri:
                known.restore(host, vms)
        self._compare_twins(())
        if saved.events_since is not None:
            self.events.restore(saved.events, saved.events_since)
        return self._changed_since(before)

    def watched_from(self, at: float, last: float | None) -> None:
        """Write down since when it is watched; ``last`` is when an earlier worker last did so, None: none ever did."""
        self._shared.chronicle.begins(at, last)

    # --- reports -----------------------------------------------------------------------------------------------

    def reduce(self, report: Report) -> frozenset[str]:
        """Take in a report and return the topics that it changed: "hosts", "vms", "events". A late one: none."""
        known = self._known.get(report.host)
        if known is None:
            return NOTHING
        before = self._revisions()
        identity = known.host_uuid
        if not known.take(report):
            return NOTHING
        if known.host_uuid != identity:
            self._compare_identities()
        self._compare_twins(known.vms.rows.keys() if isinstance(report, Listing) else ())
        if isinstance(report, Happened):
            self._expectations.happened(report, known.vms.rows.get(report.uuid))
            for listener in self.on_event:
                listener(report)
        self._expectations.look(report.host, known.vms.read)
        return self._changed_since(before)

    def tick(self) -> frozenset[str]:
        """Note what time alone changes, once a second: hosts that have fallen silent, and now and then every age."""
        before = self._revisions()
        now = self._clock()
        for known in self._known.values():
            known.tick(now)
        self._shared.chronicle.tick(now)
        if not 0 <= now - self._forgot_at < _FORGET_S:
            self._forgot_at = now
            self.recent.forget_old(now)
        if not 0 <= now - self._aged_at < _AGES_S:
            self._aged_at = now
            return _ALL
        return self._changed_since(before)

    def _revisions(self) -> tuple[int, int, int]:
        return self.host_changes.revision, self.vm_changes.revision, self.events.changes.revision

    def _changed_since(self, before: tuple[int, int, int]) -> frozenset[str]:
        now = self._revisions()
        if now[2] == before[2]:
            return (_HOSTS if now[0] != before[0] else NOTHING) | (_VMS if now[1] != before[1] else NOTHING)
        return frozenset(topic for topic, new, old in zip(_TOPICS, now, before, strict=True) if new != old)

    # --- one VM in two places ----------------------------------------------------------------------------------

    def _compare_identities(self) -> None:
        """Find entries of the config that are one host."""
        first: dict[str, str] = {}
        for name, known in self._known.items():
            other = first.setdefault(known.host_uuid, name) if known.host_uuid else name
            known.is_same_as(other if other != name else "")
        self._shared.table.stirred.update(self._shared.table.shared)

    def _twins(self, host: str, uuid: str) -> tuple[Twin, ...]:
        """Return what is known of a VM's UUID on other hosts.

        That it runs twice is said only once both hosts were listed again after the latest change on either: during a
        migration the one may be read just before and the other just after.
        """
        known = self._known.get(host)
        if known is None:
            return ()
        vm, settled_at = known.vms.rows.get(uuid), self._shared.table.shared.get(uuid, 0.0)
        found: list[Twin] = []
        for name in self._shared.table.places(uuid):
            other = self._known.get(name)
            if name == host or other is None or (known.host_uuid and known.host_uuid == other.host_uuid):
                continue
            twin = other.vms.rows[uuid]
            both_run = vm is not None and vm.state is VmState.RUNNING and twin.state is VmState.RUNNING
            is_confirmed = both_run and min(known.vms.listed_at, other.vms.listed_at) > settled_at
            found.append(Twin(name, twin.state, twin.was, twin.since, is_confirmed))
        return tuple(found)

    def _compare_twins(self, listed: Collection[str]) -> None:
        """Judge anew the VMs of which something changed on another host, and those ``listed`` that are on several."""
        table = self._shared.table
        if not table.stirred and not table.shared:
            return
        uuids = table.stirred | (table.shared.keys() & listed)
        table.stirred = set()
        for uuid in uuids:
            for host in table.places(uuid):
                if host in self._known:
                    self._known[host].vms.rejudge(uuid)

    # --- asked -------------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Name -> row, in the order of the config."""
        return {name: known.host for name, known in self._known.items()}

    def host(self, name: str) -> Host | None:
        """Return a host by its name, at no more cost however many there are."""
        known = self._known.get(name)
        return known.host if known is not None else None

    @property
    def known(self) -> Mapping[str, KnownHost]:
        """Name -> all that is known of the host, in the order of the config."""
        return self._known

    @property
    def vms(self) -> Mapping[Address, Vm]:
        """(host, UUID) -> row."""
        return self._shared.table.rows

    @property
    def vm_names(self) -> Iterable[tuple[str, Address]]:
        """(key of the name, address) of all VMs, in order."""
        return self._shared.table.names

    @property
    def folded_names(self) -> Mapping[Address, str]:
        """(host, UUID) -> name without letters' case."""
        return self._shared.table.folded

    @property
    def host_changes(self) -> Changes[str]:
        """Which hosts changed since when."""
        return self._shared.hosts_changes

    @property
    def vm_changes(self) -> Changes[Address]:
        """Which VMs changed since when."""
        return self._shared.table.changes

    @property
    def events(self) -> EventLog:
        """What happened."""
        return self._shared.events

    @property
    def recent(self) -> Recent:
        """The last quarter of an hour of figures."""
        return self._shared.recent

    @property
    def is_demo(self) -> bool:
        """Whether figures are invented."""
        return any(known.host.demo for known in self._known.values())

    @property
    def late_after_s(self) -> float:
        """Age from which what is known of a row's state is stale."""
        return self._shared.late_after_s

    def find(self, host: str, uuid: str) -> Vm | None:
        """Return a VM by its address."""
        return self._shared.table.rows.get((host, uuid))

    def namesakes(self, uuid: str) -> list[Vm]:
        """Return every VM of that UUID; there is more than one only if something is to be looked at."""
        return [self._shared.table.rows[host, uuid] for host in self._shared.table.places(uuid)]

    def elsewhere(self, host: str, uuid: str) -> list[Vm]:
        """Return the VMs of that UUID on other hosts than ``host``, by whatever name the config has it."""
        same = {host, self.same_as(host) or host}
        return [vm for vm in self.namesakes(uuid) if (self.same_as(vm.host) or vm.host) not in same]

    def same_as(self, host: str) -> str:
        """Return the first name in the config of a host that stands there under several, "" for that first one."""
        known = self._known.get(host)
        return known.same_as if known is not None else ""

    def on_hosts(self, names: Iterable[str]) -> list[Vm]:
        """Return the VMs of these hosts."""
        return [vm for name in names if name in self._known for vm in self._known[name].vms.rows.values()]

    def count(self, names: Collection[str]) -> int:
        """Return how many VMs these hosts have; all hosts, if none is named."""
        if not names:
            return len(self._shared.table.rows)
        return sum(len(self._known[name].vms.rows) for name in names if name in self._known)

    def seen(self, vm: Vm) -> float:
        """Return when the state of a VM was last read; ``Vm.seen`` itself may stay SEEN_LAG_S behind."""
        known = self._known.get(vm.host)
        return vm.seen if known is None else known.vms.seen(vm)

    def filter(self, text: str, resource: str = "vms", *, for_act: bool = False) -> Filter:
        """Return a filter that knows how to read this fleet's rows. Raises FilterError."""
        reading = {"seen": self.seen} if resource == "vms" else {}
        return filters.parse(text, resource, for_act=for_act, reading=reading)

    def matching(self, wanted: Filter) -> list[Vm]:
        """Return the VMs that match for certain, each once though the config may name its host twice."""
        return wanted.keys(((vm, vm) for vm in self._distinct()), self._clock())

    def _distinct(self) -> Iterable[Vm]:
        return (vm for known in self._known.values() if not known.same_as for vm in known.vms.rows.values())

    def _wrong(self) -> Iterable[Vm]:
        return (self.vms[address] for address in self._shared.table.wrong if not self.same_as(address[0]))

    def undecided(self, wanted: Filter) -> int:
        """Return how many VMs may match or not: what the filter asks is not known of them."""
        now = self._clock()
        return sum(wanted.match(vm, now) is None for vm in self._distinct())

    def check(self) -> Iterator[None]:
        """Look for findings anew: a round that goes on from one host to the next each time it is asked."""
        table = self._shared.table
        return self.findings.round(self._known, {uuid: table.places(uuid) for uuid in table.shared}, self._clock())

    def set_job(self, host: str, uuid: str, verb: str) -> None:
        """Mark a VM as worked on by a job; "": no longer."""
        if verb:
            self._shared.table.jobs[host, uuid] = verb
        else:
            self._shared.table.jobs.pop((host, uuid), None)
        if host in self._known:
            self._known[host].vms.mark_job(uuid, verb)

    def expect(self, host: str, uuid: str, states: Collection[VmState] = (), kind: str = "") -> Expectation:
        """Return the expectation that a VM gets into one of ``states``, or that an event of ``kind`` happens to it.

        What counts is read or happens from now on. To be used as a context manager, made before the act.
        """
        return self._expectations.make(host, uuid, frozenset(states), kind, self._clock())

    def summary(
        self,
        *,
        jobs_running: int = 0,
        jobs_waiting: int = 0,
        jobs_unread: int = 0,
        clients: int = 0,
        notice: str = "",
    ) -> Summary:
        """Return the fleet in one line; of jobs, clients and the worker it says what it is told."""
        known = list(self._known.values())
        hosts = [host.host for host in known]
        load = summary.load(hosts)
        worst, total = summary.troubles(hosts, self._wrong())
        return Summary(
            name=self.name,
            demo=self.is_demo,
            hosts_up=sum(host.link is LinkState.UP for host in hosts),
            hosts_total=len(hosts),
            hosts_connecting=sum(host.link is LinkState.CONNECTING for host in hosts),
            vms=summary.states(known),
            cpu_pct=load.cpu_pct,
            mem_pct=load.mem_pct,
            troubles=tuple((trouble.words, trouble.severity) for trouble in worst),
            troubles_since=tuple(trouble.since for trouble in worst),
            troubles_total=total,
            jobs_running=jobs_running,
            jobs_waiting=jobs_waiting,
            jobs_unread=jobs_unread,
            clients=clients,
            notice=notice,
        )
