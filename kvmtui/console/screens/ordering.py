"""The menu by which a table is ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Span
from kvmtui.console.present.columns import LEFT
from kvmtui.console.sheets import Choice, Menu
from kvmtui.model.columns import Kind

if TYPE_CHECKING:
    from kvmtui.console.screens.page import Page
    from kvmtui.console.widgets.table import Table

LETTERS: dict[str, dict[str, str]] = {
    "vms": {
        "": "w", "name": "n", "host": "h", "state": "t", "since": "i", "cpu_pct": "c", "cores": "o", "steal_pct": "s",
        "mem_pct": "m", "disk_latency_ms": "d", "disk_read_bps": "r", "disk_write_bps": "e", "net_rx_bps": "x",
        "net_tx_bps": "y", "vcpus": "v", "mem_used_bytes": "u", "mem_max_bytes": "b",
    },
    "hosts": {
        "": "w", "name": "n", "cpu_pct": "c", "mem_pct": "m", "vms_running": "v", "vms_total": "a", "load_1m": "l",
        "pressure_cpu_pct": "p", "pressure_mem_pct": "r", "pressure_io_pct": "i", "steal_pct": "s", "cpus": "u",
        "mem_total_bytes": "b",
    },
    "jobs": {"started": "n", "state": "t", "verb": "v", "subject": "o", "total": "a", "by": "b", "failed": "f"},
}  # fmt: skip
"""Resource -> column -> its letter; "" is "worst first"."""


def order_menu(page: Page, table: Table) -> Menu:
    """Return the menu; the letter of the present order reverses it."""
    listing = table.listing
    letters = LETTERS[listing.resource]
    columns = {column.id: column for column in table.presented.columns}

    def chosen(choice: Choice) -> None:
        column = next(column for column, letter in letters.items() if letter == choice.key)
        if column == listing.sort and column:
            listing.descending = not listing.descending
        else:
            listing.sort = column
            # figures from the top, words from A; ages from the youngest, which is the highest time
            kind = columns[column].kind if column else Kind.COUNT
            listing.descending = bool(column) and kind not in LEFT
        page.close_sheet()
        table.try_filter(listing.filter)

    choices = [
        Choice(letter, "worst first" if not column else columns[column].title)
        for column, letter in letters.items()
        if not column or column in columns
    ]
    title = (Span("order by", "title"), Span(f"  {table.presented.noun} · the same letter again reverses", "faint"))
    return Menu(title, choices, chosen, page.close_sheet, across=True)
