"""Audit records as the rows that are shown of them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui import text
from kvmtui.guard import audit
from kvmtui.jobs.record import LINES
from kvmtui.model.audit import AuditRow
from kvmtui.model.job import StepState

if TYPE_CHECKING:
    from kvmtui.jobs.store import Store

SLICE = 1_000
"""Most records that are read at once, so that the journal is not held up."""

_TROUBLE = frozenset({StepState.FAILED.value, StepState.UNKNOWN.value})
_ABOUT_ITSELF = frozenset({audit.NOTE, audit.PRUNED})


class Listed(NamedTuple):
    """Some records."""

    rows: tuple[AuditRow, ...]
    """In order; SLICE of them: there may be more."""
    first: int
    """Number of the first and of the last record that the journal has."""
    last: int


def listed(store: Store, after: int, newest: int) -> Listed:
    """Return records behind number ``after``, of the ``newest`` that there are. Raises NotRecordedError."""
    first, last = (int(number or 0) for number in store.rows("SELECT min(seq), max(seq) FROM audit")[0])
    since = max(after if after <= last else 0, last - newest) + 1
    lines = store.rows(f"{LINES} LIMIT ?", (since, SLICE))
    return Listed(tuple(_row(audit.as_kept(line)) for line in lines), first, last)


def _row(line: audit.Line) -> AuditRow:
    """Return a record as a row; what cannot be read says so, and is shown all the same."""
    try:
        record = msgspec.json.decode(line.record, type=audit.Record)
        at = datetime.datetime.fromisoformat(record.at).timestamp()
    except (msgspec.DecodeError, ValueError) as error:
        words = text.clean(line.record.decode("utf-8", "replace"))
        told = f"this record cannot be read: {text.clean(str(error))}"
        return AuditRow(id=str(line.seq), at=0.0, phase="?", text=told, words=words, hash=_hash(line), severity=3)
    return AuditRow(
        id=str(line.seq),
        at=at,
        user=text.clean(record.user, text.NAME_MAX),
        uid=record.uid,
        pid=record.pid,
        origin=text.clean(record.origin, text.NAME_MAX),
        phase=text.clean(record.phase, text.NAME_MAX),
        verb=text.clean(record.verb, text.NAME_MAX),
        name=text.clean(record.name, text.NAME_MAX),
        host=text.clean(record.host, text.NAME_MAX),
        uuid=text.clean(record.uuid, text.NAME_MAX),
        outcome=text.clean(record.outcome, text.NAME_MAX),
        text=text.clean(record.text),
        words=text.clean(record.words),
        job=text.clean(record.job, text.NAME_MAX),
        step=record.step,
        plan=text.clean(record.plan, text.NAME_MAX),
        parameters=text.clean(" ".join(f"{name}={value}" for name, value in record.parameters.items())),
        duration_s=None if record.duration_ms is None else record.duration_ms / 1000,
        hash=_hash(line),
        severity=3 if record.outcome in _TROUBLE else 1 if record.phase in _ABOUT_ITSELF else 0,
    )


def _hash(line: audit.Line) -> str:
    return text.clean(line.hash, text.NAME_MAX)
