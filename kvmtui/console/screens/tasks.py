"""One task with its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.listing import Held, Listing
from kvmtui.console.present import jobs
from kvmtui.console.present.frame import Box
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens.acting import act_on_step
from kvmtui.console.screens.tables import ListPage
from kvmtui.console.screens.taskmenu import act_on_job
from kvmtui.console.widgets.lines import Foot
from kvmtui.wire.messages import OpenWindow, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from kvmtui.console.app import Console
    from kvmtui.console.present.values import Values
    from kvmtui.console.widgets.painted import Painted
    from kvmtui.console.widgets.table import Table
    from kvmtui.wire.messages import Rows

_HEAD = 3
"""Lines above the steps."""
_HEAD_LEAST = 10
"""Lines of a page from which there are any."""


class JobPage(ListPage):
    """A task: how far it is, its steps as a table in which they are filtered, marked, acted on. Live."""

    def __init__(self, console: Console, held: Held) -> None:
        super().__init__(console, LOOKS["steps"])
        self.key = held.key
        self.values: Values = held.values
        self.table.listing.job = held.key
        self._row = Listing("jobs", jobs.ASKED)
        self._row_window = console.new_window()
        self._head = Foot(lambda width: jobs.head(self.key, self.values, console.now(), width))
        console.takers[self._row_window] = self._take_row

    def on_mount(self) -> None:
        super().on_mount()
        query = Query(resource="jobs", filter=f'id:"{self.key}"', columns=jobs.ASKED, count=1)
        self.console.feed.open(OpenWindow(window=self._row_window, query=query))

    def on_unmount(self) -> None:
        super().on_unmount()
        self._of.takers.pop(self._row_window, None)
        self._of.feed.close(self._row_window)

    def _take_row(self, rows: Rows) -> None:
        self._row.take(rows)
        held = self._row.row(0)
        if held is not None:
            self.values = held.values
            self._head.repaint()

    def body(self) -> Iterable[Painted]:
        return [*super().body(), self._head]

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        if height < _HEAD_LEAST:
            return super().body_places(width, height)
        places = super().body_places(width, height - _HEAD)
        places = {widget: Box(x, y + _HEAD, wide, tall) for widget, (x, y, wide, tall) in places.items()}
        return {**places, self._head: Box(0, 1, width, _HEAD)}

    def tick(self) -> None:
        super().tick()
        self._head.repaint()

    def fleet_changed(self) -> None:
        super().fleet_changed()
        self._head.repaint()

    @property
    def can_act(self) -> bool:
        return True

    @property
    def into_word(self) -> str:
        return "the VM"

    @property
    def marked_in(self) -> Table:
        return self.table

    def vm_under_cursor(self) -> tuple[str, Values] | None:
        held = self.table.current
        return None if held is None else (held.key, {"name": held.values.get("name")})

    def do_act(self) -> None:
        """Open the menu of what can be done to the VM of the step under the cursor, and to the whole task."""
        self.table.listing.stay()
        step = self.vm_under_cursor()
        if step is None:
            act_on_job(self, self.key, self.values)
        else:
            act_on_step(self, *step, lambda: act_on_job(self, self.key, self.values))

    def do_jump_back(self) -> None:
        """Go back to the page that this was opened from."""
        self.dismiss()
