"""The main screen: what keys ask of the worker, what stands on the screen then."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from textual.events import Paste

from kvmtui.console import desk as first
from kvmtui.console.arrangement import Arrangement
from kvmtui.console.memory import Remembered
from kvmtui.console.notices import SEEN_S
from kvmtui.model.host import Summary
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.messages import CloseWindow, GetDetail, ListRows, OpenSeries, OpenWindow, Query
from tests.console.desks import Desk, sitting
from tests.console.fake_worker import FakeWorker, small_fleet


def _queries(desk: Desk, window: int = first.VMS) -> list[Query]:
    return [request.query for request in desk.worker.asked(OpenWindow) if request.window == window]


async def test_it_asks_once_for_what_it_shows() -> None:
    """One request a window: what start.py asks before anything is drawn is what the screen wants then."""
    async with sitting() as desk:
        asked = {request.window: request for request in desk.worker.asked(OpenWindow)}
        assert len(desk.worker.asked(OpenWindow)) == len(asked) == 2
        for request in first.first_requests(first.listings(Remembered()), Remembered(), 120, 40):
            assert asked[request.window] == msgspec.structs.replace(request, id=asked[request.window].id)


async def test_what_is_wrong_comes_first_and_in_words() -> None:
    """Worst first until somebody sorts."""
    async with sitting() as desk:
        assert "▲ kvm7 lost: no answer 2m  +4" in desk.lines()[0]
        assert "I/O error vda: no space left" in desk.line_with("db-02")
        assert "? was running 2m ago" in desk.line_with("cache-11")
        assert "lost 2m: no answer" in desk.line_with("kvm7   ")
        names = [held.values["name"] for i in range(3) if (held := desk.app.main.vms.listing.row(i))]
        assert names == ["db-02", "cache-11", "mail"]


async def test_every_line_is_as_wide_as_the_terminal() -> None:
    """At any size, live."""
    async with sitting() as desk:
        for size in ((120, 40), (99, 30), (80, 24), (20, 5), (40, 3), (10, 2), (1, 1), (200, 60), (120, 40)):
            await desk.pilot.resize_terminal(*size)
            await desk.settle()
            lines = [strip.cell_length for strip in desk.app.screen._compositor.render_strips()]
            assert lines == [size[0]] * size[1]


async def test_80_columns_show_one_pane_at_a_time() -> None:
    """1 to 4 and tab choose it."""
    async with sitting(size=(80, 24)) as desk:
        assert "kvm1 " in desk.text()
        for key, words in (
            ("1", "1 hosts"),
            ("3", "is it powered on?"),
            ("4", "no tasks"),
            ("2", "2 vms"),
            ("tab", "last 15 min"),
        ):
            await desk.press(key)
            assert words in desk.text(), key
        assert desk.app.main.pane == "metrics"


async def test_moving_asks_only_when_rows_run_out(tmp_path: Path) -> None:
    """The cursor moves by itself; the worker hears of it when the screen nears the end of what is held."""
    worker = FakeWorker(tmp_path)
    worker.vms = [Vm(host="h", uuid=f"u{n}", name=f"vm-{n:03d}", state=VmState.RUNNING, seen=1.0) for n in range(500)]
    worker.summary = Summary(name="many")
    async with sitting(worker) as desk:
        before = len(_queries(desk))
        await desk.press("j", "j", "j")
        assert len(_queries(desk)) == before + 1, "only to hold the order"
        assert _queries(desk)[-1].hold
        await desk.press("G")
        assert desk.app.main.vms.listing.cursor == 499
        assert "vm-499" in desk.text()
        assert "· · ·" not in desk.text()
        await desk.press("g")
        assert desk.app.main.vms.listing.cursor == 0
        await desk.press("pagedown", "ctrl+d", "ctrl+u", "pageup", "k")
        assert desk.app.main.vms.listing.cursor == 0


async def test_filter_as_you_type() -> None:
    """Each letter narrows the list; enter keeps the filter, esc takes it back."""
    async with sitting() as desk:
        await desk.press("slash", *"web")
        assert [q.filter for q in _queries(desk) if q.filter] == ["w", "we", "web"]
        assert "3 of 12" in desk.sheet
        await desk.press("enter")
        assert "/web" in desk.line_with("2 vms")
        await desk.press("slash", "1", "escape")
        assert _queries(desk)[-1].filter == "web"
        await desk.press("escape")
        assert _queries(desk)[-1].filter == ""


async def test_a_wrong_filter_is_told_under_the_word() -> None:
    """The list stays as it was."""
    async with sitting() as desk:
        await desk.press("slash")
        desk.app.post_message(Paste("web cpux:4"))
        await desk.settle()
        marks = next(line for line in desk.sheet.splitlines() if "^" in line)
        assert marks.index("^") == len(" vms / ") + len("web ")
        assert "there is no field 'cpux'" in marks
        assert "web-01" in desk.text()
        await desk.press("enter")
        assert "^" in desk.sheet, "what is wrong stays, to be mended"
        await desk.press(*["backspace"] * 6)
        assert "^" not in desk.sheet


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_marks_are_under_what_is_wrong_however_much_is_said_of_it(size: tuple[int, int]) -> None:
    """No count is shown beside it that is of another filter: what is still shown is named."""
    async with sitting(size=size) as desk:
        await desk.press("slash", *"cpu>20")
        desk.app.post_message(Paste(" state:runing"))
        await desk.settle()
        typed, marks, *told = desk.sheet.splitlines()[1:]
        assert marks.strip() == "^" * len("runing")
        assert marks.index("^") == typed.index("runing")
        assert "did you mean running?" in told[0]
        assert typed.endswith("– of 12")
        assert told[-1] == " the list is still that of cpu>20"
        await desk.press("ctrl+u")
        desk.app.post_message(Paste("x" * 3000))
        await desk.settle()
        typed, marks, *told = desk.sheet.splitlines()[1:]
        assert "a word of more than 300 characters" in "".join(told)
        assert marks.strip("^ ") == ""
        assert "▸" in desk.text()


async def test_only_what_is_wrong_keeps_the_filter() -> None:
    """Z asks for severity beside the filter; an error is still told at its word."""
    async with sitting() as desk:
        await desk.press("slash", *"kvm1 or mail", "enter", "z")
        assert _queries(desk)[-1].filter == "severity>1 (kvm1 or mail)"
        await desk.press("slash", *" x:")
        marks = next(line for line in desk.sheet.splitlines() if "^" in line)
        assert marks.index("^") == len(" vms / ") + len("kvm1 or mail ")
        await desk.press("escape", "z")
        assert _queries(desk)[-1].filter == "kvm1 or mail"


async def test_order_by_a_letter_and_again() -> None:
    """O c: by CPU, the highest first; again: the lowest; the title says so."""
    async with sitting() as desk:
        await desk.press("o", "c")
        assert (_queries(desk)[-1].sort, _queries(desk)[-1].descending) == ("cpu_pct", True)
        assert "cpu%↓" in desk.text()
        assert "by cpu% ↓" in desk.line_with("2 vms")
        await desk.press("o", "c")
        assert not _queries(desk)[-1].descending
        await desk.press("o", "n")
        assert (_queries(desk)[-1].sort, _queries(desk)[-1].descending) == ("name", False)
        await desk.press("o", "w")
        assert _queries(desk)[-1].sort == ""


async def test_enter_on_a_host_scopes_and_esc_unscopes() -> None:
    """A chip in the title; moving in the hosts does not filter."""
    async with sitting() as desk:
        await desk.press("1", "j", "j")
        assert all(not query.scope for query in _queries(desk))
        await desk.press("enter")
        assert _queries(desk)[-1].scope == ("kvm1",)
        assert "on kvm1" in desk.line_with("2 vms")
        assert desk.app.main.pane == "vms"
        await desk.press("escape")
        assert _queries(desk)[-1].scope == ()


async def test_n_finds_what_is_wrong_far_away(tmp_path: Path) -> None:
    """Also where no row is held; and says when there is nothing."""
    worker = FakeWorker(tmp_path)
    worker.vms = [Vm(host="h", uuid=f"u{n}", name=f"vm-{n:04d}", state=VmState.RUNNING) for n in range(2000)]
    worker.vms[1500] = msgspec.structs.replace(worker.vms[1500], severity=4, trouble="bad")
    async with sitting(worker) as desk:
        await desk.press("o", "n", "n")
        assert len(desk.worker.asked(ListRows)) == 2
        assert desk.app.main.vms.listing.cursor == 1500
        assert desk.app.main.vms.listing.current is not None
        await desk.press("n")
        assert "nothing more is wrong below" in desk.message
        await desk.press("g", "N")
        assert "nothing more is wrong above" in desk.message


async def test_metrics_are_of_the_row_under_the_cursor() -> None:
    """Asked for once the cursor rests, with peak, scale and present value."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter")
        await desk.until(lambda: desk.app.main.metrics.subject.endswith("001"))
        await desk.settle()
        assert "3 web-01 ── on kvm1" in desk.text()
        assert (desk.worker.asked(OpenSeries)[-1].host, desk.worker.asked(OpenSeries)[-1].uuid[-3:]) == ("kvm1", "001")
        await desk.until(lambda: "peak" in desk.text())
        assert "cpu 99 %" in desk.text()


async def test_a_host_that_needs_you_says_what_to_do() -> None:
    """In the place of its graphs: why, and the remedy."""
    async with sitting() as desk:
        await desk.press("1", "j")
        await desk.until(lambda: desk.app.main.metrics.subject == "kvm8")
        await desk.settle()
        assert "needs you 10m: host key unknown" in desk.text()
        assert "kvmtui trust kvm8" in desk.text()


async def test_zoom_and_back() -> None:
    """f: the pane alone; esc or f: all of them."""
    async with sitting() as desk:
        await desk.press("f")
        assert "1 hosts" not in desk.text()
        await desk.press("escape")
        assert "1 hosts" in desk.text()


async def test_detail_has_tabs_and_closes_its_windows() -> None:
    """enter, l h, esc: what it is made of, XML as text; what it followed is closed."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "enter")
        (asked,) = desk.worker.asked(GetDetail)
        assert (asked.host, asked.uuid[-3:]) == ("kvm1", "001")
        assert "pc-q35-7.2" in desk.text()
        await desk.press("l")
        assert "/srv/web-01.qcow2" in desk.text()
        await desk.press("y")
        assert "<domain type='kvm'>" in desk.text()
        await desk.press("G")
        assert "</domain>" in desk.text()
        await desk.press("l", "l")
        assert "no task of the last ones" in desk.text()
        await desk.press("h", "h", "h")
        assert "peak" in desk.text()
        await desk.press("escape")
        await desk.until(lambda: len(desk.worker.asked(CloseWindow)) == 4)
        assert "2 vms" in desk.text()


async def test_detail_of_a_lost_host_says_so() -> None:
    """What was last known, and why there is no more."""
    async with sitting() as desk:
        await desk.press("slash", *"cache", "enter", "enter")
        assert "does not answer" in desk.text()
        assert "was running 2m ago" in desk.text()


async def test_help_opens_and_closes() -> None:
    """? and q; on top of what was there."""
    async with sitting() as desk:
        await desk.press("question_mark")
        assert "Keys everywhere" in desk.text()
        await desk.press("q")
        assert "2 vms" in desk.text()


async def test_a_burst_does_nothing_and_says_so() -> None:
    """A paste on the main screen: told, nothing asked; into the filter it goes."""
    async with sitting() as desk:
        asked = len(desk.worker.requests)
        desk.app.post_message(Paste("easy"))
        await desk.settle()
        assert "4 characters came at once (easy)" in desk.message
        assert len(desk.worker.requests) == asked
        await desk.press("slash")
        desk.app.post_message(Paste("we\nb"))
        await desk.settle()
        assert "/ we b" in desk.sheet


async def test_quitting_ends_the_console() -> None:
    """Q at the root, and ctrl+c."""
    for key in ("q", "ctrl+c"):
        async with sitting() as desk:
            await desk.press("question_mark", "q")
            assert desk.app.is_running
            desk.app.page.press(key, 0.0)  # type: ignore[union-attr]
            await desk.until(lambda: not desk.app.is_running)


async def test_old_figures_are_grey() -> None:
    """Older than three polls."""
    async with sitting() as desk:
        palette = desk.app.palette
        row = next(i for i, line in enumerate(desk.lines()) if " old " in line)
        strip = desk.app.screen._compositor.render_strips()[row]
        figure = next(segment for segment in strip if "7.2" in segment.text)
        assert figure.style == palette.style("faint")


async def test_unknown_keys_do_nothing() -> None:
    """Also capitals, brackets and what multiplexers use."""
    async with sitting() as desk:
        asked = len([r for r in desk.worker.requests if not isinstance(r, OpenWindow | OpenSeries)])
        await desk.until(lambda: "peak" in desk.text())
        before = desk.text()
        await desk.press(
            "O", "bracketleft", "A", "ctrl+a", "ctrl+b", "ctrl+k", "ctrl+z", "ctrl+s", "ctrl+q", "ctrl+p", "e", "F"
        )
        assert desk.app.is_running
        assert len([r for r in desk.worker.requests if not isinstance(r, OpenWindow | OpenSeries)]) == asked
        assert desk.text() == before


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_demo_says_so(tmp_path: Path, size: tuple[int, int]) -> None:
    """Wherever invented figures are shown."""
    worker = FakeWorker(tmp_path, demo=True)
    small_fleet(worker)
    async with sitting(worker, size) as desk:
        assert "DEMO" in desk.lines()[0]
        await desk.press("3")
        await desk.until(lambda: "demo: invented figures" in desk.text())


async def test_a_text_can_be_searched() -> None:
    """In the help, XML and whatever is read: the lines that have it are counted, gone to in turn, and left by esc."""
    async with sitting(size=(80, 24)) as desk:
        await desk.press("question_mark", "slash", *"STEAL")
        assert re.search(r"[2-9] of \d+ lines", desk.sheet)
        first = desk.app.page.text.top  # type: ignore[union-attr]
        await desk.press("enter", "n")
        assert "steal" in desk.text()
        await desk.press("n", "n", "n")
        assert desk.app.page is not desk.app.main
        await desk.press("slash", *"nosuchword", "enter", "n")
        assert desk.message == "it is nowhere in this text"
        assert first >= 0
        await desk.press("escape")
        assert desk.app.page is not desk.app.main
        await desk.press("escape")
        assert desk.app.page is desk.app.main


async def test_the_help_begins_with_what_is_on_the_screen() -> None:
    """Keys of the page that is asked about come first."""
    async with sitting(size=(80, 24)) as desk:
        await desk.press("d", "question_mark")
        assert " keys · acts · commands · filter · states" in desk.lines()[2]
        assert "Keys in the detail of a VM" in desk.lines()[5]


async def test_the_help_names_its_sections_and_finds_them() -> None:
    """What is looked for is gone to in titles first, and a mark says that there is more below until there is none."""
    async with sitting(size=(80, 24)) as desk:
        await desk.press("question_mark")
        assert re.search(r"▼ \d+ more$", desk.lines()[22].rstrip())
        for section in ("filter", "states", "first line", "columns of hosts"):
            await desk.press("slash", *section)
            assert desk.lines()[2].strip().casefold().startswith(section)
            await desk.press("enter")
        await desk.press("G")
        assert "▼" not in desk.text()


async def test_the_title_of_a_detail_says_how_it_stands_first() -> None:
    """However long the name, however many tabs; the chosen tab as long as there is room for it."""
    for size in ((80, 24), (60, 24)):
        async with sitting(size=size) as desk:
            await desk.press("slash", *"db-02", "enter", "d", "l", "l")
            title = desk.lines()[1]
            assert "db-02 on kvm2 ── ‖ PAUSED ── " in title
            assert "  metrics  " in title


async def test_a_menu_that_refused_a_letter_takes_none_for_another() -> None:
    """The next one that is no choice closes it and does nothing else; a colon leads out of every menu."""
    async with sitting() as desk:
        await desk.press("1", "g", "c", "u")
        assert "only VMs have one" in desk.sheet
        await desk.press("u")
        assert "only VMs have one" in desk.sheet
        await desk.press("j")
        assert not desk.sheet
        await desk.press("c", "u", "colon", *"vms", "enter")
        assert not desk.sheet
        assert desk.app.clipboard == ""
        assert desk.app.main.pane == "vms"


async def test_a_filter_that_is_taken_back_leaves_the_cursor_where_it_was() -> None:
    """Esc while it is typed, and esc that takes a kept one away; nothing is asked where nothing was typed."""
    async with sitting() as desk:
        await desk.press("G", "k")
        key = desk.app.main.vms.listing.key
        asked = len(_queries(desk))
        await desk.press("slash", "escape")
        assert [query.filter for query in _queries(desk)[asked:]] == [""] * (len(_queries(desk)) - asked)
        assert desk.app.main.vms.listing.key == key
        await desk.press("slash", *"mail", "escape")
        assert (desk.app.main.vms.listing.key, desk.app.main.vms.listing.filter) == (key, "")
        await desk.press("slash", *"mail", "enter")
        mail = desk.app.main.vms.listing.key
        await desk.press("escape")
        assert desk.app.main.vms.listing.key == mail
        assert "▸" in desk.line_with("mail")


async def test_a_long_filter_leaves_room_for_what_it_selects() -> None:
    """The title still says how many there are, and in which order."""
    async with sitting(size=(80, 24)) as desk:
        await desk.press("slash", *"w" * 200, "enter")
        title = desk.lines()[1]
        assert "/www" in title
        assert "… ── 0 of 12 ── worst first" in title


async def test_what_was_said_goes_with_the_next_key_once_it_was_seen() -> None:
    """What somebody must read stays until esc."""
    now = [100.0]
    async with sitting() as desk:
        desk.app.notices._monotonic = lambda: now[0]
        desk.app.say("a word", "notice")
        await desk.press("j")
        assert desk.message == "a word"
        now[0] += SEEN_S + 0.1
        await desk.press("j")
        assert desk.message == ""
        desk.app.say("a failure", "bad")
        now[0] += SEEN_S + 0.1
        await desk.press("j")
        assert desk.message == "a failure"


async def test_the_way_back_from_a_host_is_out_of_it() -> None:
    """Scope, filter and cursor of every table are as they were."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter", "1", "G", "enter")
        assert desk.app.main.vms.listing.scope == ("kvm2",)
        await desk.press("backspace")
        assert desk.app.main.pane == "hosts"
        assert desk.app.main.vms.listing.arrangement == Arrangement(filter="web")
