"""The line between console, worker: lost, found again, of another version."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kvmtui.console import theme
from kvmtui.console.app import Console
from kvmtui.console.desk import first_requests, listings
from kvmtui.console.feed import Early, Feed, Stage
from kvmtui.console.memory import Remembered
from kvmtui.console.preferences import Preferences
from kvmtui.errors import WorkerError
from kvmtui.wire.line import Line
from kvmtui.wire.messages import MakePlan, Note, OpenSummary, OpenWindow, encode
from tests.console.desks import Desk, dialler, sitting
from tests.console.fake_worker import NOW, FakeWorker, small_fleet


async def test_a_lost_worker_is_said_and_found_again() -> None:
    """Rows stay, grey; the top line says why; the next worker is asked for the same windows."""
    async with sitting() as desk:
        await desk.press("slash", *"web", "enter")
        desk.worker.requests.clear()
        await desk.worker.stop()
        await desk.until(lambda: desk.app.feed.stage is Stage.GONE)
        await desk.settle()
        assert "▲ the worker is gone" in desk.lines()[0] or "▲ no worker answers" in desk.lines()[0]
        row = next(i for i, line in enumerate(desk.lines()) if "web-01" in line)
        name = next(s for s in desk.app.screen._compositor.render_strips()[row] if "web-01" in s.text)
        assert name.style is not None
        assert name.style.color == desk.app.palette.style("faint").color
        await desk.until(lambda: desk.app.feed.trouble == "no worker answers")
        desk.worker.start()
        await desk.until(lambda: desk.app.feed.stage is Stage.UP)
        await desk.until(lambda: desk.message == "the worker is back")
        await desk.until(lambda: [r.query.filter for r in desk.worker.asked(OpenWindow) if r.window == 2])
        assert {r.query.filter for r in desk.worker.asked(OpenWindow) if r.window == 2} == {"web"}
        await desk.settle()
        assert "▲ kvm7 lost" in desk.lines()[0]


async def test_a_worker_that_is_silent_is_not_taken_for_well(tmp_path: Path) -> None:
    """A stopped worker hangs up on nobody: it is asked, told of, left; found again once it answers."""
    worker = FakeWorker(tmp_path)
    worker.start()
    told: list[str] = []

    def staged() -> None:
        told.append(feed.trouble or feed.stage.value)

    feed = Feed(dialler(worker), lambda _: None, staged, patience_s=1.0)
    running = asyncio.create_task(feed.run())

    async def until(trouble: str) -> None:
        async with asyncio.timeout(10):
            while trouble not in told:  # noqa: ASYNC110 - the feed tells nobody else
                await asyncio.sleep(0.001)
        del told[: told.index(trouble) + 1]

    await until("up")
    worker.thaws.clear()
    await until("the worker does not answer")
    assert "worker stop --force" in feed.remedy
    worker.thaws.set()
    await until("up")
    running.cancel()
    await asyncio.wait((running,))
    await worker.stop()


async def test_no_worker_is_told_in_words(tmp_path: Path) -> None:
    """One of another version, one that cannot start: its words, on the top line and over the last."""
    said = "the worker is of version 9.9, this program of 0.1"

    def dial() -> Line:
        raise WorkerError(said, remedy="leave this program and start the one that is installed now")

    app = Console(dial, Preferences(theme.load("dark")), clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        desk = Desk(app, pilot, FakeWorker(tmp_path))
        await desk.until(lambda: app.feed.stage is Stage.GONE)
        await asyncio.sleep(0.02)
        assert said in desk.lines()[0]
        assert "start the one that is installed now" in desk.message
        app.page.press("a", 0.0)  # type: ignore[union-attr]
        assert "nothing under the cursor" in desk.message


async def test_an_act_without_a_worker_says_so() -> None:
    """Nothing is kept for later."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "a")
        await desk.worker.stop()
        await desk.until(lambda: desk.app.feed.stage is Stage.GONE)
        desk.app.page.press("d", desk.app.monotonic())  # type: ignore[union-attr]
        await desk.until(lambda: "no worker" in desk.message)
        assert not desk.sheet
        assert not desk.worker.asked(MakePlan)


async def test_what_was_asked_early_is_not_asked_again(tmp_path: Path) -> None:
    """A connection from before the event loop: its rows are shown, its windows not opened twice."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    worker.start()

    def reach() -> Early:
        line = dialler(worker)()
        summary = line.call(OpenSummary())
        lists = listings(Remembered())
        requests = first_requests(lists, Remembered(), 120, 40)
        for request in requests:
            line.last_id += 1
            sent = OpenWindow(id=line.last_id, window=request.window, query=request.query)
            line.socket.sendall(encode(sent) + b"\n")
        return Early(line, summary, lists, {request.window: request for request in requests})

    early = await asyncio.to_thread(reach)
    app = Console(dialler(worker), Preferences(theme.load("dark")), early=early, clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        desk = Desk(app, pilot, worker)
        await desk.until(lambda: "web-01" in desk.text())
        await desk.settle()
        assert len(worker.asked(OpenWindow)) == 2
        assert "▲ kvm7 lost" in desk.lines()[0]
    await worker.stop()


async def test_notes_are_said() -> None:
    """What a human should read once."""
    async with sitting() as desk:
        assert desk.worker.server is not None
        desk.worker.server.announce(Note(text="config applied: kvm9 is new"))
        await desk.until(lambda: desk.message == "config applied: kvm9 is new")


async def test_a_failure_of_the_console_leaves_one_line(tmp_path: Path) -> None:
    """Not a trace with the values of variables: they may hold a secret."""
    worker = FakeWorker(tmp_path)
    small_fleet(worker)
    worker.start()
    log = tmp_path / "console.log"
    app = Console(dialler(worker), Preferences(theme.load("dark")), log=log, clock=lambda: NOW)

    async def failing() -> None:
        secret = "hunter2"  # noqa: F841
        raise RuntimeError("a fault")

    try:
        async with app.run_test():
            app.work(failing())
            while app.is_running and not app.crash:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    except RuntimeError:
        pass
    await worker.stop()
    assert app.parting_words() == f"kvmtui: the console failed: RuntimeError: a fault · the trace is in {log}"
    assert "RuntimeError: a fault" in log.read_text()
    assert "hunter2" not in log.read_text().replace('secret = "hunter2"', "")
