"""What the screens look like: one picture a behaviour. ``pytest --snapshot-update`` takes them anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from kvmtui.console import theme
from kvmtui.model.job import JobState
from tests.console import svg
from tests.console.desks import Desk, sitting
from tests.console.fake_worker import FakeWorker, a_task_with_steps, small_fleet

WIDE, NARROW, TINY = (120, 40), (80, 24), (20, 5)


class Picture(SingleFileSnapshotExtension):
    """An SVG in a file of its own."""

    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What a picture is compared with."""
    return snapshot.use_extension(Picture)


def _drawn(desk: Desk, title: str) -> str:
    look = desk.app.palette.theme
    text, ground = look.roles["text"] or "#d0d0d0", look.grounds["base"].removeprefix("on ") or "#101010"
    return svg.draw(desk.app.screen._compositor.render_strips(), title, text=text, ground=ground)


async def _graphs(desk: Desk) -> None:
    await desk.until(lambda: desk.app.main.metrics.subject)
    await desk.settle()


SCREENS: dict[str, Sequence[str]] = {
    "main": (),
    "hosts": ("1",),
    "metrics": ("j", "j", "3"),
    "metrics-of-a-host": ("1", "j", "3"),
    "tasks": ("j", "j", "a", "d", "y", "t"),
    "a-task": ("j", "j", "a", "d", "y", "t", "enter"),
    "a-pane-alone": ("f",),
    "marks-and-a-range": ("j", "space", "space", "v", "j"),
    "verbs": ("j", "j", "a"),
    "verbs-for-many": ("slash", *"web", "enter", "*", "a", "1"),
    "a-task-and-what-can-be-done": ("j", "j", "a", "d", "y", "t", "a"),
    "verbs-for-whom": ("j", "j", "space", "a"),
    "question": ("j", "j", "a", "d", "v"),
    "question-for-many": ("j", "j", "space", "space", "space", "a", "1", "d", "l"),
    "question-for-three": ("slash", *"web", "enter", "*", "a", "1", "d"),
    "question-of-force": ("j", "j", "a", "F", "w", "r"),
    "filter": ("slash", *"web"),
    "wrong-filter": ("slash", *"web-01 o:"),
    "order": ("o",),
    "columns": ("|", "j"),
    "copy": ("c",),
    "commands": (":",),
    "command-with-filter": (":", *"vms host:k"),
    "vm": ("j", "j", "enter"),
    "vm-devices": ("j", "j", "enter", "l"),
    "vm-metrics": ("j", "j", "enter", "l", "l"),
    "vm-xml": ("j", "j", "y"),
    "vm-events": ("enter", "h", "h"),
    "vm-tasks": ("j", "j", "enter", "h"),
    "host": ("1", "g", "j", "j", "d"),
    "lost-host": ("1", "g", "d"),
    "what-happened-to-a-vm": ("w",),
    "what-happened-in-the-fleet": ("4", "w"),
    "events": (":", *"events", "enter"),
    "findings": (":", *"findings", "enter", "j"),
    "audit": (":", *"audit", "enter", "j"),
    "a-record": (":", *"audit", "enter", "j", "j", "enter"),
    "help": ("question_mark",),
}
"""Screen, or what lies over one -> the keys that lead there."""


@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_shows(picture: SnapshotAssertion, screen: str, size: tuple[int, int], look: str) -> None:
    """The screen after these keys."""
    async with sitting(size=size, look=look) as desk:
        await _graphs(desk)
        await desk.press(*SCREENS[screen])
        if size == WIDE and desk.app.page is desk.app.main:
            held = desk.app.main._subject.current
            await desk.until(lambda: held is None or desk.app.main.metrics.subject == held.key)
        await desk.settle()
        assert _drawn(desk, screen) == picture


async def test_it_shows_something_on_the_smallest_terminal(picture: SnapshotAssertion) -> None:
    """Names and states, whatever little room there is."""
    async with sitting(size=TINY) as desk:
        await desk.press("j")
        assert _drawn(desk, "tiny") == picture


@pytest.mark.parametrize("look", theme.names())
async def test_it_can_be_read_in_every_theme(picture: SnapshotAssertion, look: str) -> None:
    """The main screen, a question over it."""
    async with sitting(size=NARROW, look=look) as desk:
        await desk.press("j", "j", "a", "F")
        assert _drawn(desk, look) == picture


async def test_it_shows_a_failure_until_it_was_read(picture: SnapshotAssertion) -> None:
    """Over the last line, in the failure form."""
    async with sitting(size=NARROW) as desk:
        await desk.press("j", "j", "a", "d", "y")
        desk.worker.end_job(
            "j1",
            JobState.FAILED,
            "✗ mail kvm1: shut down NOT done, still running · why: no reaction to ACPI for 120 s, no agent"
            ' · libvirt: "…" · next: F force off',
        )
        await desk.until(lambda: "NOT done" in desk.message)
        await desk.settle()
        assert _drawn(desk, "a failure") == picture


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
async def test_it_shows_a_task_with_its_steps(
    picture: SnapshotAssertion, size: tuple[int, int], tmp_path: Path
) -> None:
    """How far it is; the worst of its steps first, under them what became of the one under the cursor."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    a_task_with_steps(worker)
    async with sitting(worker, size=size) as desk:
        await desk.press("t", "enter", "j")
        assert _drawn(desk, "a task with its steps") == picture


async def test_it_shows_that_the_worker_is_gone(picture: SnapshotAssertion) -> None:
    """What was last known, grey."""
    async with sitting(size=NARROW) as desk:
        await desk.worker.stop()
        await desk.until(lambda: desk.app.feed.trouble == "no worker answers")
        await desk.press("escape")
        await desk.settle()
        assert _drawn(desk, "the worker is gone") == picture


async def test_it_shows_ascii_where_the_locale_wants_it(picture: SnapshotAssertion) -> None:
    """Lines, glyphs, bars, graphs and names."""
    async with sitting(size=WIDE, ascii_only=True) as desk:
        await _graphs(desk)
        assert desk.text().isascii()
        assert _drawn(desk, "ASCII") == picture


async def test_it_says_demo(picture: SnapshotAssertion, tmp_path: Path) -> None:
    """Wherever invented figures are shown."""
    worker = FakeWorker(tmp_path, demo=True)
    small_fleet(worker)
    async with sitting(worker, NARROW) as desk:
        assert _drawn(desk, "demo") == picture
