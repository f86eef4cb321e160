"""How the rows of each resource look in a table: one declaration a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from kvmtui.console.present import audit, events, findings, hosts, jobs, steps, vms
from kvmtui.console.present.columns import CHOSEN
from kvmtui.model.columns import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.console.arrangement import Arrangement
    from kvmtui.console.present.cells import Line, Span
    from kvmtui.console.present.columns import Placed
    from kvmtui.console.present.values import Values


class Look(NamedTuple):
    """How the rows of a resource look."""

    resource: str
    """Of the query."""
    name: str
    """What its table is called, on the screen and behind ``:``."""
    noun: str
    """Its rows in words: "VMs"."""
    about: str
    """What stands in the table, for the help."""
    columns: Sequence[Column]
    """Shown by priority, as long as nobody has chosen others."""
    asked: tuple[str, ...]
    """Columns that are asked for, whatever is shown."""
    row: Callable[[Sequence[Placed], Values, int, float], tuple[Span, Line]]
    sort: str = ""
    """Column of the first order; "" for what is wrong first."""
    within: str = ""
    """Name of the table whose rows it opens from; "" for one to go to by its name."""
    below: Callable[[Values | None, int], list[Line]] | None = None
    """What is said under the table in so many cells: of the row under the cursor, or (None) where there are no rows."""

    @property
    def every(self) -> tuple[Column, ...]:
        """All columns that its rows have."""
        return COLUMNS[self.resource]

    def shown(self, chosen: Sequence[str]) -> Sequence[Column]:
        """Return the columns of ``chosen`` in its order, or the usual ones where none are chosen.

        What was chosen is shown where there is room, however seldom it is wanted; the first column is always there.
        """
        known = {column.id: column for column in self.every}
        wanted = [known[name] for name in dict.fromkeys(chosen) if name in known]
        if not wanted:
            return self.columns
        first = self.every[0]
        others = [replace(c, priority=min(c.priority, CHOSEN)) for c in wanted if c.id != first.id]
        return (first, *others)

    def fitting(self, wanted: Arrangement) -> Arrangement:
        """Return ``wanted`` without the columns that there are not (any more)."""
        known = {column.id for column in self.every}
        columns = tuple(column for column in wanted.columns if column in known)
        if wanted.sort in known:
            return replace(wanted, columns=columns)
        return replace(wanted, columns=columns, sort=self.sort, descending=False)

    def needs(self, chosen: Sequence[str]) -> tuple[str, ...]:
        """Return the ids of the columns to ask for where ``chosen`` are shown."""
        return tuple(dict.fromkeys((*self.asked, *(column.id for column in self.shown(chosen)))))


LOOKS: dict[str, Look] = {
    look.name: look
    for look in (
        Look("hosts", "hosts", "hosts", "the hosts of the fleet", hosts.SHOWN, hosts.ASKED, hosts.row),
        Look("vms", "vms", "VMs", "the VMs of all hosts", vms.SHOWN, vms.ASKED, vms.row),
        Look("jobs", "tasks", "tasks", "what was done and is being done", jobs.SHOWN, jobs.ASKED, jobs.row, "started"),
        Look(
            "steps",
            "steps",
            "steps",
            "what became of each VM of a task",
            steps.SHOWN,
            steps.ASKED,
            steps.row,
            within="tasks",
            below=steps.below,
        ),
        Look(
            "events", "events", "events", "what happened, as it was seen", events.SHOWN, events.ASKED, events.row, "at"
        ),
        Look(
            "findings",
            "findings",
            "findings",
            "what is true of the fleet and nobody may have noticed",
            findings.SHOWN,
            findings.ASKED,
            findings.row,
            below=findings.below,
        ),
        Look(
            "audit", "audit", "records", "who did what, and what came of it", audit.SHOWN, audit.ASKED, audit.row, "at"
        ),
    )
}
"""Name of a table -> how it looks."""
