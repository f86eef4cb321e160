"""From a letter to a job: menu, plan, question, outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.given import Given
from kvmtui.console.howentry import HowEntry
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.hosts import link_of
from kvmtui.console.present.jobs import verb_title
from kvmtui.console.present.question import subject
from kvmtui.console.present.vms import state_of, state_span
from kvmtui.console.question import HIDDEN_IN, HOW, Question
from kvmtui.console.sheets import Choice, Menu
from kvmtui.console.verbmenu import Aim, Subject, VerbMenu
from kvmtui.errors import RefusedError, UsageError
from kvmtui.model.host import LinkState
from kvmtui.model.job import HIDDEN_MARK, Plan, Target, Verdict
from kvmtui.text import clean, plural
from kvmtui.wire.messages import GetEligible, MakePlan, Reconnect, Submit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.actions import Verb
    from kvmtui.console.present.values import Values
    from kvmtui.console.screens.page import Page
    from kvmtui.model.job import How


def act_on_vm(page: Page, key: str, values: Values) -> None:
    """Open the menu of verbs for the VM of that row, or for the marked ones."""
    _open_menu(page, _subjects(page, key, values))


def act_on_step(page: Page, key: str, values: Values, whole: Callable[[], None]) -> None:
    """The same for the VM of a step; ``whole`` opens the menu of all of its task."""

    def task() -> None:
        page.close_sheet()
        whole()

    _open_menu(page, _subjects(page, key, values), task=task)


def act_by_name(page: Page, verb: Verb, filter_text: str) -> None:
    """Ask for a verb by its word: of what a filter matches, else the marked VMs, else the row under the cursor.

    Where both could be meant, it asks which. Raises UsageError where there is neither.
    """
    if filter_text:
        page.console.work(ask(page, verb.id, Aim(filter=filter_text)))
        return
    row = page.vm_under_cursor()
    if row is None:
        raise UsageError("there is no VM under the cursor", remedy=f"{verb.id} FILTER says which")
    subjects = _subjects(page, *row)
    if len(subjects) == 1:
        page.console.work(ask(page, verb.id, subjects[0].aim))
    else:
        _open_menu(page, subjects, verb)


def _subjects(page: Page, key: str, values: Values) -> list[Subject]:
    marks, table = page.console.marks, page.marked_in
    if table is None:
        return [_row(key, values)]
    listing = table.listing
    subjects = []
    # until the worker has counted, any of the marks may be in the list: what is meant must not depend on its speed
    visible = listing.marked if listing.marks == len(marks) else len(marks)
    if visible:
        words = (Span(f"the {plural(visible, 'marked VM')}", "accent"),)
        subjects.append(Subject(Aim(marks=tuple(marks.uuids), window=table.window), words, {}))
    if not subjects or key not in marks:
        subjects.append(_row(key, values))
    return subjects


def _open_menu(
    page: Page, subjects: Sequence[Subject], only: Verb | None = None, task: Callable[[], None] | None = None
) -> None:
    def chosen(verb: Verb, aim: Aim) -> None:
        page.close_sheet()
        page.console.work(ask(page, verb.id, aim))

    def learn(menu: VerbMenu, aim: Aim) -> None:
        page.console.work(_learn(page, menu, aim))

    page.open_sheet(VerbMenu(subjects, chosen, page.close_sheet, learn, only, task))


def _row(key: str, values: Values) -> Subject:
    host, _, uuid = key.partition("/")
    words: Line = (Span(str(values.get("name", "")), "title"), Span(f" on {host}"))
    if "state" not in values:  # of a step, which tells nothing of what its VM does now
        return Subject(Aim(targets=((host, uuid),)), words, {})
    state = state_of(values)
    words = (*words, Span("  "), state_span(state))
    why_not = {verb.id: verb.refusal(state) for verb in VERBS.values()}
    return Subject(Aim(targets=((host, uuid),)), words, why_not)


async def _learn(page: Page, menu: VerbMenu, aim: Aim) -> None:
    """Have the worker say what could be done: states tell less than roles, locks and other hosts do."""
    request = GetEligible(targets=aim.targets, marks=aim.marks, window=aim.window)
    menu.learn(aim, await page.console.feed.call(request))
    page.refresh_overlay()


def act_on_host(page: Page, name: str, values: Values) -> None:
    """Open the menu of what can be done about a host."""
    link = link_of(values)
    title = (Span(f"act on {name}", "title"), Span(f"  {link.value}"))
    why_not = "it is up" if link is LinkState.UP else ""
    choice = Choice(
        "r", "connect again", why_not=why_not, hint="Try its link again now, without waiting for the next time."
    )

    def chosen(_: Choice) -> None:
        page.close_sheet()
        page.console.work(reconnect(page, name))

    page.open_sheet(Menu(title, [choice], chosen, page.close_sheet))


async def reconnect(page: Page, name: str) -> None:
    """Have a host's link tried again now, of every host that is not up where ``name`` is "".

    Raises what the worker answers with.
    """
    await page.console.feed.call(Reconnect(host=name))
    summary = page.console.summary
    down = summary.hosts_total - summary.hosts_up if summary is not None else 0
    if name:
        page.console.say(f"connecting to {name}…", "notice")
    else:
        page.console.say(f"connecting to {plural(down, 'host')}…" if down else "every host is up", "notice")


async def ask(page: Page, verb: str, aim: Aim, note: str = "", instead_of: Question | None = None) -> None:
    """Have a plan made and ask what it asks. Raises what the worker answers with.

    ``instead_of`` is the question over the page whose plan is out of date: nobody has said yes to it, so nothing is
    done without another, and who has left it meanwhile is not asked again. ``note`` says why it is asked anew: then
    it is asked, whatever it is.
    """
    if VERBS[verb].parameters and aim.given is None:
        _ask_what_is_given(page, VERBS[verb], aim)
        return
    plan = await page.console.feed.call(
        MakePlan(
            verb=verb,
            targets=aim.targets,
            filter=aim.filter,
            marks=aim.marks,
            window=aim.window,
            hidden=aim.hidden,
            parameters=aim.given or {},
            how=aim.how,
        )
    )
    if instead_of is not None:
        if page.sheet is not instead_of:
            return
        page.close_sheet()
    title = verb_title(plan.verb)
    if plan.verdict is Verdict.NO or not plan.targets:
        why = plan.why or "; ".join(skip.reason for skip in plan.skipped[:3]) or "there is nothing to do"
        names = subject(plan) if plan.targets else ", ".join(skip.target.name for skip in plan.skipped[:3])
        page.console.say(f"✗ {title} {names}: no, {why}" if names else f"✗ {title}: {why}", "bad")
        return
    if plan.verdict is Verdict.MAY and not plan.skipped and instead_of is None and not note:
        await submit(page, plan, plan.phrase, aim)
        return

    def confirmed(plan: Plan, typed: str) -> None:
        page.close_sheet()
        page.console.work(submit(page, plan, typed, aim))

    def changed() -> bool:
        if all(_looks_as_planned(page, target) for target in plan.targets):
            return False
        page.console.work(ask(page, verb, aim, note="it has changed: asked again", instead_of=question))
        return True

    def take_in() -> None:
        page.console.work(ask(page, verb, aim._replace(hidden=True), "hidden marks are in now", instead_of=question))

    def change_how() -> None:
        def done(how: How | None) -> None:
            if how is None or how == plan.how:
                question.shown_anew()
                page.open_sheet(question)
            else:
                page.close_sheet()
                page.console.work(ask(page, verb, aim._replace(how=how), "done so from now on"))

        page.open_sheet(HowEntry(plan.how, done))

    summary = page.console.summary
    fleet = clean(summary.name) if summary is not None else ""
    ways = {HOW: change_how} if len(plan.targets) > 1 else {}
    if any(skip.reason == HIDDEN_MARK for skip in plan.skipped):
        ways[HIDDEN_IN] = take_in
    question = Question(
        plan,
        fleet,
        page.console.now,
        confirmed,
        page.close_sheet,
        changed=changed,
        ways=ways,
        note=note,
    )
    page.open_sheet(question)


def _ask_what_is_given(page: Page, verb: Verb, aim: Aim) -> None:
    def chosen(given: dict[str, str]) -> None:
        page.close_sheet()
        page.console.work(ask(page, verb.id, aim._replace(given=given)))

    page.open_sheet(Given(verb, chosen, page.close_sheet))


def _looks_as_planned(page: Page, target: Target) -> bool:
    """Return whether a VM is still as the plan has it, as far as its row is on the screen."""
    held = page.console.main.vms.listing.find(f"{target.host}/{target.uuid}")
    return held is None or state_of(held.values) is target.state


async def submit(page: Page, plan: Plan, typed: str, aim: Aim) -> None:
    """Hand a confirmed plan in; asked anew where it is not good any more. A job takes its marks with it.

    Raises what the worker answers with.
    """
    try:
        job = await page.console.feed.call(Submit(plan=plan.id, typed=typed))
    except RefusedError as error:
        if plan.verdict is Verdict.MAY:
            raise
        await ask(page, plan.verb, aim, note=f"asked again: {error.text}")
        return
    page.console.began(job)
    if aim.marks:
        page.console.main.marking.spend()
