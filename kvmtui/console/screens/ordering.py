"""The menu by which a table is ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.memory import with_table
from kvmtui.console.present.cells import Span
from kvmtui.console.present.columns import LEFT
from kvmtui.console.sheets import Choice, Menu
from kvmtui.model.columns import WORST_FIRST, Kind

if TYPE_CHECKING:
    from kvmtui.console.app import Console
    from kvmtui.console.screens.page import Page
    from kvmtui.console.widgets.table import Table
    from kvmtui.model.columns import Column


def order_menu(page: Page, table: Table) -> Menu:
    """Return the menu; the letter of the present order reverses it."""
    columns = {column.key: column for column in table.look_of.every}

    def chosen(choice: Choice) -> None:
        order_by(table, columns.get(choice.key))
        remember_order(page.console, table)
        page.close_sheet()

    choices = [Choice(key, _titled(table, column)) for key, column in columns.items()]
    if not table.look_of.sort:
        choices.insert(0, Choice(WORST_FIRST, "worst first"))
    title = (Span("order by", "title"), Span(f"  {table.look_of.noun} · the same letter again reverses", "faint"))
    return Menu(title, choices, chosen, page.close_sheet, across=True)


def order_by(table: Table, column: Column | None) -> None:
    """Order a table by a column, the other way round where it was so already; None: what is wrong first."""
    listing = table.listing
    if column is None:
        listing.sort, listing.descending = "", False
    elif column.id == listing.sort:
        listing.descending = not listing.descending
    else:
        # figures from the top, words from A; times, which sort by age, from the youngest
        listing.sort, listing.descending = column.id, column.kind not in LEFT and column.kind is not Kind.TIME
    table.try_filter(listing.filter)


def remember_order(console: Console, table: Table) -> None:
    """Have the order and the columns of a table there again the next time."""
    console.remember(with_table(table.look_of.name, table.listing.arrangement))


def _titled(table: Table, column: Column) -> str:
    """Return the title of a column, with an arrow where the table is ordered by it."""
    if column.id != table.listing.sort:
        return column.title
    return f"{column.title} {'↓' if table.listing.descending else '↑'}"
