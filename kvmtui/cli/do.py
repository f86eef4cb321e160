"""``kvmtui do``: a verb over VMs, planned, confirmed, submitted, followed."""

from __future__ import annotations

import io
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import asdict, replace

from kvmtui import text as text_of
from kvmtui.actions import VERBS, told
from kvmtui.actions.parameter import checked
from kvmtui.cli import exits
from kvmtui.cli.arguments import pick
from kvmtui.cli.ask import ask, can_ask
from kvmtui.cli.complaint import complain, exit_code, note
from kvmtui.cli.follow import follow, outcome, outcome_line
from kvmtui.cli.how import wanted as wanted_how
from kvmtui.cli.ls import needs_definitions, settle, tell_missing
from kvmtui.cli.plan import Report, lines_of, subject
from kvmtui.cli.progress import ProgressLine
from kvmtui.cli.source import connect, on_same_fleet
from kvmtui.cli.table import write_line
from kvmtui.errors import FilterError, KvmtuiError, OutcomeUnknownError, RefusedError, UsageError, WorkerError
from kvmtui.model.job import Danger, JobState, Verdict
from kvmtui.wire.messages import MakePlan, Submit, Unlock

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from kvmtui.model.job import Job, Plan, Step
    from kvmtui.wire.line import Line

SUBMIT_S = 30.0
"""How long the journal may take to have a job on disk."""
PLAN_S = 30.0
RW_S = 600.0
"""How long --rw unlocks at most: it ends with the command."""


class Wanted(NamedTuple):
    """A verb, and the VMs it is for; an empty filter: all of them."""

    verb: str
    filter: str
    given: dict[str, str]
    """Its parameters."""


def run(options: argparse.Namespace) -> int:
    """Plan, confirm, submit, follow; print what came of it."""
    verb, words = pick(options.words, VERBS, "verb", "kvmtui do shutdown tag:web --dry-run", told=told)
    text = _filter(options, words)
    given = checked(verb, VERBS[verb].parameters, dict(options.given))
    line = connect(options)
    report = Report(demo=line.welcome is not None and line.welcome.demo)
    try:
        _act(line, options, Wanted(verb, text, given), report)
    except FilterError as error:
        complain(error, text)
        return exits.USAGE
    except UsageError:
        raise
    except KvmtuiError as error:
        report.error = str(error)
        report.exit = exit_code(error)
        complain(error)
    finally:
        line.close()
    if options.output == "json":
        report.write(sys.stdout)
    elif options.output == "jsonl":
        report.write_line(sys.stdout)
    return report.exit


def _filter(options: argparse.Namespace, words: list[str]) -> str:
    """Return the filter. Raises UsageError where it is not plain which VMs are meant."""
    if any(not word.strip() for word in words):
        raise UsageError("a part of the filter is empty", remedy="an unset variable? For every VM write --all")
    if bool(words) == options.all:
        what = "either a filter or --all" if options.all else "which VMs?"
        raise UsageError(what, remedy="name:web-01, tag:web … or --all for every VM")
    return " ".join(words)


def _act(line: Line, options: argparse.Namespace, wanted: Wanted, report: Report) -> None:
    samples = 2 if set("<>") & set(wanted.filter) else 0
    if options.rw:
        line.call(Unlock(for_s=RW_S))
    request = MakePlan(verb=wanted.verb, filter=wanted.filter, all=options.all, parameters=wanted.given)
    first = line.call(request, PLAN_S)  # a filter that means nothing is told before anything is waited for
    request = replace(request, how=wanted_how(options, first.how))
    report.missing = settle(line, options.timeout, samples, definitions=needs_definitions(wanted.filter))
    plan = line.call(request, PLAN_S)
    report.plan = plan
    as_table = options.output == "table"
    if options.dry_run and as_table:
        print("\n".join(lines_of(plan)))
    tell_missing(report.missing)
    _check(plan, options.expect)
    if options.dry_run:
        return
    typed = _confirmed(plan, options)
    try:
        report.job = line.call(Submit(plan=plan.id, typed=typed), SUBMIT_S)
    except WorkerError as error:
        raise OutcomeUnknownError(
            "the worker may or may not have begun it",
            where=plan.verb,
            words=str(error),
            remedy=on_same_fleet(options, "ls jobs"),
        ) from error
    if not options.wait:
        if as_table:
            told = f"job {report.job.id}: {VERBS[plan.verb].title} {subject(plan)}: accepted"
            print(text_of.clean(f"{told} · {on_same_fleet(options, f'ls jobs id:{report.job.id}')}"))
        for reason, count in Counter(skip.reason for skip in plan.skipped).most_common():
            note(f"skipped: {text_of.plural(count, 'VM')}, {reason}")
        return
    _wait(line, options, report, plan, report.job)


def _wait(line: Line, options: argparse.Namespace, report: Report, plan: Plan, job: Job) -> None:
    if options.output == "table":
        for skip in plan.skipped:
            print(text_of.clean(f"– {skip.target.name} {skip.target.host}: skipped, {skip.reason}"))
    # what is for machines and stands on the terminal too is not to be written into
    is_alone = options.output == "table" or not sys.stdout.isatty()
    progress = ProgressLine(sys.stderr if is_alone else io.StringIO())
    try:
        report.detail = follow(line, lambda: connect(options), job, _teller(options, job), progress)
    except KeyboardInterrupt:
        note(f"job {job.id} goes on · {on_same_fleet(options, f'ls jobs id:{job.id}')}")
        raise
    report.job = report.detail.job
    if report.job.state is JobState.WAITING:
        note(f"job {job.id} {report.job.text} · {on_same_fleet(options, f'job resume {job.id}')}, or abort")
    report.exit = outcome(report.detail, plan)


def _teller(options: argparse.Namespace, job: Job) -> Callable[[Step], None]:
    """Return what tells of a step that has ended, at once."""
    if options.output == "table":
        return lambda step: print(outcome_line(step, job.verb), flush=True)
    if options.output == "jsonl":
        return lambda step: write_line(sys.stdout, {"job": job.id, "verb": job.verb, **asdict(step)})
    return lambda _: None


def _check(plan: Plan, expected: int | None) -> None:
    """Raise RefusedError if it may not be done, or touches another number of VMs than was expected."""
    if plan.verdict is Verdict.NO:
        raise RefusedError(f"{VERBS[plan.verb].title} refused: {plan.why}")
    if expected is not None and expected != len(plan.targets):
        skipped = f", {len(plan.skipped)} skipped" if plan.skipped else ""
        raise RefusedError(
            f"expected {expected}, and it would touch {len(plan.targets)}{skipped}", remedy="--dry-run lists them"
        )


def _confirmed(plan: Plan, options: argparse.Namespace) -> str:
    """Return what the plan wants typed, once the user has confirmed it. Raises RefusedError."""
    if options.expect is not None or (options.yes and plan.danger is Danger.NORMAL):
        return plan.phrase
    if not can_ask():
        how = "confirm with " + ("--yes" if plan.danger is Danger.NORMAL else f"--expect {len(plan.targets)}")
        raise RefusedError(f"not confirmed: {subject(plan)}{f' · {plan.why}' if plan.why else ''}", remedy=how)
    print("\n".join(lines_of(plan, brief=True)), file=sys.stderr)
    if not ask(f"type {plan.phrase} and enter; anything else: nothing is done: ", plan.phrase):
        raise RefusedError("not confirmed, nothing was done")
    return plan.phrase
