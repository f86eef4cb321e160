"""The console as a Textual app: what all its pages share."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual._compositor import ChopsUpdate
from textual.app import App
from textual.events import Event, Key, Paste

from kvmtui.console import clipboard, desk, keys, theme
from kvmtui.console.crash import record
from kvmtui.console.errands import Errands
from kvmtui.console.feed import Early, Feed, Stage
from kvmtui.console.incoming import Incoming
from kvmtui.console.marks import Marks
from kvmtui.console.memory import Memory, view_of
from kvmtui.console.notices import Notices
from kvmtui.console.places import Places
from kvmtui.console.present.jobs import outcome, progress
from kvmtui.console.present.topline import TopState
from kvmtui.console.screens.main import MainPage
from kvmtui.console.screens.page import Page
from kvmtui.console.terminal import Burst, Terminal
from kvmtui.console.theme import Palette
from kvmtui.console.unlocking import Unlocking
from kvmtui.console.watch import JobWatch
from kvmtui.console.widgets.ink import Ink
from kvmtui.console.widgets.painted import Painted
from kvmtui.errors import UsageError
from kvmtui.model.job import ENDED, Job
from kvmtui.text import clean, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from rich.console import RenderableType
    from textual.screen import Screen

    from kvmtui.console.memory import Remembered
    from kvmtui.console.preferences import Preferences
    from kvmtui.console.widgets.table import Table
    from kvmtui.model.host import Summary
    from kvmtui.wire.client import Pushed
    from kvmtui.wire.line import Line


class Console(App[None]):
    """The full-screen console. Holds no truth: it shows windows on the worker's fleet, and sends intents."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = []
    CSS = "Screen { overflow: hidden; }"

    def __init__(
        self,
        dial: Callable[[], Line],
        chosen: Preferences,
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
        self.palette = Palette(chosen.theme)
        self.keymap = chosen.keymap
        self.ascii_only = ascii_only
        self.now = clock
        self.monotonic = monotonic
        self.summary: Summary | None = None
        self.notices = Notices(monotonic)
        self.memory = chosen.memory or Memory()
        if chosen.told:
            self.notices.say(chosen.told[0], "warn", chosen.told[1:])
        self.places = Places()
        self.jobs = JobWatch()
        self.marks = Marks()
        self.unlocking = Unlocking(self)
        self.takers: dict[int, Callable[[Any], None]] = {}
        """Window -> what takes its rows or points."""
        self._windows = itertools.count(desk.FIRST_FREE)
        self.crash = ""
        """Why the console ended by itself, in one line."""
        self._incoming = Incoming(self)
        self.feed = Feed(dial, self._pushed, self._incoming.staged)
        self._early = early
        self._read_only = read_only
        self._log_path = log
        self.errands = Errands(lambda error: self.say(f"✗ {error}", "bad"), self._handle_exception)
        self.main = MainPage(self, early.lists if early is not None else desk.listings(self.memory.now))

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

    def new_window(self) -> int:
        """Return the number of a window that nobody has had."""
        return next(self._windows)

    def waiting_for(self) -> str:
        """Return why there are no rows yet."""
        if self.feed.stage is Stage.CONNECTING:
            return "starting the worker…"
        return self.feed.trouble or "waiting for the worker…"

    def top_state(self) -> TopState:
        """Return what the top line tells of."""
        welcome = self.feed.welcome
        gone = self.feed.stage is Stage.GONE
        return TopState(
            summary=self.summary,
            now=self.now(),
            read_only=True if self._read_only else None if welcome is None else welcome.read_only,
            demo=(welcome is not None and welcome.demo) or (self.summary is not None and self.summary.demo),
            link=clean(self.feed.trouble) if gone else "",
            running=self.jobs.steps,
            unlocked_s=self.unlocking.left_s,
        )

    def say(self, text: str, role: str = "text", more: Sequence[str] = (), *, stays: bool | None = None) -> None:
        """Say something over the last line (see Notices.say)."""
        self.notices.say(text, role, more, stays=stays)
        if self.page is not None:
            self.page.refresh_overlay()

    def dismiss(self) -> bool:
        """Take away what was said and stays until it was read; return whether there was such a thing."""
        gone = self.notices.dismiss()
        if gone and self.page is not None:
            self.page.refresh_overlay()
        return gone

    def copy_to_clipboard(self, text: str) -> None:
        """Put ``text`` on the clipboard of whoever sits at the terminal. Raises UsageError where it cannot be taken."""
        sequence = clipboard.sequence(text)
        if not self.terminal_keeps_up:
            raise UsageError("the terminal is slow to take what is sent", remedy="try again")
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequence)

    def hear_typing(self, typing: bool) -> None:
        """Say whether characters are wanted: bursts of them are no typing elsewhere."""
        if isinstance(self._driver, Terminal):
            self._driver.sieve.in_input = typing

    @property
    def terminal_keeps_up(self) -> bool:
        """Whether all frames have been taken by the terminal."""
        return not (isinstance(self._driver, Terminal) and self._driver.is_behind)

    @property
    def is_waiting(self) -> bool:
        """Whether something that was begun here waits for the worker."""
        connection = 1
        return self.feed.is_waiting or len(self.errands) > connection

    def work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do something that waits for the worker; what it raises is said."""
        self.errands.begin(coroutine)

    def began(self, job: Job) -> None:
        """A job was begun here: say how it goes, and how it ends."""
        job = self.jobs.began(job)
        self.say(*(outcome(job) if job.state in ENDED else progress(job, self.now())))

    def _pushed(self, message: Pushed) -> None:
        try:
            self._incoming.take(message)
        except Exception as error:  # noqa: BLE001 - the top of what the loop calls: it ends the console, and is logged
            self._handle_exception(error)

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

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send a frame to the terminal; lines know whether it is one of the whole screen."""
        if renderable is not None:
            Ink.partial = isinstance(renderable, ChopsUpdate)
            Ink.frame += not Ink.partial
        super()._display(screen, renderable)

    def post_display_hook(self) -> None:
        if self.page is not None:
            self.page.displayed()

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
        self.notices.expire()
        self.unlocking.tick()
        page = self.page
        if page is None:
            return
        page.topline.repaint()
        page.tick()
        if page.sheet is not None:
            page.sheet.tick()
        page.refresh_overlay()

    # --- what is remembered ------------------------------------------------------------------------------------

    def remember(self, change: Callable[[Remembered], Remembered]) -> None:
        """Have something remembered until the next time, and from now on."""
        self.memory.change(change)
        self.work(self._save())

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(self.memory.save)
        except OSError as error:
            self.say(f"✗ not remembered: {self.memory.path}: {error.strerror or error}", "bad")

    def view_of(self, table: Table) -> str:
        """Return the name of the saved view that a table is arranged by; "" if it is none's."""
        return view_of(self.memory.now, table.look_of.name, table.listing.arrangement)

    def use_theme(self, name: str) -> None:
        """Look otherwise from now on. Raises ConfigError for a theme that there is not, or that is wrong."""
        self.palette = Palette(theme.load(name))
        for screen in self.screen_stack:
            for painted in screen.query(Painted):
                painted.paint_anew()

    # --- leaving -----------------------------------------------------------------------------------------------

    def parting_words(self) -> str:
        """Return what is to be said on the terminal after leaving; "" if nothing is."""
        return self.crash or self.jobs.parting_words()

    def hang_up(self) -> None:
        """The terminal is gone: leave."""
        self.exit()

    def paint_anew(self) -> None:
        """Frames were dropped while the terminal did not read: paint everything."""
        if self.screen_stack:
            self.screen.refresh()

    def _fatal_error(self) -> None:
        """End after an error of our own: one line on the terminal, the trace in the log, without variables."""
        self.crash = record(self._exception or RuntimeError("unknown"), self._log_path)
        self._close_messages_no_wait()
