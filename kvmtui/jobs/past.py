"""What the journal tells of a VM, of a host, of the fleet, in words."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.guard import audit
from kvmtui.jobs import words
from kvmtui.model.job import JobState, Step, StepState
from kvmtui.model.timeline import Entry, Source

if TYPE_CHECKING:
    from kvmtui.jobs.store import Store

RECORDS_MAX = 20_000
"""Audit records that are looked through, the newest."""
KEPT_MAX = 16
"""Answers that are kept as long as nothing is written."""
_LONG_S = 2.0
"""From how many seconds on it is told how long a step took."""

_OF_JOB = {
    audit.SUBMITTED: "asked for",
    audit.ABORTED: "stopped",
    audit.PAUSED: "paused",
    audit.RESUMED: "resumed",
    audit.CHANGED: "changed",
}
"""Phases of records about a whole job -> what was done with it."""
_SEVERITY = {StepState.FAILED: 3, StepState.UNKNOWN: 3, JobState.FAILED: 3, JobState.UNKNOWN: 3, JobState.WAITING: 2}
_STEPS = """SELECT step.job, number, step.host, step.uuid, name, step.state, step.text, words, remedy, began,
    step.ended, verb, user FROM step JOIN job ON job.id = step.job
    WHERE coalesce(step.ended, began) IS NOT NULL AND iif(?1 = '', step.host = ?2, step.uuid = ?1)
    ORDER BY coalesce(step.ended, began) DESC LIMIT ?3"""
_JOBS = """SELECT id, verb, user, state, subject, text, started, ended FROM job
    ORDER BY coalesce(ended, started) DESC LIMIT ?"""
_RECORDS = """SELECT CAST(record AS BLOB) FROM audit WHERE seq > (SELECT max(seq) FROM audit) - ?
    AND (instr(record, ?) OR instr(record, ?) OR instr(record, ?) OR instr(record, ?) OR instr(record, ?)
    OR instr(record, ?) OR instr(record, ?)) ORDER BY seq DESC"""
"""What is looked for: the phases of whole jobs, that of notes, one thing more."""

_decode = msgspec.json.Decoder(audit.Record).decode


class Told(NamedTuple):
    """What the journal tells."""

    entries: tuple[Entry, ...]
    """The newest, in no order."""
    is_whole: bool
    """Whether it told all."""


class Past:
    """Reads it, in the journal's thread; what nothing was written to since is not read again."""

    def __init__(self, records_max: int = RECORDS_MAX) -> None:
        """Look through the newest ``records_max`` of the audit record."""
        self._records_max = records_max
        self._kept: dict[tuple[str, str, int], tuple[Store, int, Told]] = {}

    def read(self, store: Store, host: str, uuid: str, limit: int) -> Told:
        """Return what is told of a VM, of a host (``uuid`` ""), or of all (``host`` "" too): at most ``limit`` tasks
        with at most as many records. Raises NotRecordedError."""
        kept = self._kept.pop((host, uuid, limit), None)
        if kept is None or kept[:2] != (store, store.writes):
            kept = (store, store.writes, _read(store, host, uuid, limit, self._records_max))
        self._kept[host, uuid, limit] = kept
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return kept[2]


def _read(store: Store, host: str, uuid: str, limit: int, records_max: int) -> Told:
    try:
        if not host and not uuid:
            jobs = store.rows(_JOBS, (limit,))
            tasks, known = [_of_job(*row) for row in jobs], None
            steps: set[tuple[str, int]] = set()
        else:
            found = store.rows(_STEPS, (uuid, host, limit))
            tasks, known = [_of_step(*row) for row in found], {str(row[0]) for row in found}
            steps = {(str(row[0]), int(row[1])) for row in found}
        records = _records(store, (host, uuid), known, steps, records_max)
    except (ValueError, msgspec.MsgspecError) as error:
        raise store.damaged(str(error)) from error
    (last,) = store.rows("SELECT max(seq) FROM audit")[0]
    is_whole = len(tasks) < limit and len(records) <= limit and (last or 0) <= records_max
    return Told((*tasks, *records[:limit]), is_whole)


def _records(
    store: Store, address: tuple[str, str], jobs: set[str] | None, steps: set[tuple[str, int]], records_max: int
) -> list[Entry]:
    """Return what the audit record adds to the tasks: who asked, and acts of jobs that are forgotten by now.

    ``jobs`` are those the thing has a part in; None: all.
    """
    host, uuid = address
    field, value = ("uuid", uuid) if uuid else ("host", host)
    parts = [("phase", phase) for phase in (*_OF_JOB, audit.NOTE)]
    parts.append((field, value) if value else ("phase", audit.VERIFIED))
    written = [f'"{name}":{msgspec.json.encode(said).decode()}' for name, said in parts]
    found = [_decode(row[0]) for row in store.rows(_RECORDS, (records_max, *written))]
    if jobs is not None:
        jobs = jobs | {record.job for record in found if getattr(record, field) == value}
    said: list[Entry] = []
    for record in found:
        if record.phase in _OF_JOB:
            is_told = jobs is None or record.job in jobs
        elif record.phase == audit.NOTE:
            is_told = jobs is None
        elif jobs is None:
            is_told = record.phase == audit.VERIFIED
        else:
            is_known = (record.job, record.step) in steps and record.phase != audit.VERIFIED
            is_told = getattr(record, field) == value and not is_known
        if is_told:
            said.append(_of_record(record))
    return said


def _of_record(record: audit.Record) -> Entry:
    title = _title(record.verb)
    severity = _severity(record.outcome)
    match record.phase:
        case phase if phase in _OF_JOB:
            told = f"{_OF_JOB[phase]} {title}: {record.text}"
        case audit.INTENT:
            told = f"{title} begun"
        case audit.VERIFIED:
            told = f"looked at again: {record.text}"
        case audit.NOTE:
            told, severity = record.text, 1
        case _:
            told = f'{record.text} · libvirt: "{record.words}"' if record.words else record.text
    if record.job:
        told += f" · task {record.job}"
    if record.origin and record.phase in _OF_JOB:
        told += f" · from {record.origin}"
    return Entry(
        at=datetime.datetime.fromisoformat(record.at).timestamp(),
        source=Source.AUDIT,
        severity=severity,
        who="" if record.phase == audit.NOTE else text.clean(record.user, text.NAME_MAX),
        host=record.host,
        name=record.name,
        text=text.clean(told),
    )


def _of_step(job: str, number: int, *rest: Any) -> Entry:  # noqa: ANN401 - columns of a row
    host, uuid, name, state, told, said, remedy, began, ended, verb, user = rest
    step = Step(
        number=number,
        host=host,
        uuid=uuid,
        name=name,
        state=StepState(state),
        text=told or f"{_title(verb)} {state}",
        words=said,
        remedy=remedy if ended is not None else "",
    )
    took = f" · after {text.duration(ended - began)}" if ended and began and ended - began >= _LONG_S else ""
    is_trouble = step.state is StepState.SKIPPED and words.is_trouble(step)
    return Entry(
        at=began if ended is None else ended,
        source=Source.TASK,
        severity=1 if is_trouble else _SEVERITY.get(step.state, 0),
        who=text.clean(user, text.NAME_MAX),
        host=host,
        name=name,
        text=text.clean(f"{words.outcome(step)}{took} · task {job}"),
    )


def _of_job(ident: str, verb: str, user: str, state: str, *rest: Any) -> Entry:  # noqa: ANN401 - columns of a row
    subject, told, started, ended = rest
    return Entry(
        at=started if ended is None else ended,
        source=Source.TASK,
        severity=_SEVERITY.get(JobState(state), 0),
        who=text.clean(user, text.NAME_MAX),
        text=text.clean(f"{told or f'{_title(verb)} {subject}: {state}'} · task {ident}"),
    )


def _severity(outcome: str) -> int:
    return _SEVERITY.get(StepState(outcome), 0) if outcome else 0


def _title(verb: str) -> str:
    return VERBS[verb].title if verb in VERBS else verb
