"""``kvmtui ls``: what there is, as a table, JSON or CSV."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kvmtui.cli import exits
from kvmtui.cli.arguments import pick
from kvmtui.cli.complaint import complain, note
from kvmtui.cli.source import connect
from kvmtui.cli.table import write_csv, write_json, write_table
from kvmtui.console.present.columns import CHOSEN, called
from kvmtui.console.present.looks import LOOKS
from kvmtui.errors import FilterError, UsageError
from kvmtui.model.columns import COLUMNS, Kind
from kvmtui.text import plural
from kvmtui.wire.messages import ListRows, Query, Settle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from kvmtui.model.columns import Column
    from kvmtui.wire.line import Line
    from kvmtui.wire.messages import Missing, Page

PAGE = 1_000
TRIES = 3
"""How often a list is read again that changed between its pages."""
MISSING_MAX = 20
"""Missing hosts that are named one by one."""
GRACE_S = 10.0
"""How much longer than asked for an answer is waited for."""
_KEYS = {
    "vms": ("host", "uuid"),
    "hosts": ("name",),
    "jobs": ("id",),
    "steps": ("host", "uuid"),
    "events": ("id",),
    "findings": ("id",),
    "audit": ("id",),
}
_SORT = {
    "vms": ("name", False),
    "hosts": ("name", False),
    "jobs": ("started", False),
    "steps": ("number", False),
    "events": ("at", False),
    "findings": ("", False),
    "audit": ("at", False),
}
_JOB = "job:"
"""What says of which job steps are wanted: each has its own list of them."""
_TOLD, _TROUBLE_CELLS = 2, 28
"""Priority and width of what is wrong, where something is."""
_KEPT = frozenset({"jobs", "steps", "events", "audit"})
"""Lists of what is written down: they wait for no host."""
_AGELESS = _KEPT | {"findings"}
"""Lists of which no row grows old."""

_LIVE = frozenset({Kind.PCT, Kind.NUMBER, Kind.BPS, Kind.MS})
_FIGURES = {
    resource: [column.id for column in columns if column.kind in _LIVE or column.id == "mem_used_bytes"]
    for resource, columns in COLUMNS.items()
}

_OF_DEFINITIONS = re.compile(r"\b(owner|tags?)[:~]", re.IGNORECASE)

Row = dict[str, Any]


def run(options: argparse.Namespace) -> int:
    """Print what matches; exit INCOMPLETE if hosts are missing."""
    also = {look.name: look.resource for look in LOOKS.values()}
    resource, words = pick(options.words, COLUMNS, "list", "kvmtui ls vms", also=also)
    job, words = _job_of(words) if resource == "steps" else ("", words)
    text = " ".join(words)
    columns = _columns(options, resource)
    sort, descending = _SORT[resource]
    every = tuple(column.id for column in COLUMNS[resource])
    asked = Query(resource=resource, filter=text, job=job, columns=every, sort=sort, descending=descending)
    line = connect(options)
    try:
        _page(line, asked, 0, 1)  # a filter that means nothing is told before anything is waited for
        missing = (
            ()
            if resource in _KEPT
            else settle(line, options.timeout, 2, definitions=resource == "findings" or needs_definitions(text))
        )
        rows, now = _read(line, asked)
    except FilterError as error:
        complain(error, text)
        return exits.USAGE
    finally:
        line.close()
    demo = line.welcome is not None and line.welcome.demo
    if options.output == "table":
        write_table(sys.stdout, columns or _usual(resource, rows), rows, now, demo=demo)
    else:
        write = write_json if options.output == "json" else write_csv
        names = [column.id for column in columns] or _names(resource)
        write(sys.stdout, [_promised(row, now, resource, demo=demo) for row in rows], names)
    tell_missing(missing)
    return exits.INCOMPLETE if missing else exits.DONE


def _job_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the job whose steps are asked for, and the words of the filter. Raises UsageError."""
    jobs = [word for word in words if word.casefold().startswith(_JOB)]
    if len(jobs) != 1 or jobs[0].casefold() == _JOB:
        raise UsageError("steps of which job?", remedy="kvmtui ls steps job:ID state:failed · kvmtui ls jobs tells ids")
    return jobs[0][len(_JOB) :], [word for word in words if word not in jobs]


def _columns(options: argparse.Namespace, resource: str) -> list[Column]:
    """Return the columns that are asked for, none for the usual ones. Raises UsageError."""
    if options.columns is None:
        return []
    if options.output == "json":
        raise UsageError("--columns chooses for tables and CSV", remedy="JSON has every field")
    words = [word.strip() for word in options.columns.split(",") if word.strip()]
    if not words:
        raise UsageError("--columns names none", remedy="--columns name,host,state")
    found = called(COLUMNS[resource], words)
    return [replace(_roomy(column), priority=min(column.priority, CHOSEN)) for column in found]


def _roomy(column: Column) -> Column:
    """Return a column as it stands where nothing else on the screen says it in words."""
    return replace(column, width=_TROUBLE_CELLS, grow=True) if column.id == "trouble" else column


def _usual(resource: str, rows: Iterable[Row]) -> list[Column]:
    """Return the columns of a table; why a row is wrong is the last of them where one is."""
    every = COLUMNS[resource]
    if not any(row.get("trouble") for row in rows):
        return list(every)
    told = [replace(_roomy(column), priority=_TOLD) for column in every if column.id == "trouble"]
    return [column for column in every if column.id != "trouble"] + told


def needs_definitions(text: str) -> bool:
    """Return whether a filter asks for what only the definitions of VMs tell."""
    return _OF_DEFINITIONS.search(text) is not None


def settle(line: Line, timeout_s: float, samples: int, *, definitions: bool = False) -> tuple[Missing, ...]:
    """Wait until every host has answered or is known not to; return those that are missing."""
    request = Settle(timeout_s=timeout_s, samples=samples, definitions=definitions)
    return line.call(request, timeout_s + GRACE_S).missing


def tell_missing(missing: Iterable[Missing]) -> None:
    """Name the hosts that did not answer, why, and what to do; where they are many, the first of them."""
    every = list(missing)
    for host in every[:MISSING_MAX]:
        told = [f"{host.host} is missing: {host.link}", host.reason, host.remedy]
        note(" · ".join(part for part in told if part))
    if (more := len(every) - MISSING_MAX) > 0:
        note(f"{plural(more, 'more host')} missing · ls hosts '!link:up' lists them all")


def _read(line: Line, asked: Query) -> tuple[list[Row], float]:
    """Return all rows, read in pages; read again where the list changed between two of them."""
    found: dict[tuple[Any, ...], Row] = {}
    now = 0.0
    for _ in range(TRIES):
        found.clear()
        sizes: set[int] = set()
        first = 0
        while True:
            page = _page(line, asked, first)
            rows, now = page.rows, page.now
            sizes.add(page.matched)
            for cells in rows:
                row = _honest(dict(zip(asked.columns, cells, strict=True)), asked.resource)
                found[tuple(row[key] for key in _KEYS[asked.resource])] = row
            first += len(rows)
            if first >= page.matched or not rows:
                break
        if len(sizes) == 1 and len(found) == page.matched:
            break
    return list(found.values()), now


def _honest(row: Row, resource: str) -> Row:
    """Return a row without the figures of what is out of sight: no grey could tell them from fresh ones here.

    What was never heard of has no time either, rather than that of 1970.
    """
    if (resource == "vms" and row["state"] == "unknown") or (resource == "hosts" and row["link"] != "up"):
        row.update(dict.fromkeys(_FIGURES[resource]))
    if "seen" in row:
        row["seen"] = row["seen"] or None
    return row


def _page(line: Line, asked: Query, first: int, count: int = PAGE) -> Page:
    line.pushed.clear()
    return line.call(ListRows(query=replace(asked, first=first, count=count)))


def _names(resource: str) -> list[str]:
    names = [column.id for column in COLUMNS[resource]]
    more = ["age_s"] if resource not in _AGELESS else []
    more += ["duration_s"] if resource == "jobs" else []
    return [*names, *more, *([] if "demo" in names else ["demo"])]


def _promised(row: Row, now: float, resource: str, *, demo: bool) -> Row:
    """Return a row as scripts get it: values as they are, figures rounded, the age beside the time."""
    rounded: Row = {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
    if resource not in _AGELESS:
        rounded["age_s"] = round(max(0.0, now - row["seen"]), 1) if row["seen"] else None
    if resource == "jobs":
        rounded["duration_s"] = round((row["ended"] or now) - row["started"], 1)
    rounded["demo"] = demo
    return rounded
