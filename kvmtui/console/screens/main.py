"""The main screen: hosts, VMs, metrics, tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kvmtui.console import desk
from kvmtui.console.memory import with_layout
from kvmtui.console.present.frame import PANES, WIDE, Box, divide
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens.going import leave
from kvmtui.console.screens.tables import TablePage
from kvmtui.console.widgets.graph import Graphs
from kvmtui.console.widgets.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from kvmtui.console.app import Console
    from kvmtui.console.listing import Listing
    from kvmtui.console.present.values import Values
    from kvmtui.console.widgets.painted import Painted
    from kvmtui.console.widgets.pane import Pane

SETTLE_S = 0.15
"""How long the cursor must rest on a row before its figures are asked for."""


class MainPage(TablePage):
    """Everything at a glance."""

    contexts = ("list", "table", "main")

    def __init__(self, console: Console, lists: dict[str, Listing]) -> None:
        super().__init__()
        self.hosts = Table(1, desk.HOSTS, lists["hosts"], LOOKS["hosts"])
        self.vms = Table(2, desk.VMS, lists["vms"], LOOKS["vms"])
        self.metrics = Graphs(3, "metrics", desk.SERIES)
        self.jobs = Table(4, desk.JOBS, lists["tasks"], LOOKS["tasks"])
        self.panes: dict[str, Pane] = {
            "hosts": self.hosts, "vms": self.vms, "metrics": self.metrics, "tasks": self.jobs,
        }  # fmt: skip
        self.pane = desk.FIRST_PANE
        """The pane in which keys act."""
        self.bottom: str = console.memory.now.bottom
        """What is shown below the others, where there is room."""
        self.zoomed = console.memory.now.zoomed
        self._subject = self.vms
        """The table whose row the metrics are of."""
        self._settling: asyncio.TimerHandle | None = None
        for table in (self.hosts, self.vms, self.jobs):
            console.takers[table.window] = table.take
        console.takers[self.metrics.window] = self.metrics.take

    # --- what it is made of ------------------------------------------------------------------------------------

    def body(self) -> Iterable[Painted]:
        return self.panes.values()

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        frame = divide(width, height, pane=self.pane, bottom=self.bottom, zoomed=self.zoomed)
        for name, pane in self.panes.items():
            pane.is_placed = name in frame.boxes
            pane.look(framed=frame.framed, focused=name == self.pane)
        return {self.panes[name]: box for name, box in frame.boxes.items()}

    def show_keys(self) -> None:
        words = {"into": {"hosts": "its VMs", "tasks": "steps"}.get(self.pane, "detail")}
        if self.pane in {"hosts", "metrics"}:
            words["detail"] = "detail"
        if self.pane == "metrics":
            words["into"] = ""
        if self.pane == "tasks":
            words |= {"next_wrong": "", "only_wrong": "", "tasks": ""}
        if self.pane != "vms":
            words["mark"] = ""
        if self.size.width < WIDE:
            words |= {"zoom": "", "history": "events"}
        self.footer.show(self.console.keymap.of("table", "main", "everywhere"), words)

    def on_mount(self) -> None:
        super().on_mount()
        self._show_metrics()

    def on_resize(self) -> None:
        self.show_keys()
        self.refresh_overlay()

    def tick(self) -> None:
        for pane in self.panes.values():
            pane.tick()

    def fleet_changed(self) -> None:
        for pane in self.panes.values():
            pane.repaint()

    @property
    def table(self) -> Table:
        """The table that keys move in; from the metrics the one they are of."""
        return self.tables.get(self.pane, self._subject)

    @property
    def tables(self) -> dict[str, Table]:
        """Pane -> its table."""
        return {"hosts": self.hosts, "vms": self.vms, "tasks": self.jobs}

    def vm_under_cursor(self) -> tuple[str, Values] | None:
        held = self.vms.current
        return (held.key, held.values) if held is not None and self.table is self.vms else None

    @property
    def marked_in(self) -> Table:
        return self.vms

    def focus_pane(self, name: str) -> None:
        """Have keys act in another pane."""
        if name in {"metrics", "tasks"} and name != self.bottom:
            self.bottom = name
            self.console.remember(with_layout(self.bottom, zoomed=self.zoomed))
        if name != self.pane:
            self.pane = name
            if name in {"hosts", "vms"}:
                self._subject = self.hosts if name == "hosts" else self.vms
            self.place_anew()
            self.show_keys()
            self._show_metrics()

    # --- metrics of the row under the cursor -------------------------------------------------------------------

    def on_table_moved(self, message: Table.Moved) -> None:
        """The cursor of a table is on another row, or its filter was answered."""
        if message.table is self._subject:
            self._settle()
        super().on_table_moved(message)

    def _settle(self) -> None:
        """Show the metrics once the cursor rests."""
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._show_metrics)

    def _show_metrics(self) -> None:
        if not self.is_mounted:
            return
        held = self._subject.current
        if held is not None:
            self.metrics.show(held.key, held.values, is_host=self._subject is self.hosts)
        elif not self._subject.listing.matched:
            self.metrics.show("", {}, is_host=False)

    # --- panes -------------------------------------------------------------------------------------------------

    def do_next_pane(self) -> None:
        self._turn(1)

    def do_previous_pane(self) -> None:
        self._turn(-1)

    def _turn(self, step: int) -> None:
        self.focus_pane(PANES[(PANES.index(self.pane) + step) % len(PANES)])

    def do_pane_hosts(self) -> None:
        self.focus_pane("hosts")

    def do_pane_vms(self) -> None:
        self.focus_pane("vms")

    def do_pane_metrics(self) -> None:
        self.focus_pane("metrics")

    def do_pane_tasks(self) -> None:
        self.focus_pane("tasks")

    def do_tasks(self) -> None:
        self.focus_pane("tasks")

    def do_zoom(self) -> None:
        """Show the pane alone, or all again."""
        self.zoomed = not self.zoomed
        self.console.remember(with_layout(self.bottom, zoomed=self.zoomed))
        self.place_anew()

    def do_back(self) -> None:
        """One step out: notice, range, zoom, host scope, filter, tasks."""
        if self.console.dismiss() or self.marking.cancel():
            return
        if self.zoomed:
            self.do_zoom()
        elif not self.step_out() and self.pane != "vms":
            self.focus_pane("vms")

    def do_close(self) -> None:
        """Leave."""
        self.console.exit()

    # --- into, and acting --------------------------------------------------------------------------------------

    def do_into(self) -> None:
        """Open what is under the cursor."""
        held = self.table.current
        if held is None or self.pane == "metrics":
            return
        if self.table is self.hosts:
            leave(self.console)
            self.vms.listing.scope = (held.key,)
            self.vms.try_filter(self.vms.listing.filter)
            self.focus_pane("vms")
        else:
            super().do_into()

    def do_xml(self) -> None:
        held = self.vms.current
        if self.table is self.vms and held is not None:
            from kvmtui.console.screens.detail import DetailPage

            self.console.push_screen(DetailPage(self.console, held, "XML"))
