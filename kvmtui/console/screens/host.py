"""One host in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.listing import Held, Listing
from kvmtui.console.present import host_detail as present
from kvmtui.console.present import hosts
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.metrics import HOST_GRAPHS, panel
from kvmtui.console.recent import Recent
from kvmtui.console.screens.acting import act_on_host
from kvmtui.console.screens.copying import Subject
from kvmtui.console.screens.seen import SeenEvents
from kvmtui.console.screens.tabs import TabbedPage
from kvmtui.wire.messages import OpenSeries, OpenWindow, Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.app import Console
    from kvmtui.wire.messages import Rows, Series

_GRAPH_LINES = 8
"""Lines from which graphs below the overview are worth looking at."""


class HostPage(TabbedPage):
    """A host: how we stand with it, why, what to do; what it is, how it does. Live."""

    tabs = present.TABS

    def __init__(self, console: Console, held: Held) -> None:
        super().__init__("overview")
        self.key = held.key
        self.values = held.values
        self._listing = Listing("hosts", hosts.ASKED)
        self._recent = Recent()
        self._windows = console.new_window(), console.new_window()
        self._seen = SeenEvents(console, f'host:"{self.key}"', self.text.repaint, without=("host",))

    def on_mount(self) -> None:
        super().on_mount()
        row, series = self._windows
        self.console.takers[row], self.console.takers[series] = self._take_row, self._take_series
        query = Query(resource="hosts", filter=f'name:"{self.key}"', columns=self._listing.columns, count=1)
        self.console.feed.open(OpenWindow(window=row, query=query))
        self.console.feed.open(OpenSeries(window=series, host=self.key, uuid=""))
        self._seen.open()

    def on_unmount(self) -> None:
        for window in self._windows:
            self.console.takers.pop(window, None)
            self.console.feed.close(window)
        self._seen.close()

    def _take_row(self, rows: Rows) -> None:
        self.follow(self._listing, rows)

    def _take_series(self, series: Series) -> None:
        self._recent.take(series)
        self.text.repaint()

    @property
    def subject(self) -> Subject | None:
        return Subject("hosts", Held(self.key, dict(self.values)))

    def titles(self) -> list[Line]:
        link = hosts.link_of(self.values)
        said: list[Line] = [(self.standing(Span(f"{hosts.GLYPHS[link]} {link.value}", hosts.ROLES[link])),)]
        if level := hosts.level_span(self.values):
            said.append((level,))
        return self.title_with_tabs((Span(self.key, "title"),), *said)

    def make(self, width: int, height: int) -> Sequence[Line]:
        now, recent = self.console.now(), self._recent
        if self.tab == "events":
            return self._seen.lines(width, now)
        if self.tab == "metrics":
            if not recent.has_values:
                return present.no_figures(self.values, now, width)
            return panel(HOST_GRAPHS, recent.figures, recent.points, now, width, height)
        lines = present.overview(self.values, now, width)
        left = height - len(lines) - 1
        if left < _GRAPH_LINES or not recent.has_values:
            return lines
        return [*lines, (), *panel(HOST_GRAPHS, recent.figures, recent.points, now, width, left)]

    def do_act(self) -> None:
        act_on_host(self, self.key, self.values)
