"""What the words of a filter mean for each kind of row."""

from __future__ import annotations

import re
from difflib import get_close_matches
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from kvmtui.model.columns import COLUMNS, Column, Kind
from kvmtui.model.event import EventKind
from kvmtui.model.host import LinkState
from kvmtui.model.job import JobState, StepState
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = Any
"""A Vm, Host, Job, Step, Event, Finding or AuditRow."""

_NOT_IN_WORDS = re.compile(r"[^a-z0-9*?]")


def normal(word: str) -> str:
    """Return a state or reason as it is compared: "I/O error" and "ioerror" are one, "shut off" and "shut-off"."""
    return _NOT_IN_WORDS.sub("", word.casefold())


def _states(states: type[VmState | LinkState | JobState | StepState | EventKind], **aliases: str) -> dict[str, str]:
    """Return every word that means a state: its normal form -> the state's value."""
    return {normal(state.value): state.value for state in states} | aliases


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of row."""

    columns: Mapping[str, Column]
    aliases: Mapping[str, str]
    """Short word, or title of a column -> column id."""
    states: Mapping[str, Mapping[str, str]]
    """Column of kind STATE -> the words that are understood for it."""
    no_state: str = ""
    """The value of a state column which says that the state is not known."""
    out_of_sight: Callable[[Row], bool]
    """Says of a row that its host does not answer, so that most of it is unknown."""
    lasting: frozenset[str]
    """Columns that are known of such a row all the same."""
    partial: Mapping[str, Callable[[Row], bool]] = {}
    """Column of kind LIST -> says of a row that there may be more in it than is known."""
    phrases: frozenset[str] = frozenset()
    """Columns compared in the form that normal() gives, as states are."""
    bare: tuple[str, ...]
    """Columns a bare word looks in."""
    address: str = ""
    """Column a bare word looks in too when it has the form of an IP address."""
    uuid: str = ""
    """Column whose beginning a bare word is compared with when it has the form of a UUID."""

    def field(self, word: str) -> Column | None:
        """Return the column that a word of the filter means, or None."""
        name = word.casefold()
        return self.columns.get(name) or self.columns.get(self.aliases.get(name, ""))

    def closest(self, word: str) -> str:
        """Return the word that was most likely meant, or ""."""
        found = get_close_matches(word.casefold()[:40], [*self.columns, *self.aliases], 1, 0.6)
        return found[0] if found else ""


def _columns(resource: str) -> dict[str, Column]:
    return {column.id: column for column in COLUMNS[resource]}


def _words(resource: str, **short: str) -> dict[str, str]:
    """Return the words that mean a column beside its id: its title, and short ones that no title is."""
    return {column.title.casefold(): column.id for column in COLUMNS[resource] if column.title != column.id} | short


_VM_STATES = _states(
    VmState,
    off=VmState.OFF,
    stopped=VmState.OFF,
    dying=VmState.IN_SHUTDOWN,
    shuttingdown=VmState.IN_SHUTDOWN,
    suspended=VmState.SUSPENDED,
)

RESOURCES: dict[str, Resource] = {
    "vms": Resource(
        columns=_columns("vms"),
        aliases=_words(
            "vms",
            cpu="cpu_pct",
            mem="mem_pct",
            latency="disk_latency_ms",
            tag="tags",
            snapshot="has_snapshot",
            vm="name",
        ),
        states={"state": _VM_STATES, "was": _VM_STATES},
        no_state=VmState.UNKNOWN.value,
        out_of_sight=lambda vm: vm.state is VmState.UNKNOWN,
        lasting=frozenset(
            {"name", "host", "uuid", "tags", "owner", "state", "was", "seen", "sampled", "trouble", "severity", "job"}
        ),
        partial={"tags": lambda vm: vm.owner is None},
        phrases=frozenset({"state_reason"}),
        bare=("name",),
        uuid="uuid",
    ),
    "hosts": Resource(
        columns=_columns("hosts"),
        aliases=_words(
            "hosts",
            psi_cpu="pressure_cpu_pct",
            psi_mem="pressure_mem_pct",
            psi_io="pressure_io_pct",
            state="link",
            tag="tags",
            running="vms_running",
            guard="level",
        ),
        states={"link": _states(LinkState, down=LinkState.LOST)},
        out_of_sight=lambda host: host.link is not LinkState.UP,
        lasting=frozenset(
            {"name", "uri", "link", "link_reason", "link_remedy", "since", "version", "cpus", "mem_total_bytes"}
            | {"vms_total", "tags", "level", "trouble", "severity", "seen", "sampled", "demo"}
        ),
        bare=("name",),
        address="uri",
    ),
    "jobs": Resource(
        columns=_columns("jobs"),
        aliases=_words("jobs", vm="subject", user="by"),
        states={"state": _states(JobState)},
        out_of_sight=lambda _job: False,
        lasting=frozenset(),
        bare=("subject", "verb", "id"),
    ),
    "steps": Resource(
        columns=_columns("steps"),
        aliases=_words("steps", vm="name", why="text"),
        states={"state": _states(StepState, waiting=StepState.NOT_BEGUN, running=StepState.BEGUN)},
        out_of_sight=lambda _step: False,
        lasting=frozenset(),
        bare=("name", "text"),
        uuid="uuid",
    ),
    "events": Resource(
        columns=_columns("events"),
        aliases=_words("events", since="at", vm="name"),
        states={"kind": _states(EventKind, lost=EventKind.LINK_LOST, up=EventKind.LINK_UP)},
        out_of_sight=lambda _event: False,
        lasting=frozenset(),
        bare=("name", "text"),
        uuid="uuid",
    ),
    "findings": Resource(
        columns=_columns("findings"),
        aliases=_words("findings", vm="name"),
        states={},
        out_of_sight=lambda _finding: False,
        lasting=frozenset(),
        bare=("name", "text", "check"),
        uuid="uuid",
    ),
    "audit": Resource(
        columns=_columns("audit"),
        aliases=_words("audit", since="at", by="user", vm="name"),
        states={},
        out_of_sight=lambda _record: False,
        lasting=frozenset(),
        bare=("name", "text", "verb", "user"),
        uuid="uuid",
    ),
}
"""Resource of a query -> what its words mean."""

NUMBERS = frozenset({Kind.COUNT, Kind.NUMBER, Kind.PCT, Kind.BYTES, Kind.BPS, Kind.MS, Kind.TIME, Kind.DURATION})
"""Kinds of columns that are compared by size."""


def reader(column_id: str) -> Callable[[Row], Any]:
    """Return what reads a column of a row."""
    return attrgetter(column_id)
