"""One VM in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console import desk
from kvmtui.console.listing import Held, Listing
from kvmtui.console.present import detail as present
from kvmtui.console.present import jobs, vms
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.columns import header, place
from kvmtui.console.present.metrics import VM_GRAPHS, panel
from kvmtui.console.present.xml import XmlLines
from kvmtui.console.recent import Recent
from kvmtui.console.screens.acting import act_on_vm
from kvmtui.console.screens.copying import Subject
from kvmtui.console.screens.seen import SeenEvents
from kvmtui.console.screens.tabs import TabbedPage
from kvmtui.errors import KvmtuiError
from kvmtui.wire.messages import GetDetail, OpenSeries, OpenWindow, Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.app import Console
    from kvmtui.console.present.values import Values
    from kvmtui.model.vm import VmDetail
    from kvmtui.wire.messages import Rows, Series

_JOBS = 100
_GRAPH_LINES = 8
"""Lines from which graphs below the overview are worth looking at."""


class DetailPage(TabbedPage):
    """A VM: what it is, its devices, its figures, its XML, what was done to it. Live, but for the XML."""

    contexts = ("list", "text", "detail", "vm")
    tabs = present.TABS

    def __init__(self, console: Console, held: Held, tab: str) -> None:
        super().__init__(tab)
        self.key = held.key
        self.values = held.values
        self._host, _, self._uuid = held.key.partition("/")
        self._vm = Listing("vms", (*vms.ASKED, "uuid"))
        self._jobs = Listing("jobs", jobs.ASKED, sort="started")
        mine = f'uuid:"{self._uuid}"'
        self._seen = SeenEvents(console, mine, self.text.repaint, without=("name",))
        self._detail: VmDetail | None = None
        self._xml: XmlLines | None = None
        self._trouble = ""
        self._recent = Recent()

    def on_mount(self) -> None:
        super().on_mount()
        takers = self.console.takers
        takers[desk.DETAIL_VM], takers[desk.DETAIL_JOBS] = self._take_vm, self._take_jobs
        takers[desk.DETAIL_SERIES] = self._take_series
        feed = self.console.feed
        query = Query(
            resource="vms", filter=f'uuid:"{self._uuid}"', scope=(self._host,), columns=self._vm.columns, count=1
        )
        feed.open(OpenWindow(window=desk.DETAIL_VM, query=query))
        feed.open(OpenSeries(window=desk.DETAIL_SERIES, host=self._host, uuid=self._uuid))
        jobs_query = Query(resource="jobs", columns=jobs.ASKED, sort="started", count=_JOBS)
        feed.open(OpenWindow(window=desk.DETAIL_JOBS, query=jobs_query))
        self._seen.open()
        self.console.work(self._fetch())

    def on_unmount(self) -> None:
        for window in (desk.DETAIL_VM, desk.DETAIL_SERIES, desk.DETAIL_JOBS):
            self.console.takers.pop(window, None)
            self.console.feed.close(window)
        self._seen.close()

    async def _fetch(self) -> None:
        try:
            self._detail = await self.console.feed.call(GetDetail(host=self._host, uuid=self._uuid))
            self._trouble, self._xml = "", None
        except KvmtuiError as error:
            self._trouble = str(error)
        if self.is_mounted:
            self.text.repaint()

    def _take_vm(self, rows: Rows) -> None:
        self.follow(self._vm, rows)

    def _take_jobs(self, rows: Rows) -> None:
        self._jobs.take(rows)
        if self.tab == "jobs":
            self.text.repaint()

    def _take_series(self, series: Series) -> None:
        self._recent.take(series)
        if self.tab in {"metrics", "overview"}:
            self.text.repaint()

    @property
    def subject(self) -> Subject | None:
        return Subject("vms", Held(self.key, dict(self.values)))

    # --- painting ----------------------------------------------------------------------------------------------

    def titles(self) -> list[Line]:
        name = str(self.values.get("name") or self.key)
        state = vms.state_span(vms.state_of(self.values))
        return self.title_with_tabs((Span(name, "title"), Span(f" on {self._host}", "faint")), (self.standing(state),))

    def make(self, width: int, height: int) -> Sequence[Line]:
        now = self.console.now()
        match self.tab:
            case "overview":
                lines = present.overview(self.values, self._detail, now, width)
                if self._trouble:
                    lines += present.no_detail(self._trouble, width)
                left = height - len(lines) - 1
                if left < _GRAPH_LINES or not self._recent.points:
                    return lines
                return [*lines, (), *panel(VM_GRAPHS, self._recent.figures, self._recent.points, now, width, left)]
            case "metrics":
                return panel(VM_GRAPHS, self._recent.figures, self._recent.points, now, width, height)
            case "events":
                return self._seen.lines(width, now)
            case "jobs":
                return self._job_lines(width, now)
        if self._detail is None:
            return present.no_detail(self._trouble or "reading it from its host…", width)
        if self.tab == "devices":
            return present.devices(self._detail, width)
        if self._xml is None or self._xml.width != width:
            self._xml = XmlLines(self._detail.xml, width)
        return self._xml

    def _job_lines(self, width: int, now: float) -> list[Line]:
        name = self.values.get("name")
        placed = place(jobs.SHOWN, max(1, width - 3))
        lines: list[Line] = [(Span("   " + header(placed, "started", descending=False), "faint"),)]
        for index in self._jobs.held_indexes():
            held = self._jobs.row(index)
            if held is not None and held.values.get("subject") == name:
                glyph, line = jobs.row(placed, held.values, max(0, width - 3), now)
                lines.append((Span(" "), glyph, Span(" "), *line))
        if len(lines) == 1:
            return [(), (Span("  no task of the last ones was about this VM alone", "faint"),)]
        return lines

    # --- keys --------------------------------------------------------------------------------------------------

    def do_xml(self) -> None:
        self.show_tab("XML")

    def vm_under_cursor(self) -> tuple[str, Values] | None:
        return self.key, self.values

    def do_act(self) -> None:
        act_on_vm(self, self.key, self.values)
