"""Keys to intents: what the worker is asked for, or is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.console.asking import DEAF_S
from kvmtui.console.howentry import read, spelled
from kvmtui.errors import RefusedError
from kvmtui.model.job import How, Job, JobState, Order, Step, StepState, Verdict
from kvmtui.model.vm import VmState
from kvmtui.wire.messages import Abort, Control, MakePlan, Note, OpenWindow, Reconnect, Submit, Unlock
from tests.console.desks import Desk, sitting
from tests.console.fake_worker import NOW, FakeWorker, small_fleet


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


async def test_two_keys_and_a_yes_make_one_job() -> None:
    """A d y: one plan for the row under the cursor, one submit with its phrase, the outcome said."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d")
        (plan,) = desk.worker.asked(MakePlan)
        assert (plan.verb, plan.targets) == ("shutdown", (("kvm1", _uuid(1)),))
        assert "Shut down web-01 on kvm1" in desk.sheet
        assert "undo    start it" in desk.sheet
        assert not desk.worker.asked(Submit)
        await desk.press("y")
        (submit,) = desk.worker.asked(Submit)
        assert submit.typed == "y"
        assert not desk.sheet
        assert "shut down web-01" in desk.message
        desk.worker.end_job("j1", text="✓ web-01 kvm1: shut down done, shut off")
        await desk.until(lambda: "done" in desk.message)
        assert desk.message == "✓ web-01 kvm1: shut down done, shut off"


@pytest.mark.parametrize("key", ["enter", "space", "n", "Y", "a", "s", "d"])
async def test_nothing_but_the_phrase_says_yes(key: str) -> None:
    """Enter, space and other letters leave the question as it is."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", key)
        assert "Shut down web-01" in desk.sheet
        assert not desk.worker.asked(Submit)


@pytest.mark.parametrize("key", ["escape", "q", "ctrl+c"])
async def test_a_question_can_be_left(key: str) -> None:
    """Whatever leads out leads out, and nothing is done."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", key)
        assert not desk.sheet
        assert not desk.worker.asked(Submit)
        assert desk.app.is_running


async def test_what_destroys_wants_the_name() -> None:
    """Force off takes the VM's name and enter; y, a wrong name, a name without enter do nothing."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "F", "y", "enter")
        assert "that is not web-01" in desk.sheet
        await desk.press("ctrl+u", *"web-01")
        assert not desk.worker.asked(Submit)
        await desk.press("enter")
        (submit,) = desk.worker.asked(Submit)
        assert submit.typed == "web-01"


async def test_what_cannot_be_done_says_why() -> None:
    """A letter that does not apply stays in its place with its reason, and asks nothing of the worker."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a")
        assert "s  start             already running" in desk.sheet
        await desk.press("s")
        assert "start: already running" in desk.sheet
        assert not desk.worker.asked(MakePlan)


async def test_what_does_no_harm_is_not_asked() -> None:
    """A verdict of "may" goes ahead without a question."""
    async with sitting() as desk:
        await desk.press("slash", *"build-1", "enter", "a", "s")
        assert len(desk.worker.asked(Submit)) == 1
        assert not desk.sheet


async def test_a_verdict_of_no_is_one_line(tmp_path: Path) -> None:
    """Read-only: greyed in the menu, with the reason; a plan that is refused all the same is one line, no question."""
    worker = FakeWorker(tmp_path, read_only=True)
    small_fleet(worker)
    async with sitting(worker) as desk:
        await desk.press("slash", *"web-01", "enter", "a")
        assert "d  shut down         read-only" in desk.sheet
        await desk.press("d")
        assert "shut down: read-only" in desk.sheet
        assert not desk.worker.asked(MakePlan)
        assert "RO" in desk.lines()[0]
        await desk.press("escape")
        desk.worker.changes = {"verdict": Verdict.NO, "why": "read-only"}
        desk.worker.read_only = False
        await desk.press("a", "d")
        assert not desk.sheet
        assert desk.message == "✗ shut down web-01 on kvm1: no, read-only"


async def test_a_session_is_unlocked_for_a_while(tmp_path: Path) -> None:
    """The top line counts down; when the time is over, or the worker another one, it says RO again."""
    worker = FakeWorker(tmp_path, read_only=True)
    small_fleet(worker)
    now = [1_000.0]
    async with sitting(worker) as desk:
        desk.app.monotonic = lambda: now[0]

        def mode() -> str:
            desk.app._tick()
            return (desk.app.top_state().unlocked_s and "RW") or ("RO" if desk.app.top_state().read_only else "rw")

        await desk.press(":", *"rw soon", "enter")
        assert "soon is no span of time" in desk.message
        assert not desk.worker.asked(Unlock)
        await desk.press(":", *"rw 90m", "enter")
        assert desk.worker.asked(Unlock)[-1].for_s == 5_400
        assert "RW 1h" in desk.lines()[0]
        now[0] += 5_400 - 14 * 60
        mode()
        await desk.settle()
        assert "RW 14m" in desk.lines()[0]
        now[0] += 14 * 60
        desk.worker.read_only = True
        assert mode() == "RO"
        assert desk.message == "read-only again: the time is over"
        await desk.press(":", *"rw", "enter")
        assert (desk.worker.asked(Unlock)[-1].for_s, mode()) == (900, "RW")
        await desk.press(":", *"ro", "enter")
        assert (desk.worker.asked(Unlock)[-1].for_s, mode()) == (0, "RO")


async def test_a_config_that_begins_otherwise_shows_at_once(tmp_path: Path) -> None:
    """Nobody reads RO where acts go through."""
    worker = FakeWorker(tmp_path, read_only=True)
    small_fleet(worker)
    async with sitting(worker) as desk:
        assert " RO " in desk.lines()[0]
        assert worker.server is not None
        for read_only, word in ((False, " RW "), (None, " RW "), (True, " RO ")):
            worker.server.announce(Note(text=f"config applied, {read_only}", read_only=read_only))
            await desk.until_shown(f"config applied, {read_only}")
            assert word in desk.lines()[0]


async def test_a_refused_plan_is_asked_anew() -> None:
    """What was confirmed has changed meanwhile: a new plan is shown, and nothing typed before counts for it."""
    async with sitting() as desk:
        desk.worker.refusals = [RefusedError("web-01 is not as it was in the plan")]
        await desk.press("slash", *"web-01", "enter", "a", "d", "y")
        assert "asked again: web-01 is not as it was in the plan" in desk.sheet
        assert len(desk.worker.asked(MakePlan)) == 2
        await desk.press("y")
        assert len(desk.worker.asked(Submit)) == 2


async def test_a_question_whose_vm_changed_is_asked_anew() -> None:
    """The row under the question changes its state: the worker is asked for another plan, which says what is now."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "p")
        assert "Pause web-01" in desk.sheet
        desk.worker.set_state("web-01", VmState.PAUSED)
        await desk.until(lambda: len(desk.worker.asked(MakePlan)) == 2)
        await desk.settle()
        assert not desk.worker.asked(Submit)
        assert "already paused" in desk.message
        assert not desk.sheet, "a question that can no longer be answered was left on the screen"


async def test_a_question_that_was_left_is_not_asked_anew() -> None:
    """Esc while the other plan is on its way: nothing is asked when it comes."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "F")
        page, vms = desk.app.page, desk.app.main.vms.listing
        assert page is not None
        assert page.sheet is not None
        desk.worker.set_state("web-01", VmState.PAUSED)
        await desk.until(lambda: vms.current is not None and vms.current.values["state"] == "paused")
        page.sheet.tick()
        page.close_sheet()
        await desk.until(lambda: len(desk.worker.asked(MakePlan)) == 2)
        await desk.settle()
        assert not desk.sheet


async def test_a_question_asked_anew_waits_for_a_yes() -> None:
    """The other plan could go ahead without a question: nobody has said yes to anything yet."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "F")
        desk.worker.changes = {"verdict": Verdict.MAY}
        desk.worker.set_state("web-01", VmState.PAUSED)
        await desk.until(lambda: "asked again" in desk.sheet)
        await desk.settle()
        assert not desk.worker.asked(Submit)
        assert "PAUSED" in desk.sheet


async def test_an_expired_question_is_dead() -> None:
    """After the plan's time it says so, and takes nothing but esc."""
    moments = iter([NOW] * 1_000_000)
    late = [0.0]
    async with sitting(clock=lambda: next(moments) + late[0]) as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d")
        late[0] = 121.0
        await desk.press("y")
        assert "expired, nothing was done" in desk.sheet
        assert not desk.worker.asked(Submit)
        await desk.press("escape")
        assert not desk.sheet


async def test_a_failure_is_said_and_stays() -> None:
    """The failure form stands until it is dismissed."""
    said = "✗ web-01 kvm1: shut down NOT done, still running · why: no reaction to ACPI for 120 s · next: F force off"
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y")
        desk.worker.end_job("j1", JobState.FAILED, said)
        await desk.until(lambda: desk.message == said)
        await desk.press("j", "k")
        assert desk.message == said
        await desk.press("escape")
        assert not desk.message


async def test_jobs_of_others_are_not_said() -> None:
    """Somebody else's outcome is for the tasks pane."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y")
        desk.app.jobs = type(desk.app.jobs)()
        desk.app.notices.current = None
        desk.worker.end_job("j1", text="✓ done")
        await desk.settle()
        assert not desk.message


async def test_tasks_lead_to_their_steps() -> None:
    """T shows the tasks, enter the steps of one, with why it failed and what to do."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y")
        desk.worker.end_job("j1", JobState.FAILED, "✗ web-01 kvm1: shut down NOT done")
        await desk.press("t", "enter")
        await desk.until(lambda: "Timed out during operation" in desk.text())
        assert "wait more, or force off" in desk.text()
        await desk.press("escape", "escape")
        assert "newest first" in desk.text()


async def test_a_task_that_runs_begins_no_more() -> None:
    """A x in the tasks: its further steps are called off."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y", "t", "a", "x")
        assert [request.job for request in desk.worker.asked(Abort)] == ["j1"]


async def test_a_lost_host_is_tried_again() -> None:
    """A r on a host that is not up asks for another try; on one that is up it says so."""
    async with sitting() as desk:
        await desk.press("1", "a", "r")
        assert [request.host for request in desk.worker.asked(Reconnect)] == ["kvm7"]


async def test_opening_again_shows_what_goes_on(tmp_path: Path) -> None:
    """A job that somebody began before is on the top line, in the tasks, and in what is said when leaving."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    worker.jobs = [
        Job(id="j7", verb="shutdown", by="me", state=JobState.RUNNING, total=2, done=1, started=NOW, subject="2 VMs")
    ]
    async with sitting(worker) as desk:
        assert "⟳ 1/2" in desk.lines()[0]
        assert desk.app.parting_words().startswith("1 task goes on: shutdown 2 VMs")
        await desk.press("t")
        assert "j7" in desk.line_with("2 VMs")


async def test_leaving_says_what_goes_on() -> None:
    """Q leaves at once, and tells which tasks go on."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y")
        assert desk.app.parting_words().startswith("1 task goes on: shutdown web-01")
        desk.worker.end_job("j1")
        await desk.until(lambda: not desk.app.parting_words())


async def test_in_a_task_too_no_single_key_acts() -> None:
    """It takes the menu and its letter to begin no more of it."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y", "t", "enter", "x")
        assert not desk.worker.asked(Abort)
        await desk.press("a", "0", "x")
        assert [request.job for request in desk.worker.asked(Abort)] == ["j1"]


async def test_a_task_is_undone_retried_and_marked_by_its_steps() -> None:
    """Over the VMs of the steps, asked like any act."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "d", "y", "t", "a")
        assert "undo              it is under way" in desk.sheet
        await desk.press("escape")
        desk.worker.end_job("j1")
        await desk.settle()
        await desk.press("a", "r")
        assert "retry: nothing of it failed" in desk.sheet
        before = len(desk.worker.asked(MakePlan))
        await desk.press("u")
        plan = desk.worker.asked(MakePlan)[before]
        assert (plan.verb, plan.targets) == ("start", (("kvm1", _uuid(1)),))
        await desk.press("escape", "a", "m")
        assert desk.worker.marks == {_uuid(1)}


async def test_a_blank_before_what_is_typed_does_not_count() -> None:
    """It would be seen by nobody, and keep the phrase from being one."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "F", "space", *"web-01", "enter")
        assert [submit.typed for submit in desk.worker.asked(Submit)] == ["web-01"]


async def test_steps_of_a_task_are_filtered_marked_and_acted_on(tmp_path: Path) -> None:
    """Those that failed, by the UUIDs of their VMs, in the list that is looked at; asked like any act."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    vms = [vm for vm in worker.vms if vm.name.startswith("web")]
    states = (StepState.DONE, StepState.FAILED, StepState.UNKNOWN)
    worker.jobs = [Job(id="j7", verb="shutdown", by="ada", state=JobState.FAILED, total=len(vms), started=NOW)]
    worker.steps["j7"] = tuple(
        Step(number=number, host=vm.host, uuid=vm.uuid, name=vm.name, state=states[number % 3])
        for number, vm in enumerate(vms)
    )
    failed = {step.uuid for step in worker.steps["j7"] if step.state is StepState.FAILED}
    async with sitting(worker) as desk:
        await desk.press("t", "enter", "slash", *"state:failed", "enter")
        assert f"{len(failed)} of {len(vms)}" in desk.text()
        await desk.press("*", "a", "1", "F")
        asked = desk.worker.asked(MakePlan)[-1]
        assert (asked.verb, set(asked.marks)) == ("off", failed)
        assert {request.window for request in desk.worker.asked(OpenWindow) if request.query.job} == {asked.window}


async def test_what_a_verb_needs_is_typed_before_it_is_asked() -> None:
    """A n: the name of the snapshot; a wrong one stays to be mended, esc leaves, what is right stands in the plan."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a", "n")
        assert "new snapshot · name:" in desk.sheet
        await desk.press("enter")
        assert "name is missing" in desk.sheet
        await desk.press(*"../x", "enter")
        assert "name is up to 64 letters" in desk.sheet
        assert not desk.worker.asked(MakePlan)
        await desk.press("ctrl+u", *"before-1", "enter")
        (plan,) = desk.worker.asked(MakePlan)
        assert (plan.verb, plan.parameters) == ("snapshot", {"name": "before-1"})
        assert "with    name=before-1" in desk.sheet
        assert "memory is kept too" in desk.sheet
        await desk.press("y")
        assert len(desk.worker.asked(Submit)) == 1
        await desk.press("a", "n", "escape")
        assert not desk.sheet
        assert len(desk.worker.asked(MakePlan)) == 1


async def test_delete_asks_for_disks_and_for_the_name() -> None:
    """Nothing typed for the disks: they stay. Then the name, and nothing less."""
    async with sitting() as desk:
        vm = next(vm for vm in desk.worker.vms if vm.state is VmState.OFF)
        await desk.press("slash", *vm.name, "enter", "a", "D")
        assert "delete · disks:" in desk.sheet
        await desk.press("enter", "enter")
        (plan,) = desk.worker.asked(MakePlan)
        assert (plan.verb, plan.parameters) == ("delete", {"disks": "", "forget": ""})
        assert "its definition goes; every disk stays" in desk.sheet
        await desk.press("y", "enter")
        assert not desk.worker.asked(Submit)
        await desk.press("ctrl+u", *vm.name, "enter")
        assert [submit.typed for submit in desk.worker.asked(Submit)] == [vm.name]


async def test_delete_is_greyed_for_several() -> None:
    """It stays in its place with the reason."""
    async with sitting() as desk:
        await desk.press("space", "j", "space", "a", "1")
        await desk.until(lambda: "one VM only" in desk.sheet)
        await desk.press("D")
        assert "delete: one VM only" in desk.sheet
        assert not desk.worker.asked(MakePlan)


def _waiting(worker: FakeWorker, left: int) -> None:
    """Give it a task that waits with so many steps not begun."""
    worker.jobs = [
        Job(
            id="j7", verb="shutdown", by="ada", state=JobState.WAITING, total=left + 4, done=4, not_begun=left,
            started=NOW, subject=f"{left + 4} VMs", text="waits for you: paused by ada",
        )
    ]  # fmt: skip


def _press_late(desk: Desk, *keys: str) -> None:
    """Press keys in the sheet when it has been on the screen for long enough."""
    for key in keys:
        sheet = desk.app.page.sheet if desk.app.page is not None else None
        assert sheet is not None
        sheet.press(key, desk.app.monotonic() + DEAF_S)


@pytest.mark.parametrize(("left", "phrase"), [(3, "y"), (30, "30")])
async def test_a_task_that_waits_goes_on_after_a_question(tmp_path: Path, left: int, phrase: str) -> None:
    """Where it is wide, its count is typed; nothing shorter than that says yes."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    _waiting(worker, left)
    async with sitting(worker) as desk:
        await desk.press("t", "a", "p")
        assert "pause: it waits already" in desk.sheet
        await desk.press("g")
        assert f"the {left} VMs not begun" in desk.sheet
        _press_late(desk, "enter", *phrase[:-1], "enter")
        await desk.settle()
        assert not worker.asked(Control)
        _press_late(desk, *phrase[-1], *(() if phrase == "y" else ("enter",)))
        await desk.settle()
        assert [(request.job, request.act) for request in worker.asked(Control)] == [("j7", "resume")]


async def test_a_task_is_paused_and_limited_through_its_menu(tmp_path: Path) -> None:
    """What may change while it runs, and nothing else of how it goes."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    _waiting(worker, 30)
    worker.jobs = [replace(worker.jobs[0], state=JobState.RUNNING)]
    async with sitting(worker) as desk:
        await desk.press("t", "a", "l", *" first:3")
        assert "no such word" in desk.sheet
        await desk.press("enter", *["backspace"] * len(" first:3"), *" at-once:2", "enter")
        await desk.press("a", "p")
        assert [(request.act, request.how) for request in worker.asked(Control)] == [
            ("", How(at_once=2)), ("pause", None),
        ]  # fmt: skip


async def test_how_it_is_done_is_changed_in_the_question() -> None:
    """A new plan, a new question; esc leaves the one there was."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "*", "a", "1", "d")
        assert "the first alone, then 8 at once" in desk.sheet
        plans = len(desk.worker.asked(MakePlan))
        _press_late(desk, "o")
        await desk.press("escape")
        assert "8 at once" in desk.sheet
        _press_late(desk, "o")
        await desk.press(*" at-once:3 ranks:db", "enter")
        assert len(desk.worker.asked(MakePlan)) == plans + 1
        asked = desk.worker.asked(MakePlan)[-1]
        assert asked.how == How(at_once=3, order=Order.TAGS, ranks=("db",))
        assert "then 3 at once, by tags: db" in desk.sheet


@given(
    st.builds(
        How,
        first=st.integers(0, 1_000),
        at_once=st.integers(1, 64),
        per_host=st.none() | st.integers(1, 8),
        stop_after=st.none() | st.integers(1, 100),
        order=st.sampled_from([Order.HOSTS, Order.MARKED]),
    ),
    st.lists(st.sampled_from(["db", "app", "web"]), unique=True).map(tuple),
    st.integers(0, 3_600),
)
def test_what_is_typed_is_what_was_meant(how: How, ranks: tuple[str, ...], wait_s: int) -> None:
    """Spelled and read again it is the same, whatever it is read on top of."""
    if ranks:
        how = replace(how, order=Order.TAGS, ranks=ranks, wait_s=float(wait_s))
    unset = replace(how, **{name: getattr(How(), name) for name in ("first", "at_once", "order", "ranks", "wait_s")})
    assert read(spelled(how), unset) == how
