"""What can be done to a task: the menu, what its letters lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.asking import Confirm
from kvmtui.console.howentry import LIMITS, HowEntry
from kvmtui.console.present.cells import Span
from kvmtui.console.present.jobs import counts, state_of, verb_title
from kvmtui.console.screens.acting import ask
from kvmtui.console.sheets import Choice, Menu
from kvmtui.console.verbmenu import Aim
from kvmtui.model.job import ENDED, JobState, StepState
from kvmtui.text import plural
from kvmtui.wire.messages import Abort, Acknowledge, Control, GetJob

if TYPE_CHECKING:
    from collections.abc import Collection

    from kvmtui.actions import Verb
    from kvmtui.console.present.values import Values
    from kvmtui.console.screens.page import Page
    from kvmtui.model.job import How

_TROUBLE = frozenset({StepState.FAILED, StepState.UNKNOWN})
_WIDE = 10
"""VMs that go on without their count being typed."""


def act_on_job(page: Page, job_id: str, values: Values) -> None:
    """Open the menu of what can be done to a job, and to the VMs that it was about."""
    verb = VERBS.get(str(values.get("verb")))
    inverse = VERBS.get(verb.inverse) if verb is not None else None
    title = (Span(f"act on task {job_id}", "title"), Span(f"  {verb_title(str(values.get('verb')))} "),
             Span(str(values.get("subject", ""))), Span(f"  by {values.get('by') or '?'}", "faint"))  # fmt: skip

    def chosen(choice: Choice) -> None:
        page.close_sheet()
        match choice.key:
            case "x":
                page.console.work(abort(page, job_id))
            case "p":
                page.console.work(_control(page, job_id, "pause"))
            case "g":
                _go_on(page, job_id, values)
            case "l":
                page.console.work(_limit(page, job_id))
            case "u" if inverse is not None:
                page.console.work(_again(page, job_id, inverse, {StepState.DONE}))
            case "r" if verb is not None:
                page.console.work(_again(page, job_id, verb, _TROUBLE))
            case "f":
                page.console.work(_mark(page, job_id, _TROUBLE))
            case "k":
                page.console.work(_acknowledge(page, job_id))
            case _:
                page.console.work(_mark(page, job_id, frozenset(StepState)))

    page.open_sheet(Menu(title, _choices(values, verb, inverse), chosen, page.close_sheet))


def _choices(values: Values, verb: Verb | None, inverse: Verb | None) -> list[Choice]:
    state = state_of(values)
    done, failed = values.get("done") or 0, (values.get("failed") or 0) + (values.get("unknown") or 0)
    has_ended = f"it is {state.value}" if state in ENDED else ""
    nothing_left = has_ended or ("" if values.get("not_begun") else "all of it has begun")
    waits = "it waits already" if state is JobState.WAITING else ""
    runs = "" if state in ENDED else "it is under way"
    waits_not = "" if state is JobState.WAITING else "it does not wait"
    none_failed = "" if failed else "nothing of it failed"
    return [
        Choice("p", "pause", why_not=nothing_left or waits,
               hint="Begin no further step until somebody lets it go on; steps under way finish."),
        Choice("g", "go on", why_not=nothing_left or waits_not,
               hint=f"Begin the {values.get('not_begun') or 0} that have not begun; asked first."),
        Choice("l", "limits", why_not=nothing_left, hint="How many at a time, how many on a host; when it stops."),
        Choice("x", "begin no more", why_not=has_ended,
               hint="Begin no further step of it, ever; steps under way finish."),
        Choice("u", "undo", why_not=runs or _cannot_be_undone(inverse, done),
               hint=f"{inverse.title if inverse else ''} the {done} that are still as it left them; asked first."),
        Choice("r", "retry", why_not=runs or none_failed or ("" if verb is not None else "its verb is not known"),
               hint=f"The same for the {failed} that failed, or of which nobody knows; asked first."),
        Choice("m", "mark its VMs", hint="All that it was about, to act on them or to look at them."),
        Choice("f", "mark the failed", why_not=none_failed, hint=f"The {failed} that failed or are unknown."),
        Choice("k", "acknowledge", why_not=runs or none_failed,
               hint="It was read: it counts on the first line no more, for everybody."),
    ]  # fmt: skip


def _cannot_be_undone(inverse: Verb | None, done: int) -> str:
    if inverse is None:
        return "it cannot be undone"
    return "" if done else "nothing of it was done"


async def _again(page: Page, job_id: str, verb: Verb, states: Collection[StepState]) -> None:
    """Ask for a verb over those VMs of a job whose steps ended so. Raises what the worker answers with."""
    steps = (await page.console.feed.call(GetJob(job=job_id))).steps
    targets = tuple((step.host, step.uuid) for step in steps if step.state in states)
    if targets:
        await ask(page, verb.id, Aim(targets=targets))
    else:
        page.console.say("there is none left of them", "notice")


async def _mark(page: Page, job_id: str, states: Collection[StepState]) -> None:
    steps = (await page.console.feed.call(GetJob(job=job_id))).steps
    page.console.main.marking.take([f"{step.host}/{step.uuid}" for step in steps if step.state in states])


async def abort(page: Page, job_id: str) -> None:
    """Have no further step of a job begun. Raises what the worker answers with."""
    job = await page.console.feed.call(Abort(job=job_id))
    begun = job.total - job.not_begun - job.skipped
    page.console.say(f"task {job.id}: no further step begins; {plural(begun, 'step')} had begun", "notice")


async def _control(page: Page, job_id: str, act: str, how: How | None = None) -> None:
    """Have a job paused, go on, or go on otherwise. Raises what the worker answers with."""
    job = await page.console.feed.call(Control(job=job_id, act=act, how=how))
    told = {"pause": "paused; steps under way finish", "resume": "goes on"}.get(act)
    page.console.say(f"task {job.id}: {told or job.how.told(job.total)}", "notice")


def _go_on(page: Page, job_id: str, values: Values) -> None:
    """Ask whether a job that waits is to go on, as for any act: with its count, where it is wide."""
    left = int(values.get("not_begun") or 0)
    said = (
        (Span(f"Go on: {verb_title(str(values.get('verb')))} the {plural(left, 'VM')} not begun", "warn"),
         Span(f"  of task {job_id} by {values.get('by') or '?'}", "faint")),
        (Span("so far  ", "faint"), *counts(values)),
        (Span(str(values.get("text") or "")),),
    )  # fmt: skip

    def confirmed() -> None:
        page.close_sheet()
        page.console.work(_control(page, job_id, "resume"))

    page.open_sheet(Confirm(said, str(left) if left > _WIDE else "y", confirmed, page.close_sheet))


async def _limit(page: Page, job_id: str) -> None:
    """Have somebody say how much of a job is done at a time from now on."""
    how = (await page.console.feed.call(GetJob(job=job_id))).job.how

    def done(wanted: How | None) -> None:
        page.close_sheet()
        if wanted is not None and wanted != how:
            page.console.work(_control(page, job_id, "", wanted))

    page.open_sheet(HowEntry(how, done, LIMITS))


async def _acknowledge(page: Page, job_id: str) -> None:
    await page.console.feed.call(Acknowledge(job=job_id))
    page.console.say(f"task {job_id}: read", "notice")
