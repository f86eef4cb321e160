"""The rows that a query selects, in its order, kept up to date at the price of what changed."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from kvmtui.errors import UsageError
from kvmtui.fleet.blocks import Blocks
from kvmtui.fleet.fields import RESOURCES, Row
from kvmtui.fleet.orders import SLICE, Order, Source, advance, by_second
from kvmtui.fleet.sifted import Sifted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.fleet.order import Entry
    from kvmtui.wire.messages import Query

_OWN_KEYS: dict[str, Callable[[Row], Any]] = {
    "vms": lambda vm: (vm.host, vm.uuid),
    "hosts": lambda host: host.name,
    "jobs": lambda job: job.id,
    "steps": lambda step: (step.host, step.uuid),
    "events": lambda event: event.id,
    "findings": lambda finding: finding.id,
    "audit": lambda record: record.id,
}
OF_VMS = frozenset({"vms", "steps"})
"""Resources whose rows have the addresses of VMs."""
_SCOPES: dict[str, Callable[[Row], str]] = {
    "vms": lambda vm: vm.host,
    "hosts": lambda host: host.name,
    "events": lambda event: event.host,
    "findings": lambda finding: finding.host,
    "audit": lambda record: record.host,
}
"""Resource -> what gives the host of a row; what is not here has none."""
_FEW = 8
"""Where not one in so many rows matches, the rows that do are sorted rather than sought in the order of all."""


def line_key(own: Any) -> str:  # noqa: ANN401 - as own_key() gives it
    """Return the key of the line of what a selection calls so."""
    return own if isinstance(own, str) else "/".join(own)


def own_key(resource: str, key: str) -> Any:  # noqa: ANN401 - an address of a VM, a name or an id
    """Return what a selection calls the row with that key of the line."""
    if resource not in OF_VMS:
        return key
    host, _, uuid = key.rpartition("/")
    return host, uuid


class Selection:
    """What filter, scope and sort of a query select, as of the last refresh()."""

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
        self.filter = fleet.filter(query.filter, query.resource)
        self.rows: Mapping[Any, Row] = {}
        """Own key -> row, of those that match and others."""
        self.total = 0
        """Rows in scope, whether they match or not."""
        self._scope = frozenset(query.scope if query.resource in _SCOPES else ())
        self._own = _OWN_KEYS[query.resource]
        self._order: Order = (
            Order("steps", query.sort, query.descending, None)  # each job has steps of its own
            if query.resource == "steps"
            else fleet.orders.order(query.resource, query.sort, query.descending)
        )
        self._matching: frozenset[Any] | None = frozenset() if self.filter or self._scope else None
        """Own keys of the rows that match; None: all of them do."""
        self._matched = 0
        """Another one when ``_matching`` is."""
        self._revision = -1
        self._source: Source
        self._work: Iterator[None] | None = None
        self._listed: Blocks[Entry] | Sifted = Blocks()
        self._listed_of: tuple[object, ...] = ()
        """What ``_listed`` was made of."""
        self._held: dict[Any, int] | None = None
        """While the order is held: own key -> place."""
        self._held_list: list[Any] = []
        self._held_of: tuple[object, ...] = ()

    # --- asked -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._listed) if self._held is None else len(self._held_list)

    def keys(self, first: int, count: int) -> list[Any]:
        """Return the own keys of the rows ``first`` to ``first + count``."""
        if self._held is not None:
            return self._held_list[first : first + count]
        return [entry[2] for entry in self._listed.span(first, count)]

    def place(self, key: Any) -> int | None:  # noqa: ANN401 - as own_key() gives it
        """Return where a row is in the order, or None if it does not match."""
        if self._held is not None:
            return self._held.get(key)
        entry = self._order.entries.get(key) if key in self else None
        try:
            return None if entry is None else self._listed.place(entry)
        except ValueError:  # somebody else has taken in since that it moved
            return next((place for place, listed in enumerate(self._listed) if listed[2] == key), None)

    def __contains__(self, key: object) -> bool:
        return key in (self._order.entries if self._matching is None else self._matching)

    # --- kept up to date ---------------------------------------------------------------------------------------

    def refresh(self, fleet: Fleet, written: Sequence[Row], now: float, *, hold: bool, until: float = inf) -> bool:
        """Take in what changed; return whether that is done, or more is left to do than there was time ``until``.

        With ``hold`` the rows that stay keep their order, and those that come are last. ``until`` is of
        time.monotonic(); what is not done then goes on the next time, and all that is told stays as it was.
        ``written`` are the rows that are the journal's: jobs, or steps of one.
        """
        self._source = source = self._source_of(fleet, written)
        if not self._order.refresh(source, until):
            return False
        if self._matching is not None:
            work, self._work = self._work or self._match(fleet, now), None
            if not advance(work, until if source.changes is not None else inf):
                self._work = work
                return False
        self.rows = source.rows
        if self.resource == "vms":
            self.total = fleet.count(self._scope)
        else:
            self.total = len(self._in_scope(source.rows.values())) if self._scope else len(source.rows)
        if hold:
            self._keep_order()
        else:
            self._held = None
            self._list()
        return True

    def _source_of(self, fleet: Fleet, written: Sequence[Row]) -> Source:
        match self.resource:
            case "vms":
                return Source(fleet.vms, fleet.vm_changes, lambda: fleet.vm_names, fleet.folded_names)
            case "jobs" | "steps":
                found: dict[Any, Row] = {self._own(row): row for row in written}
                return Source(found, None, lambda: by_second(self.resource, found))
            case "hosts":
                hosts = fleet.hosts
                return Source(hosts, fleet.host_changes, lambda: by_second("hosts", hosts))
            case "findings":
                findings = fleet.findings
                return Source(findings.rows, findings.changes, lambda: by_second("findings", findings.rows))
            case "audit":
                ledger = fleet.ledger
                return Source(ledger.rows, ledger.changes, lambda: by_second("audit", ledger.rows))
            case _:
                events = fleet.events
                return Source(events.rows, events.changes, lambda: by_second("events", events.rows))

    def _in_scope(self, rows: Iterable[Row]) -> list[Row]:
        """Return those that belong to the hosts of the scope."""
        host_of, scope = _SCOPES[self.resource], self._scope
        return [row for row in rows if host_of(row) in scope]

    def _match(self, fleet: Fleet, now: float) -> Iterator[None]:
        """Find out which rows match: all of them are asked, or those that changed."""
        changes = self._source.changes
        if changes is None:
            yield from self._match_all(fleet, now)
            return
        is_known = self._revision >= 0 and not self.filter.timely
        while not is_known or changes.revision != self._revision:
            newer = changes.since(self._revision) if is_known else None
            self._revision, is_known = changes.revision, True
            if newer is None:
                yield from self._match_all(fleet, now)  # meanwhile more may have changed
            else:
                yield from self._match_some(newer, now)

    def _match_all(self, fleet: Fleet, now: float) -> Iterator[None]:
        found: list[Any] = []
        folded, needle = self._source.folded, self.filter.needle
        if folded is not None and needle and not self._scope:
            keys, names = list(folded), list(folded.values())
            for start in range(0, len(keys), 4 * SLICE):
                end = start + 4 * SLICE
                found += [key for key, name in zip(keys[start:end], names[start:end], strict=True) if needle in name]
                yield
        else:
            rows: Iterable[Row] = self._source.rows.values()
            if self._scope:
                rows = fleet.on_hosts(self._scope) if self.resource == "vms" else self._in_scope(rows)
            asked = list(rows)
            keys = list(map(self._own, asked)) if self._scope else list(self._source.rows)
            for start in range(0, len(asked), SLICE):
                end = start + SLICE
                found += self.filter.keys(zip(keys[start:end], asked[start:end], strict=True), now)
                yield
        matching = frozenset(found)
        self._matched += matching != self._matching
        self._matching = matching

    def _match_some(self, newer: list[Any], now: float) -> Iterator[None]:
        for start in range(0, len(newer), SLICE):
            assert self._matching is not None
            if start:
                yield
            some = newer[start : start + SLICE]
            rows = self._source.rows
            there = [(key, row) for key in some if (row := rows.get(key)) is not None]
            if self._scope:
                host_of, scope = _SCOPES[self.resource], self._scope
                there = [(key, row) for key, row in there if host_of(row) in scope]
            match = frozenset(self.filter.keys(there, now))
            gone = self._matching.intersection(some) - match
            if gone or not match <= self._matching:
                self._matching = (self._matching | match) - gone
                self._matched += 1

    def _list(self) -> None:
        """Put those that match into the order."""
        order, matching = self._order, self._matching
        made_of = (order.version, self._matched)
        if made_of == self._listed_of:
            return
        self._listed_of = made_of
        if matching is None:
            self._listed = order.sorted.view()
        elif len(matching) * _FEW < len(order.sorted):
            self._listed = Blocks(sorted(order.entries[key] for key in matching))
        else:
            self._listed = Sifted(order.sorted.view(), matching)

    def _keep_order(self) -> None:
        """Keep those that match in the order in which they were, what comes behind them."""
        made_of = (self._order.members, self._matched)
        if self._held is not None and made_of == self._held_of:
            return
        self._held_of = made_of
        if self._held is None and not self._listed_of:
            self._list()
        before = self._held_list if self._held is not None else [entry[2] for entry in self._listed]
        members = self._order.entries.keys() if self._matching is None else self._matching
        kept = [key for key in before if key in members]
        if len(kept) < len(members):
            known = set(kept)
            entries = self._order.entries
            kept += [entry[2] for entry in sorted(entries[key] for key in members if key not in known)]
        self._held_list = kept
        self._held = {key: place for place, key in enumerate(kept)}
