"""``kvmtui job``: pauses, resumes, limits, ends jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from kvmtui import text
from kvmtui.cli import exits
from kvmtui.cli.complaint import complain, exit_code
from kvmtui.cli.how import wanted
from kvmtui.cli.source import connect
from kvmtui.cli.table import write_utf8
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.model.job import How
from kvmtui.wire.messages import Abort, Control, Jobs

if TYPE_CHECKING:
    import argparse

    from kvmtui.model.job import Job
    from kvmtui.wire.line import Line

JOBS_MAX = 1_000
"""Jobs among which one is looked for."""
CONTROL_S = 30.0
"""How long the journal may take to have it on disk that a job goes on."""


def run(options: argparse.Namespace) -> int:
    """Do it to each of the jobs; print where each stands then. Exit as the first that it could not be done to."""
    has_limits = wanted(options, How()) != How()
    if options.act == "limit" and not has_limits:
        raise UsageError("limit it to what?", remedy="--at-once N, --per-host N, --stop-after N")
    if options.act == "abort" and has_limits:
        raise UsageError("what is aborted has no limits", remedy="kvmtui job limit")
    line = connect(options)
    code = exits.DONE
    jobs: list[Job] = []
    try:
        for ident in dict.fromkeys(options.ids):
            try:
                jobs.append(_control(line, options, ident, has_limits=has_limits))
            except UsageError as error:
                complain(error)
                code = code or exits.USAGE
            except KvmtuiError as error:
                complain(error)
                code = code or exit_code(error)
            else:
                if options.output == "table":
                    print(text.clean(f"job {ident}: {jobs[-1].state.value} · {jobs[-1].text}", 500))
    finally:
        line.close()
    if options.output == "json":
        write_utf8(sys.stdout, msgspec.json.format(msgspec.json.encode(jobs), indent=2).decode() + "\n")
    return code


def _control(line: Line, options: argparse.Namespace, ident: str, *, has_limits: bool) -> Job:
    if options.act == "abort":
        return line.call(Abort(job=ident))
    act = "" if options.act == "limit" else options.act
    how = wanted(options, _how(line, ident)) if has_limits else None
    return line.call(Control(job=ident, act=act, how=how), CONTROL_S)


def _how(line: Line, ident: str) -> How:
    for job in line.call(Jobs(limit=JOBS_MAX)).jobs:
        if job.id == ident:
            return job.how
    raise UsageError("there is no such job", where=text.clean(ident, 40), remedy="kvmtui ls jobs")
