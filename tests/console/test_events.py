"""What happened: a table of events, a tab of the detail, one line of time."""

from __future__ import annotations

from msgspec.structs import replace

from kvmtui.console.feed import Stage
from kvmtui.console.present.cells import plain
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.present.timeline import timeline_lines
from kvmtui.console.screens.tables import ListPage
from kvmtui.model.timeline import Entry, Source, Timeline
from kvmtui.wire.messages import CloseWindow, GetDetail, GetTimeline, ListRows, OpenWindow
from tests.console.desks import Desk, sitting
from tests.console.fake_worker import NOW

DB = "00000000-0000-4000-8000-000000000005"


async def _open_events(desk: Desk) -> ListPage:
    page = ListPage(desk.app, LOOKS["events"])
    desk.app.push_screen(page)
    await desk.settle()
    return page


async def test_w_tells_what_happened_to_the_vm_under_the_cursor() -> None:
    """The newest first, with time, age, source and who; esc comes back."""
    async with sitting() as desk:
        await desk.press("w")
        (asked,) = desk.worker.asked(GetTimeline)
        assert (asked.host, asked.uuid) == ("kvm2", DB)
        assert "what happened to db-02" in desk.text()
        lines = [line for line in desk.lines() if "event" in line]
        assert "running → paused: I/O error vda" in lines[1]
        assert "4m ✗ serious" in lines[1]
        assert "kvm2: answers" in desk.text()
        assert "tasks and audit from the journal" in desk.text()
        await desk.press("escape")
        assert desk.app.page is desk.app.main


async def test_w_on_a_host_and_elsewhere_in_the_fleet() -> None:
    async with sitting() as desk:
        await desk.press("1", "w")
        assert (desk.worker.asked(GetTimeline)[-1].host, desk.worker.asked(GetTimeline)[-1].uuid) == ("kvm7", "")
        assert "what happened on kvm7" in desk.text()
        await desk.press("q", "4", "w")
        assert (desk.worker.asked(GetTimeline)[-1].host, desk.worker.asked(GetTimeline)[-1].uuid) == ("", "")
        assert "what happened in the fleet" in desk.text()


async def test_a_line_of_time_is_live_until_somebody_reads_on() -> None:
    """What is read further down stays where it is; g goes on."""
    async with sitting(size=(80, 10)) as desk:
        await desk.press("4", "w")
        assert "live" in desk.lines()[1]
        await desk.press("G")
        assert "held: g goes on" in desk.lines()[1]
        asked = len(desk.worker.asked(GetTimeline))
        page = desk.app.page
        assert page is not None
        page.tick()
        await desk.settle()
        assert len(desk.worker.asked(GetTimeline)) == asked
        await desk.press("g")
        page.tick()
        await desk.settle()
        assert len(desk.worker.asked(GetTimeline)) == asked + 1


async def test_without_a_worker_the_last_that_was_told_stays() -> None:
    """It says so, and asks nobody each second."""
    async with sitting() as desk:
        await desk.press("w")
        await desk.worker.stop()
        await desk.until(lambda: desk.app.feed.stage is Stage.GONE)
        page = desk.app.page
        assert page is not None
        page.tick()
        await desk.settle()
        assert "as it was last told" in desk.lines()[1]
        assert "running → paused: I/O error vda" in desk.text()
        assert "try again" not in desk.message


async def test_the_detail_of_a_vm_has_its_events() -> None:
    async with sitting() as desk:
        await desk.press("enter", "h", "h")
        opened = desk.worker.asked(OpenWindow)[-1]
        assert (opened.query.resource, opened.query.filter) == ("events", f'uuid:"{DB}"')
        assert "I/O error vda: no space" in desk.line_with("ioerror")
        assert "running → paused" in desk.line_with("  paused")
        assert "needs you" not in "\n".join(desk.lines()[1:])
        desk.worker.events.append(replace(desk.worker.events[-1], id="99", uuid=DB, text="paused → running: unpaused"))
        desk.worker.stir()
        await desk.until_shown("paused → running: unpaused")
        await desk.press("w")
        assert desk.worker.asked(GetTimeline)[-1].uuid == DB
        await desk.press("q", "q")
        assert {request.window for request in desk.worker.asked(CloseWindow)} >= {opened.window}


async def test_events_are_a_table_like_any_other() -> None:
    """Newest first, filtered by what happened; enter opens the VM where it is now."""
    async with sitting() as desk:
        page = await _open_events(desk)
        assert desk.worker.asked(OpenWindow)[-1].query.sort == "at"
        assert "steal 31 %" in desk.lines()[3]
        await desk.press("slash", *"kind:moved", "enter")
        assert page.table.listing.matched == 1
        desk.worker.vms = [replace(vm, host="kvm1") if vm.name == "web-10" else vm for vm in desk.worker.vms]
        await desk.press("enter")
        asked = desk.worker.asked(GetDetail)[-1]
        assert (asked.host, desk.worker.asked(ListRows)[-1].query.filter) == ("kvm1", f'uuid:"{asked.uuid}"')
        assert "web-10" in desk.lines()[1]
        await desk.press("q", "w")
        assert (desk.worker.asked(GetTimeline)[-1].host, desk.worker.asked(GetTimeline)[-1].uuid) == (
            "kvm2",
            asked.uuid,
        )


async def test_into_an_event_of_a_host_or_of_a_vm_that_is_gone() -> None:
    async with sitting() as desk:
        await _open_events(desk)
        await desk.press("slash", *"kind:link-lost", "enter", "enter", "h")
        assert "kvm7" in desk.lines()[1]
        assert "lost: no answer · 1 running VM out of sight" in desk.line_with("link lost")
        assert "kvm8" not in "\n".join(desk.lines()[1:])
        await desk.press("w")
        assert (desk.worker.asked(GetTimeline)[-1].host, desk.worker.asked(GetTimeline)[-1].uuid) == ("kvm7", "")
        await desk.press("q", "q", "escape", "slash", *"kind:watching", "enter", "enter")
        assert desk.worker.asked(GetTimeline)[-1].host == ""
        desk.worker.vms = [vm for vm in desk.worker.vms if vm.name != "web-10"]
        await desk.press("q", "escape", "slash", *"kind:moved", "enter", "enter")
        assert "web-10 is there no longer" in desk.message
        assert not desk.worker.asked(GetDetail)


# --- lines ----------------------------------------------------------------------------------------------------------


def _entry(age: float, text: str, **more: object) -> Entry:
    return Entry(at=NOW - age, source=Source.EVENT, text=text, **more)  # type: ignore[arg-type]


def test_days_are_apart_and_nothing_is_wider_than_the_page() -> None:
    """At any width; long words go on in the next line; what nobody could read is told."""
    entries = (
        _entry(5, "new " * 40, severity=4, name="x" * 300, host="kvm1", who="ann"),
        _entry(6, "\x1b]52;c;aGk=\x07[bold]日本語", name="web-01"),
        _entry(90_000, "older"),
    )
    timeline = Timeline(entries=entries, events_since=NOW - 100_000, is_whole=False, journal="disk full", now=NOW)
    for width in range(12, 130):
        lines = timeline_lines(timeline, "web-01", NOW, width)
        assert all(len(plain(line)) <= max(width, 34) for line in lines)
    text = "\n".join(plain(line) for line in timeline_lines(timeline, "web-01", NOW, 100))
    assert text.count("── ") == 2
    assert "✗ critical event" in text
    assert "by ann" in text
    assert "web-01" not in text
    assert "without tasks and audit: disk full" in text
    assert "what is older is left out here" in text
    assert "\x1b" not in text
    assert "\x07" not in text
