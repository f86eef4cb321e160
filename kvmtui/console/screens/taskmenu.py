"""What can be done to a task: the menu, what its letters lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.present.cells import Span
from kvmtui.console.present.jobs import state_of, verb_title
from kvmtui.console.screens.acting import ask
from kvmtui.console.sheets import Choice, Menu
from kvmtui.console.verbmenu import Aim
from kvmtui.model.job import ENDED, StepState
from kvmtui.text import plural
from kvmtui.wire.messages import Abort, GetJob

if TYPE_CHECKING:
    from collections.abc import Collection

    from kvmtui.actions import Verb
    from kvmtui.console.present.values import Values
    from kvmtui.console.screens.page import Page


def act_on_job(page: Page, job_id: str, values: Values) -> None:
    """Open the menu of what can be done to a job, and to the VMs that it was about."""
    state = state_of(values)
    verb = VERBS.get(str(values.get("verb")))
    inverse = VERBS.get(verb.inverse) if verb is not None else None
    title = (Span(f"act on task {job_id}", "title"), Span(f"  {verb_title(str(values.get('verb')))} "),
             Span(str(values.get("subject", ""))))  # fmt: skip
    done, failed = values.get("done") or 0, (values.get("failed") or 0) + (values.get("unknown") or 0)
    runs = "" if state in ENDED else "it is under way"
    choices = [
        Choice("x", "begin no more", why_not=f"it is {state.value}" if state in ENDED else "",
               hint="Begin no further step of it; steps under way finish."),
        Choice("u", "undo", why_not=runs or _cannot_be_undone(inverse, done),
               hint=f"{inverse.title if inverse else ''} the {done} that are still as it left them; asked first."),
        Choice("r", "retry", why_not=runs or ("" if failed and verb is not None else "nothing of it failed"),
               hint=f"The same for the {failed} that failed, or of which nobody knows; asked first."),
        Choice("m", "mark its VMs", hint="All that it was about, to act on them or to look at them."),
    ]  # fmt: skip

    def chosen(choice: Choice) -> None:
        page.close_sheet()
        match choice.key:
            case "x":
                page.console.work(abort(page, job_id))
            case "u" if inverse is not None:
                page.console.work(_again(page, job_id, inverse, {StepState.DONE}))
            case "r" if verb is not None:
                page.console.work(_again(page, job_id, verb, {StepState.FAILED, StepState.UNKNOWN}))
            case _:
                page.console.work(_mark(page, job_id))

    page.open_sheet(Menu(title, choices, chosen, page.close_sheet))


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


async def _mark(page: Page, job_id: str) -> None:
    steps = (await page.console.feed.call(GetJob(job=job_id))).steps
    page.console.main.marking.take([f"{step.host}/{step.uuid}" for step in steps])


async def abort(page: Page, job_id: str) -> None:
    """Have no further step of a job begun. Raises what the worker answers with."""
    job = await page.console.feed.call(Abort(job=job_id))
    begun = job.total - job.not_begun - job.skipped
    page.console.say(f"task {job.id}: no further step begins; {plural(begun, 'step')} had begun", "notice")
