"""What comes from the worker, to where it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.feed import Stage
from kvmtui.console.present.jobs import outcome
from kvmtui.console.screens.page import Page
from kvmtui.model.job import ENDED
from kvmtui.text import clean
from kvmtui.wire.messages import JobChanged, Jobs, Mark, Note, Rows, Series, SummaryChanged

if TYPE_CHECKING:
    from kvmtui.console.app import Console
    from kvmtui.wire.client import Pushed


class Incoming:
    """Hands on what the feed brings."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = ""
        """The last trouble with the worker that was said."""

    def take(self, message: Pushed) -> None:
        """Take one message."""
        console = self._console
        match message:
            case Rows() | Series():
                taker = console.takers.get(message.window)
                if taker is not None:
                    taker(message)
            case SummaryChanged():
                console.summary = message.summary
                self._top()
            case JobChanged():
                if console.jobs.changed(message.job):
                    console.say(*outcome(message.job))
                self._top()
            case Note():
                console.feed.learn(message.read_only)
                console.say(clean(message.text), "warn" if message.severity > 1 else "notice")
                self._top()

    def staged(self) -> None:
        """The connection to the worker came or went."""
        console, feed = self._console, self._console.feed
        if feed.stage is not Stage.UP:
            console.jobs.forget()
            console.unlocking.forget()
        else:
            console.work(self._catch_up())
        if feed.stage is Stage.UP and self._told:
            console.say("the worker is back", "good")
            self._told = ""
        elif feed.remedy and feed.remedy != self._told:
            self._told = feed.remedy
            console.say(clean(f"✗ {self._told}"), "bad")
        if console.is_running:
            for screen in console.screen_stack:
                if isinstance(screen, Page):
                    screen.fleet_changed()
            self._top()

    async def _catch_up(self) -> None:
        """Tell a worker what is marked, and hear of the jobs that run already: they are announced when they change."""
        console = self._console
        if console.marks:
            await console.feed.call(Mark(uuids=tuple(console.marks.uuids), mode="only"))
        for job in (await console.feed.call(Jobs())).jobs:
            if job.state not in ENDED:
                console.jobs.changed(job)
        self._top()

    def _top(self) -> None:
        if self._console.page is not None:
            self._console.page.topline.repaint()
