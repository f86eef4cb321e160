"""The console as a Textual app: what all its pages share."""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.app import App
from textual.events import Event, Key, Paste

from kvmtui.console import keys
from kvmtui.console.feed import Early, Feed, Stage
from kvmtui.console.present.jobs import outcome, progress
from kvmtui.console.present.topline import TopState
from kvmtui.console.screens.main import MainPage
from kvmtui.console.screens.page import Page
from kvmtui.console.terminal import Burst, Terminal
from kvmtui.console.theme import Palette
from kvmtui.errors import KvmtuiError
from kvmtui.model.job import ENDED, Job
from kvmtui.text import clean, plural
from kvmtui.wire.messages import JobChanged, Note, Rows, Series, SummaryChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from textual.screen import Screen

    from kvmtui.console.theme import Theme
    from kvmtui.model.host import Summary
    from kvmtui.wire.client import Pushed
    from kvmtui.wire.line import Line

MESSAGE_S = 6.0
"""How long a message stays that nobody need act on."""
FAILURE_S = 60.0
"""How long one stays that somebody should read; esc takes it away."""
JOBS_MAX = 200
"""Jobs that have ended and are remembered, for the answer that comes after the end."""
LOG_MAX = 1_000_000
"""Bytes of the console's log; beyond that it begins anew."""


class Message(NamedTuple):
    """Something said over the last line for a while."""

    text: str
    role: str
    until: float


class Console(App[None]):
    """The full-screen console. Holds no truth: it shows windows on the worker's fleet, and sends intents."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = []
    CSS = "Screen { overflow: hidden; }"

    def __init__(
        self,
        dial: Callable[[], Line],
        theme: Theme,
        *,
        early: Early | None = None,
        read_only: bool = False,
        ascii_only: bool = False,
        log: Path | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``dial`` reaches the worker (see Feed); ``log`` is where a crash leaves its trace."""
        super().__init__(driver_class=Terminal, ansi_color=True)
        self.palette = Palette(theme)
        self.ascii_only = ascii_only
        self.now = clock
        self.monotonic = monotonic
        self.summary: Summary | None = None
        self.message: Message | None = None
        self.running: dict[str, Job] = {}
        """Jobs of anyone that run, by id."""
        self.ended: dict[str, Job] = {}
        self.mine: set[str] = set()
        """Jobs that were begun here and whose end has not been said."""
        self.takers: dict[int, Callable[[Any], None]] = {}
        """Window -> what takes its rows or points."""
        self.crash = ""
        """Why the console ended by itself, in one line."""
        self.feed = Feed(dial, self._pushed, self._staged)
        self._early = early
        self._read_only = read_only
        self._log_path = log
        self._tasks: set[asyncio.Task[None]] = set()
        self.main = MainPage(self)

    # --- what pages ask ----------------------------------------------------------------------------------------

    @property
    def page(self) -> Page | None:
        """The page on top."""
        screen = self.screen_stack[-1] if self.screen_stack else None
        return screen if isinstance(screen, Page) else None

    @property
    def is_cut_off(self) -> bool:
        """Whether what is shown is the last that was known, because the worker is gone."""
        return self.feed.stage is Stage.GONE

    def waiting_for(self) -> str:
        """Return why there are no rows yet."""
        if self.feed.stage is Stage.CONNECTING:
            return "starting the worker…"
        return self.feed.trouble or "waiting for the worker…"

    def top_state(self) -> TopState:
        """Return what the top line tells of."""
        welcome = self.feed.welcome
        gone = self.feed.stage is Stage.GONE
        jobs = self.running.values()
        steps = sum(j.done + j.failed + j.unknown + j.skipped for j in jobs), sum(j.total for j in jobs)
        return TopState(
            summary=self.summary,
            now=self.now(),
            read_only=self._read_only or (welcome is not None and welcome.read_only),
            demo=(welcome is not None and welcome.demo) or (self.summary is not None and self.summary.demo),
            link=clean(self.feed.trouble) if gone else "",
            running=steps,
        )

    def say(self, text: str, role: str = "text") -> None:
        """Say something over the last line: for a moment, or where it is bad until it was read."""
        stays = FAILURE_S if role in {"bad", "warn"} else MESSAGE_S
        self.message = Message(text, role, self.monotonic() + stays)
        if self.page is not None:
            self.page.refresh_overlay()

    def dismiss_message(self) -> bool:
        """Take a message away that stays; return whether there was one."""
        if self.message is None or self.message.role not in {"bad", "warn"}:
            return False
        self.message = None
        if self.page is not None:
            self.page.refresh_overlay()
        return True

    def hear_typing(self, typing: bool) -> None:
        """Say whether characters are wanted: bursts of them are no typing elsewhere."""
        if isinstance(self._driver, Terminal):
            self._driver.sieve.in_input = typing

    def work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do something that waits for the worker; what it raises is said."""
        task = asyncio.get_running_loop().create_task(self._guarded(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except KvmtuiError as error:
            self.say(f"✗ {error}", "bad")
        except Exception as error:  # noqa: BLE001 - the top of a task: it ends the console, and is logged there
            self._handle_exception(error)

    def began(self, job: Job) -> None:
        """A job was begun here: say how it goes, and how it ends."""
        if job.id in self.ended or job.state in ENDED:
            self._say_outcome(self.ended.get(job.id, job))
            return
        self.mine.add(job.id)
        self.running[job.id] = job
        self.say(*progress(job, self.now()))

    # --- from the worker ---------------------------------------------------------------------------------------

    def _pushed(self, message: Pushed) -> None:
        try:
            self._take(message)
        except Exception as error:  # noqa: BLE001 - the top of what the loop calls: it ends the console, and is logged
            self._handle_exception(error)

    def _take(self, message: Pushed) -> None:
        match message:
            case Rows() | Series():
                taker = self.takers.get(message.window)
                if taker is not None:
                    taker(message)
            case SummaryChanged():
                self.summary = message.summary
                self._top()
            case JobChanged():
                self._job_changed(message.job)
            case Note():
                self.say(clean(message.text), "warn" if message.severity > 1 else "notice")

    def _job_changed(self, job: Job) -> None:
        if job.state in ENDED:
            self.running.pop(job.id, None)
            self.ended[job.id] = job
            while len(self.ended) > JOBS_MAX:
                del self.ended[next(iter(self.ended))]
            if job.id in self.mine:
                self._say_outcome(job)
        else:
            self.running[job.id] = job
        self._top()

    def _say_outcome(self, job: Job) -> None:
        self.mine.discard(job.id)
        self.say(*outcome(job))

    def _staged(self) -> None:
        if self.feed.stage is not Stage.UP:
            self.running.clear()
        if self.is_running:
            for screen in self.screen_stack:
                if isinstance(screen, Page):
                    screen.fleet_changed()
            self._top()

    def _top(self) -> None:
        if self.page is not None:
            self.page.topline.repaint()

    # --- from Textual ------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    async def on_load(self) -> None:
        if self._early is not None:
            await self.feed.adopt(self._early)

    def on_mount(self) -> None:
        self.work(self.feed.run())
        self.set_interval(1.0, self._tick)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.exit)
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            event.stop()
            if self.page is not None:
                self.page.press(keys.name_of(event.key, event.character), event.time)
        elif isinstance(event, Paste):
            event.stop()
            self._pasted(event.text)
        else:
            await super().on_event(event)

    def _pasted(self, text: str) -> None:
        sheet = self.page.sheet if self.page is not None else None
        if self.page is not None and sheet is not None and sheet.entry is not None:
            sheet.paste(text)
            self.page.refresh_overlay()
        else:
            self.on_burst(Burst(text))

    def on_burst(self, burst: Burst) -> None:
        if self.page is not None and self.page.sheet is not None and self.page.sheet.is_menu:
            self.page.close_sheet()
        shown = clean(burst.text, 24)
        self.say(
            f"{plural(len(burst.text), 'character')} came at once ({shown}): taken for a paste, nothing done", "notice"
        )

    def _tick(self) -> None:
        if self.message is not None and self.monotonic() >= self.message.until:
            self.message = None
        page = self.page
        if page is None:
            return
        page.topline.repaint()
        page.tick()
        if page.sheet is not None:
            page.sheet.tick()
        page.refresh_overlay()

    # --- leaving -----------------------------------------------------------------------------------------------

    def parting_words(self) -> str:
        """Return what is to be said on the terminal after leaving; "" if nothing is."""
        if self.crash:
            return self.crash
        jobs = list(self.running.values())
        if not jobs:
            return ""
        named = ", ".join(f"{job.verb} {clean(job.subject)}" for job in jobs[:3])
        more = f" and {len(jobs) - 3} more" if len(jobs) > 3 else ""
        verb = "goes" if len(jobs) == 1 else "go"
        return f"{plural(len(jobs), 'task')} {verb} on: {named}{more} · kvmtui ls jobs, or kvmtui, shows how it ends"

    def hang_up(self) -> None:
        """The terminal is gone: leave."""
        self.exit()

    def paint_anew(self) -> None:
        """Frames were dropped while the terminal did not read: paint everything."""
        if self.screen_stack:
            self.screen.refresh()

    def _fatal_error(self) -> None:
        """End after an error of our own: one line on the terminal, the trace in the log, without variables."""
        error = self._exception
        self.crash = f"kvmtui: the console failed: {type(error).__name__}: {clean(str(error), 200)}"
        if self._log_path is not None and error is not None:
            trace = "".join(traceback.format_exception(error))
            try:
                mode = "a" if self._log_path.exists() and self._log_path.stat().st_size < LOG_MAX else "w"
                with self._log_path.open(mode, encoding="utf-8", errors="replace") as file:
                    file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n{trace}\n")
                self.crash += f" · the trace is in {self._log_path}"
            except OSError as trouble:
                self.crash += f" · its trace could not be written: {trouble.strerror}"
        self._close_messages_no_wait()
