"""A job followed to its end, a line for each VM that has an outcome."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.cli import exits
from kvmtui.errors import KvmtuiError, OutcomeUnknownError, UsageError, WorkerError
from kvmtui.model.job import ALREADY, ENDED, JobState, StepState
from kvmtui.wire.messages import GetJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.cli.progress import ProgressLine
    from kvmtui.model.job import Job, JobDetail, Plan, Step
    from kvmtui.wire.line import Line

FIRST_LOOK_S = 0.05
LOOK_S = 1.0
LARGE = 500
"""Steps of a job from which it is looked at less often: each look carries all of them."""
READ_S = 10.0
"""How long a new worker may take to read its journal, until it knows the job."""
TRIES = 3
"""How often a worker that is gone is looked for again."""
_GLYPHS = {StepState.DONE: "✓", StepState.FAILED: "✗", StepState.UNKNOWN: "?", StepState.SKIPPED: "–"}
_OPEN = frozenset({StepState.NOT_BEGUN, StepState.BEGUN})


def follow(
    line: Line, reconnect: Callable[[], Line], job: Job, tell: Callable[[Step], None], progress: ProgressLine
) -> JobDetail:
    """Wait until a job has ended, or waits for a human; return it with its steps.

    ``tell`` is told of each VM whose outcome is there; ``progress`` shows how far it is meanwhile. A worker that
    ends meanwhile is started again, and asked what became of the job. Raises OutcomeUnknownError if it cannot be.
    """
    told: set[int] = set()
    pause, failures = FIRST_LOOK_S, 0
    first, read_by = line, 0.0
    try:
        while True:
            try:
                detail = line.call(GetJob(job=job.id))
                line.pushed.clear()
            except WorkerError as error:
                failures += 1
                if failures > TRIES:
                    raise _lost(job, error) from error
                if line is not first:
                    line.close()
                line = _again(reconnect, job)
                read_by = time.monotonic() + READ_S
                continue
            except UsageError as error:
                if time.monotonic() > read_by:
                    raise _lost(job, error) from error
                time.sleep(LOOK_S / 10)
                continue
            if new := _ended(detail, told):
                progress.clear()
                for step in new:
                    tell(step)
            progress.show(detail.job)
            if detail.job.state in ENDED or detail.job.state is JobState.WAITING:
                return detail
            time.sleep(pause)
            pause = min(pause * 1.5, LOOK_S * (3 if job.total > LARGE else 1))
    finally:
        progress.clear()
        if line is not first:
            line.close()


def _again(reconnect: Callable[[], Line], job: Job) -> Line:
    try:
        return reconnect()
    except WorkerError as error:
        raise _lost(job, error) from error


def _lost(job: Job, error: KvmtuiError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        "the worker that did it is gone; what became of it is not known here",
        where=f"job {job.id}",
        words=str(error),
        remedy=f"kvmtui ls jobs id:{job.id}",
    )


def _ended(detail: JobDetail, told: set[int]) -> list[Step]:
    """Return the steps that have ended and are not ``told``, as they ended; from now on they are."""
    new = [step for step in detail.steps if step.state not in _OPEN and step.number not in told]
    told.update(step.number for step in new)
    return sorted(new, key=lambda step: step.ended or 0.0)


def outcome_line(step: Step, verb: str) -> str:
    """Return what became of one VM: ✗ web-14 kvm2: shut down NOT done, … · why: … · libvirt: "…" · next: …."""
    title = VERBS[verb].title if verb in VERBS else verb
    told = step.text or f"{title} {step.state.value}"
    parts = [f"{_GLYPHS.get(step.state, '·')} {step.name} {step.host}: {told}"]
    if step.words:
        parts.append(f'libvirt: "{step.words}"')
    if step.remedy:
        parts.append(f"next: {step.remedy}")
    return text.clean(" · ".join(parts))


def outcome(detail: JobDetail, plan: Plan) -> int:
    """Return the exit code for a job that was waited for: unknown beats failed beats refused.

    What the plan left out counts as refused, unless it was so already.
    """
    if detail.job.state is JobState.UNKNOWN or any(step.state is StepState.UNKNOWN for step in detail.steps):
        return exits.UNKNOWN
    if detail.job.state is not JobState.DONE:
        return exits.FAILED
    if any(not skip.reason.startswith(ALREADY) for skip in plan.skipped):
        return exits.REFUSED
    return exits.DONE
