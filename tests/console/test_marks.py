"""Marks on VMs, from the key to the act on what is marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.console.asking import DEAF_S
from kvmtui.console.marks import Marks
from kvmtui.wire.messages import GetEligible, MakePlan, Mark, Select, Submit
from tests.console.desks import Desk, sitting


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _title(desk: Desk) -> str:
    return desk.line_with("2 vms")


@given(st.lists(st.tuples(st.sampled_from(["toggle", "add", "away", "back"]), st.integers(0, 5))))
def test_marks_are_a_set_with_one_step_back(acts: list[tuple[str, int]]) -> None:
    """Whatever is pressed: a VM is marked once wherever it runs, and what was taken away comes back once."""
    marks, marked, before = Marks(), set[str](), set[str]()
    for act, number in acts:
        key = f"kvm{number % 2}/{number}"
        if act == "toggle":
            marks.toggle(key)
            marked ^= {str(number)}
        elif act == "add":
            assert marks.add([key, key]) == len({str(number)} - marked)
            marked |= {str(number)}
        elif act == "away":
            marks.take_away()
            marked, before = set(), marked
        else:
            assert marks.bring_back() is bool(before)
            marked, before = marked | before, set()
        assert set(marks.uuids) == marked
        assert (f"elsewhere/{number}" in marks) is (str(number) in marked)


async def test_space_marks_and_goes_on() -> None:
    """The worker is told; the title counts; the second time unmarks."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space", "space")
        assert [(mark.uuids, mark.mode) for mark in desk.worker.asked(Mark)] == [
            ((_uuid(1),), "add"), ((_uuid(2),), "add"),
        ]  # fmt: skip
        assert "2 marked" in _title(desk)
        assert "•●web-01" in desk.line_with("web-01")
        await desk.press("k", "k", "space")
        assert desk.worker.marks == {_uuid(2)}


async def test_hidden_marks_are_counted_and_left_alone() -> None:
    """What the filter hides is no part of an act, until the question is told to take it in."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space", "space", "slash", "ctrl+u", *"web-02", "enter")
        assert "2 marked, 1 hidden" in _title(desk)
        await desk.press("a")
        assert "act on the 1 marked VM · 1 hidden mark left out" in desk.sheet
        assert desk.worker.asked(GetEligible)[-1].marks == (_uuid(1), _uuid(2))
        await desk.press("d")
        assert "Shut down web-02 on kvm1" in desk.sheet
        assert "1 hidden mark · h takes them in" in desk.sheet
        await desk.press("h")
        assert "Shut down 2 VMs on 1 host" in desk.sheet
        assert "hidden marks are in now" in desk.sheet
        assert not desk.worker.asked(Submit)
        assert desk.worker.asked(MakePlan)[-1].hidden


async def test_on_an_unmarked_row_the_menu_asks_which() -> None:
    """No letter acts before it is said; then only on what was said."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space")
        await desk.press("a", "d")
        assert "act on which?   1 the 1 marked VM   2 web-02 on kvm1" in desk.sheet
        assert "shut down: say first which: 1 or 2" in desk.sheet
        assert not desk.worker.asked(MakePlan)
        await desk.press("2", "d")
        (plan,) = desk.worker.asked(MakePlan)
        assert (plan.targets, plan.marks) == ((("kvm1", _uuid(2)),), ())


async def test_marks_that_are_not_counted_yet_are_meant_all_the_same() -> None:
    """A worker that is slow to count changes nothing of what an act is about."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space")
        desk.app.main.vms.listing.marks = desk.app.main.vms.listing.marked = 0
        await desk.press("a")
        assert "act on which?   1 the 1 marked VM   2 web-02 on kvm1" in desk.sheet


async def test_a_task_takes_its_marks_along() -> None:
    """They are gone once it is accepted, and u brings them back; a question that is left keeps them."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space", "space", "k", "k", "a", "d", "escape")
        assert len(desk.app.marks) == 2
        await desk.press("a", "d")
        question = desk.app.main.sheet
        assert question is not None
        question.press("y", desk.app.monotonic() + DEAF_S)
        await desk.settle()
        assert len(desk.worker.asked(Submit)) == 1
        assert not desk.app.marks
        assert desk.worker.marks == set()
        await desk.press("u")
        assert desk.worker.marks == {_uuid(1), _uuid(2)}


async def test_a_range_is_marked_from_there_to_here() -> None:
    """The order holds while it is drawn; the worker says what is in it; esc draws none."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "v")
        assert desk.app.main.vms.listing.holding
        await desk.press("j", "j")
        assert desk.text().count("○web") == 3
        await desk.press("v")
        (select,) = desk.worker.asked(Select)
        assert (select.first, select.last) == (f"kvm1/{_uuid(1)}", f"kvm2/{_uuid(3)}")
        assert desk.worker.marks == {_uuid(1), _uuid(2), _uuid(3)}
        await desk.press("u", "v", "k", "escape", "space")
        assert desk.worker.marks == {_uuid(2)}
        assert desk.app.main.vms.listing.filter == "web"


async def test_all_that_match_are_marked_as_of_now() -> None:
    """A snapshot: what matches later is not in it. Esc takes no mark away."""
    async with sitting() as desk:
        await desk.press("slash", *"host:kvm2", "enter", "*")
        marked = set(desk.worker.marks)
        assert marked == {vm.uuid for vm in desk.worker.vms if vm.host == "kvm2"}
        await desk.press("escape", "escape", "escape")
        assert desk.worker.marks == marked
        assert f"{len(marked)} marked" in _title(desk)


async def test_a_worker_that_comes_back_is_told_what_is_marked() -> None:
    """A console keeps its marks over a restart of the worker, and the count is right again."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "space", "space")
        await desk.worker.stop()
        desk.worker.marks.clear()
        await desk.until(lambda: desk.app.is_cut_off)
        desk.worker.start()
        await desk.until(lambda: desk.worker.marks == {_uuid(1), _uuid(2)})


async def test_only_vms_are_marked() -> None:
    """Elsewhere the key says so."""
    async with sitting() as desk:
        await desk.press("1", "space")
        assert desk.message == "only VMs can be marked"
        assert not desk.worker.asked(Mark)


async def test_a_range_ends_with_its_list() -> None:
    """A filter makes another list: from there to here means nothing in it."""
    async with sitting() as desk:
        await desk.press("G", "v", "slash", *"web", "escape")
        assert "○" not in desk.text()
        await desk.press("v")
        assert not desk.worker.asked(Select)


async def test_what_is_left_out_is_asked_about() -> None:
    """One of several marked VMs can be started: nobody has meant just that one before it is said."""
    async with sitting() as desk:
        await desk.press("slash", *"name:build-1,web-01", "enter", "*", "a", "s")
        assert "Start build-1 on kvm1" in desk.sheet
        assert "1 already running" in desk.sheet
        assert not desk.worker.asked(Submit)
