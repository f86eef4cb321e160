"""Jobs as rows of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.guard.client import ClientId
from kvmtui.model.job import How, Job, Step, StepState, Target
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.jobs.store import Store, Values

Statement = tuple[str, "Sequence[Values]"]

JOBS_MAX = 1_000
"""Jobs that have ended and are kept."""
STEPS_MAX = 300_000
"""Steps of jobs that have ended and are kept."""
KEPT_S = 90 * 86_400.0
"""How long a job that has ended is kept. The audit record stays."""

_INSERT_JOB = "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_STEP = "INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE_JOB = """UPDATE job SET state = ?, stopped = ?, total = ?, done = ?, failed = ?, unknown = ?, skipped = ?,
    not_begun = ?, ended = ?, text = ? WHERE id = ?"""
_UPDATE_HOW = "UPDATE job SET how = ? WHERE id = ?"
_UPDATE_STEP = """UPDATE step SET state = ?, text = ?, words = ?, remedy = ?, began = ?, ended = ?
    WHERE job = ? AND number = ?"""
_PRUNE = """DELETE FROM job WHERE id IN (
    SELECT id FROM (
        SELECT id, ended, row_number() OVER newest AS place, sum(total) OVER newest AS steps
        FROM job WHERE ended IS NOT NULL WINDOW newest AS (ORDER BY started DESC, id))
    WHERE place > ? OR (place > 1 AND steps > ?) OR ended < ?)"""
_STEPS = """SELECT number, host, uuid, name, planned, state, text, words, remedy, began, ended, rank
    FROM step WHERE job = ? ORDER BY number"""

ABORTED = "aborted"
"""Somebody stopped the job for good."""
HELD = "held"
"""The job waits for a human."""


class Order(msgspec.Struct, frozen=True):
    """What about a job never changes."""

    id: str
    verb: str
    plan: str
    """The plan's id it was confirmed under."""
    who: ClientId
    parameters: dict[str, str | int | bool] = {}
    """What the verb was given beyond its target."""

    @property
    def given(self) -> dict[str, str]:
        """What of that somebody gave."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, str)}


class Standing(NamedTuple):
    """Where a job stands."""

    job: Job
    stopped: str = ""
    """Why nothing more of it is begun: ABORTED, HELD or ""."""


class Kept(NamedTuple):
    """A job as the journal has it."""

    order: Order
    standing: Standing
    targets: tuple[Target, ...] = ()
    """As planned. Of jobs that are not settled; empty for the others."""
    steps: tuple[Step, ...] = ()


def insert(order: Order, standing: Standing, targets: Sequence[Target], steps: Sequence[Step]) -> tuple[Statement, ...]:
    """Return the statements that write a new job."""
    who, job = order.who, standing.job
    parameters = msgspec.json.encode(order.parameters).decode()
    row = (
        order.id,
        order.plan,
        order.verb,
        parameters,
        who.user,
        who.uid,
        who.pid,
        who.origin,
        *_counts(standing),
        job.started,
    )
    return (
        (_INSERT_JOB, [(*row, job.ended, job.subject, job.text, _how(job.how))]),
        (
            _INSERT_STEP,
            [
                (
                    *(order.id, step.number, step.host, step.uuid, step.name, target.state.value),
                    *_outcome(step),
                    target.rank,
                )
                for target, step in zip(targets, steps, strict=True)
            ],
        ),
    )


def update(standing: Standing) -> Statement:
    """Return the statement that writes where a job stands."""
    job = standing.job
    return _UPDATE_JOB, [(*_counts(standing), job.ended, job.text, job.id)]


def update_how(job: Job) -> Statement:
    """Return the statement that writes how a job goes on."""
    return _UPDATE_HOW, [(_how(job.how), job.id)]


def update_step(job: str, step: Step) -> Statement:
    """Return the statement that writes where a step stands."""
    return _UPDATE_STEP, [(*_outcome(step), job, step.number)]


def prune(now: float) -> Statement:
    """Return the statement that forgets the oldest jobs, as far as too many or too old. What is not ended stays."""
    return _PRUNE, [(JOBS_MAX, STEPS_MAX, now - KEPT_S)]


def load(store: Store, unknown_since: float) -> list[Kept]:
    """Return all jobs, the oldest first. Those that are not settled come with their steps: not ended, or with an
    unknown outcome and started after ``unknown_since``. Raises NotRecordedError if they make no sense.
    """
    kept: list[Kept] = []
    try:
        for row in store.rows("SELECT * FROM job ORDER BY started, id"):
            order, standing = _job(row)
            job = standing.job
            if job.ended is None or (job.unknown and job.started >= unknown_since):
                kept.append(Kept(order, standing, *_steps(store, order.id)))
            else:
                kept.append(Kept(order, standing))
    except (ValueError, msgspec.MsgspecError) as error:
        raise store.damaged(str(error)) from error
    return kept


def detail(store: Store, job: str) -> tuple[str, tuple[Step, ...]]:
    """Return the plan and the steps of one job, "" and none if there is no such job."""
    found = store.rows("SELECT plan FROM job WHERE id = ?", (job,))
    return (str(found[0][0]), _steps(store, job)[1]) if found else ("", ())


def _steps(store: Store, job: str) -> tuple[tuple[Target, ...], tuple[Step, ...]]:
    targets: list[Target] = []
    steps: list[Step] = []
    for number, host, uuid, name, planned, state, text, words, remedy, began, ended, rank in store.rows(_STEPS, (job,)):
        targets.append(Target(host, uuid, name, VmState(planned), rank))
        steps.append(
            Step(
                number=number,
                host=host,
                uuid=uuid,
                name=name,
                state=StepState(state),
                text=text,
                words=words,
                remedy=remedy,
                began=began,
                ended=ended,
            )
        )
    return tuple(targets), tuple(steps)


def _job(row: tuple[object, ...]) -> tuple[Order, Standing]:
    ident, plan, verb, parameters, user, uid, pid, origin, *rest = row
    state, stopped, total, done, failed, unknown, skipped, not_begun, started, ended, subject, text, how = rest
    fields = {
        "id": ident,
        "verb": verb,
        "by": user,
        "state": state,
        "total": total,
        "done": done,
        "failed": failed,
        "unknown": unknown,
        "skipped": skipped,
        "not_begun": not_begun,
        "started": started,
        "ended": ended,
        "subject": subject,
        "text": text,
        "how": msgspec.json.decode(str(how)),
    }
    who = {"user": user, "uid": uid, "pid": pid, "origin": origin}
    told = {"id": ident, "verb": verb, "plan": plan, "who": who, "parameters": msgspec.json.decode(str(parameters))}
    return msgspec.convert(told, Order), Standing(msgspec.convert(fields, Job), str(stopped))


def _how(how: How) -> str:
    return msgspec.json.encode(how).decode()


def _counts(standing: Standing) -> Values:
    job = standing.job
    return (job.state.value, standing.stopped, job.total, job.done, job.failed, job.unknown, job.skipped, job.not_begun)


def _outcome(step: Step) -> Values:
    return (step.state.value, step.text, step.words, step.remedy, step.began, step.ended)
