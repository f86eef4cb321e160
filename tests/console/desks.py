"""A console on a fake worker, without a terminal: keys in, requests out."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from textual.events import Key
from textual.pilot import Pilot

from kvmtui.console import theme
from kvmtui.console.app import Console
from kvmtui.console.keys import BUILT_IN, Keymap
from kvmtui.console.memory import Memory
from kvmtui.console.preferences import Preferences
from kvmtui.console.present.cells import plain
from kvmtui.wire.line import Line, greeting
from tests.console.fake_worker import NOW, FakeWorker, small_fleet

ENOUGH_S = 10.0
"""How long a test waits for what must come."""


_CHARACTERS = {"slash": "/", "question_mark": "?", "enter": "\r", "tab": "\t", "space": " ", "escape": "\x1b"}


class Sitter:
    """Somebody in front of a console that runs, on whatever worker."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(ENOUGH_S):
            while not condition():  # noqa: ASYNC110 - what is waited for cannot tell
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Wait until what was asked is answered, and what was answered is painted."""
        quiet = 0
        async with asyncio.timeout(ENOUGH_S):
            while quiet < 4:
                await asyncio.sleep(0.002)
                quiet = 0 if self.app.is_waiting or self._paints else quiet + 1

    async def until_shown(self, words: str) -> None:
        """Wait until these words are on the screen, and nothing is under way. Fails with what is there instead."""
        try:
            await self.until(lambda: words in self.text())
        except TimeoutError:
            raise TimeoutError(f"{words!r} does not come:\n{self.text()}") from None
        await self.settle()

    @property
    def _paints(self) -> bool:
        """Whether Textual has messages to deliver or lines to paint."""
        screen = self.app.screen
        pumps = [self.app, screen, *screen.walk_children()]
        dirty = screen._dirty_widgets or screen._layout_required or screen._repaint_required
        return bool(dirty) or any(not pump._message_queue.empty() for pump in pumps)

    async def press(self, *keys: str) -> None:
        """Press keys, by Textual's names or the characters they type, each after what the one before has done."""
        for key in keys:
            character = key if len(key) == 1 else _CHARACTERS.get(key)
            self.app.post_message(Key(key, character))
            await self.settle()

    def lines(self) -> list[str]:
        """Return what is on the screen."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    def text(self) -> str:
        """Return what is on the screen as one text."""
        return "\n".join(self.lines())

    def line_with(self, words: str) -> str:
        """Return the first line that has these words. Fails if there is none."""
        found = next((line for line in self.lines() if words in line), None)
        assert found is not None, f"{words!r} is not on the screen:\n{self.text()}"
        return found

    @property
    def message(self) -> str:
        """What is said over the last line."""
        return self.app.notices.current.text if self.app.notices.current is not None else ""

    @property
    def sheet(self) -> str:
        """What lies over the page, as one text."""
        page = self.app.page
        if page is None or page.sheet is None:
            return ""
        return "\n".join(plain(line).rstrip() for line in page.sheet.lines(page.size.width))


class Desk(Sitter):
    """A console that runs, and the fake worker it runs on."""

    def __init__(self, app: Console, pilot: Pilot[None], worker: FakeWorker) -> None:
        super().__init__(app, pilot)
        self.worker = worker


def dialler(worker: FakeWorker, *, read_only: bool = False) -> Callable[[], Line]:
    """Return what reaches a fake worker as the real one is reached."""

    def dial() -> Line:
        line = Line(worker.path)
        line.greet(greeting("console", read_only=read_only))
        return line

    return dial


@contextlib.asynccontextmanager
async def sitting(
    worker: FakeWorker | None = None,
    size: tuple[int, int] = (120, 40),
    look: str = "dark",
    *,
    ascii_only: bool = False,
    clock: Callable[[], float] = lambda: NOW,
    keymap: Keymap = BUILT_IN,
    told: tuple[str, ...] = (),
    memory: Memory | None = None,
) -> AsyncIterator[Desk]:
    """A console on ``worker``, or on the fleet of the pictures."""
    with tempfile.TemporaryDirectory(prefix="kvmtui-test-") as folder:
        if worker is None:
            worker = FakeWorker(Path(folder))
            small_fleet(worker)
        if worker.server is None:
            worker.start()
        chosen = Preferences(theme.load(look), keymap, memory, told)
        app = Console(dialler(worker), chosen, ascii_only=ascii_only, log=Path(folder) / "console.log", clock=clock)
        try:
            async with app.run_test(size=size) as pilot:
                desk = Desk(app, pilot, worker)
                await desk.until(lambda: app.main.vms.listing.is_answered and app.main.vms.size)
                await desk.settle()
                yield desk
        finally:
            await worker.stop()
