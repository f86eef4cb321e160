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
from tests.console.fake_worker import FakeWorker, small_fleet

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


SCREENS: list[tuple[str, tuple[int, int], Sequence[str]]] = [
    ("hosts, VMs and metrics together, what is wrong first", WIDE, ()),
    ("one pane at a time on 80 columns", NARROW, ()),
    ("something on the smallest terminal", TINY, ("j",)),
    ("hosts with words where they are not up", NARROW, ("1",)),
    ("graphs with scale, unit, present value and peak", NARROW, ("j", "j", "3")),
    ("why there are no graphs of a host", WIDE, ("1", "j")),
    ("every verb in its place with its reason", NARROW, ("j", "j", "a")),
    ("the question before a shutdown", NARROW, ("j", "j", "a", "d", "v")),
    ("the question before the power is cut", NARROW, ("j", "j", "a", "F", "w", "r")),
    ("a filter as it is typed", NARROW, ("slash", *"web")),
    ("a wrong filter, told under the word", NARROW, ("slash", *"web-01 o:")),
    ("the order menu", NARROW, ("o",)),
    ("tasks in the place of the metrics", WIDE, ("j", "j", "a", "d", "y", "t")),
    ("a VM in detail", WIDE, ("j", "j", "enter")),
    ("a host in detail", WIDE, ("1", "g", "j", "j", "d")),
    ("a lost host in detail", NARROW, ("1", "g", "d")),
    ("its devices", NARROW, ("j", "j", "enter", "l")),
    ("its XML in colours", NARROW, ("j", "j", "y")),
    ("its events", NARROW, ("enter", "h", "h")),
    ("what happened to a VM", WIDE, ("w",)),
    ("what happened in the fleet", NARROW, ("4", "w")),
    ("findings with what to do about them", NARROW, (":", *"findings", "enter")),
    ("findings on a wide terminal", WIDE, (":", *"findings", "enter", "j")),
    ("the help", NARROW, ("question_mark",)),
    ("a pane alone on the screen", WIDE, ("f",)),
]


@pytest.mark.parametrize(("title", "size", "keys"), SCREENS, ids=[title.replace(" ", "-") for title, _, _ in SCREENS])
async def test_it_shows(picture: SnapshotAssertion, title: str, size: tuple[int, int], keys: Sequence[str]) -> None:
    """The screen after these keys."""
    async with sitting(size=size) as desk:
        await _graphs(desk)
        await desk.press(*keys)
        if size == WIDE and desk.app.page is desk.app.main:
            held = desk.app.main._subject.current
            await desk.until(lambda: held is None or desk.app.main.metrics.subject == held.key)
        await desk.settle()
        assert _drawn(desk, title) == picture


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
