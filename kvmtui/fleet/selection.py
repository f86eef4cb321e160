"""The rows that a query selects, in its order, kept up to date at the price of what changed."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from kvmtui.errors import UsageError
from kvmtui.fleet.fields import RESOURCES, Row, reader
from kvmtui.fleet.order import Entry, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kvmtui.fleet.changes import Changes
    from kvmtui.fleet.fleet import Fleet
    from kvmtui.model.job import Job
    from kvmtui.wire.messages import Query

_OWN_KEYS: dict[str, Callable[[Row], Any]] = {
    "vms": lambda vm: (vm.host, vm.uuid),
    "hosts": lambda host: host.name,
    "jobs": lambda job: job.id,
    "events": lambda event: event.id,
}


def own_key(resource: str, key: str) -> Any:  # noqa: ANN401 - an address of a VM, a name or an id
    """Return what a selection calls the row with that key of the line."""
    if resource != "vms":
        return key
    host, _, uuid = key.rpartition("/")
    return host, uuid


class Selection:
    """What filter, scope and sort of a query select. ``order`` is current as of the last refresh()."""

    def __init__(self, query: Query, fleet: Fleet) -> None:
        """Raises FilterError for a wrong filter, UsageError for a resource or column that does not exist."""
        if query.resource not in RESOURCES:
            raise UsageError(
                f"there is nothing called {query.resource[:40]!r}", remedy=f"one of: {', '.join(RESOURCES)}"
            )
        columns = RESOURCES[query.resource].columns
        for name in (*query.columns, *([query.sort] if query.sort else [])):
            if name not in columns:
                raise UsageError(f"{query.resource} have no column {name[:40]!r}")
        self.resource = query.resource
        self._scope = frozenset(query.scope)
        self.filter = fleet.filter(query.filter, query.resource)
        self.order: list[Entry] = []
        """Entries of the rows that match; the last of each is the row's own key."""
        self.rows: dict[Any, Row] = {}
        """Own key -> row, of those that match."""
        self.total = 0
        """Rows in scope, whether they match or not."""
        reading: Mapping[str, Callable[[Row], Any]] = {column: reader(column) for column in columns}
        if query.resource == "vms":
            reading = {**reading, "seen": fleet.seen}
        self._own = _OWN_KEYS[query.resource]
        self._entry = entry_of(query.resource, query.sort, query.descending, reading, self._own)
        self._entries: dict[Any, Entry] = {}
        self._is_timely = self.filter.timely or query.sort == "seen"
        self._revision = -1
        self._is_sorted = True

    def refresh(self, fleet: Fleet, jobs: Sequence[Job], now: float, *, hold: bool) -> None:
        """Take in what changed. With ``hold`` the rows that stay keep their order, and those that come are last."""
        if self.resource == "vms":
            self.total = fleet.count(self._scope)
            self._follow(fleet.vm_changes, fleet.vms, lambda: fleet.on_hosts(self._scope or fleet.hosts), now, hold)
        elif self.resource == "hosts":
            hosts = {name: host for name, host in fleet.hosts.items() if not self._scope or name in self._scope}
            self.total = len(hosts)
            self._follow(fleet.host_changes, hosts, hosts.values, now, hold)
        elif self.resource == "events":
            events: Mapping[str, Row] = fleet.events.rows
            if self._scope:
                events = {key: event for key, event in events.items() if event.host in self._scope}
            self.total = len(events)
            self._follow(fleet.events.changes, events, events.values, now, hold)
        else:
            self.total = len(jobs)
            self._read_all(jobs, now, hold)

    def place(self, key: Any) -> int | None:  # noqa: ANN401 - as own_key() gives it
        """Return where a row is in the order, or None if it does not match."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        return bisect_left(self.order, entry) if self._is_sorted else self.order.index(entry)

    def _follow(
        self,
        changes: Changes[Any],
        known: Mapping[Any, Row],
        everything: Callable[[], Iterable[Row]],
        now: float,
        hold: bool,
    ) -> None:
        newer = None if self._is_timely or self._revision < 0 else changes.since(self._revision)
        self._revision = changes.revision
        if newer is None:
            self._read_all(everything(), now, hold)
            return
        if self._scope and self.resource == "vms":
            newer = [key for key in newer if key[0] in self._scope]
        own = self._own
        matching = {own(row): row for row in self.filter.select([known[key] for key in newer if key in known], now)}
        self._apply(matching, [key for key in newer if key not in matching and key in self.rows], hold)

    def _read_all(self, rows: Iterable[Row], now: float, hold: bool) -> None:
        own = self._own
        matching = {own(row): row for row in self.filter.select(rows, now)}
        self._apply(matching, [key for key in self.rows if key not in matching], hold)

    def _apply(self, matching: Mapping[Any, Row], gone: Sequence[Any], hold: bool) -> None:
        """Take in rows that match and may be new or changed, and those that match no longer."""
        came: list[Entry] = []
        replaced: set[int] = set()
        entries = self._entries
        for key in gone:
            del self.rows[key]
            replaced.add(id(entries.pop(key)))
        for key, row in matching.items():
            if self.rows.get(key) is row and not self._is_timely:
                continue
            self.rows[key] = row
            entry, before = self._entry(row), entries.get(key)
            if entry == before:
                continue
            entries[key] = entry
            if before is not None:
                replaced.add(id(before))
            if before is None or not hold:
                came.append(entry)
        if hold:
            if replaced or came:
                self.order = [entries[entry[2]] for entry in self.order if entry[2] in entries] + sorted(came)
                self._is_sorted = False
        elif replaced or came or not self._is_sorted:
            if replaced:
                self.order = [entry for entry in self.order if id(entry) not in replaced]
            self.order += came
            self.order.sort()
            self._is_sorted = True
