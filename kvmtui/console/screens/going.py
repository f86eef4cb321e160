"""Going from one table to another, with a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console import memory
from kvmtui.console.arrangement import Arrangement
from kvmtui.console.places import Place
from kvmtui.console.present.frame import PANES
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens.tables import ListPage, TablePage
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from kvmtui.console.app import Console
    from kvmtui.console.widgets.table import Table


def leave(console: Console) -> None:
    """Remember the table that is looked at, for the way back."""
    page = console.page
    if isinstance(page, TablePage) and not page.table.look_of.within:
        table = page.table
        together = console.main.tables.values() if page is console.main else (table,)
        arrangements = {each.look_of.name: each.listing.arrangement for each in together}
        console.places.leave(Place(table.look_of.name, arrangements, table.listing.key))


def go(console: Console, name: str, filter_text: str = "") -> None:
    """Go to a table, all of it or what ``filter_text`` says, or to the metrics; its order and columns stay."""
    leave(console)
    table = _open(console, name)
    if table is not None:
        kept = table.listing.arrangement
        table.show_as(Arrangement(filter=filter_text, sort=kept.sort, descending=kept.descending, columns=kept.columns))


def show_view(console: Console, name: str) -> None:
    """Go to a saved view. Raises UsageError where there is none of that name, or of its table."""
    view = memory.views(console.memory.now).get(name)
    if view is None or view.table not in LOOKS:
        raise UsageError(f"there is no view {name}")
    leave(console)
    table = _open(console, view.table)
    if table is not None:
        table.show_as(view.arrangement)


def back(console: Console) -> None:
    """Go back to where somebody was before the last jump, with the cursor on the same row."""
    place = console.places.back()
    table = _open(console, place.pane) if place is not None else None
    if place is None or table is None:
        console.say("this is where you began", "notice")
        return
    tables = {**console.main.tables, place.pane: table}
    for name, arrangement in place.arrangements.items():
        if name == place.pane or tables[name].listing.arrangement != arrangement:
            tables[name].show_as(arrangement, key=place.key if name == place.pane else "")


def _open(console: Console, name: str) -> Table | None:
    """Bring a table, or the metrics, on top; return the table. Raises UsageError for one of another's rows."""
    page = console.page
    if isinstance(page, ListPage) and page.table.look_of.name == name:
        return page.table
    if name in LOOKS and LOOKS[name].within:
        raise UsageError(f"{name} are of one of the {LOOKS[name].within}", remedy="open it first")
    while len(console.screen_stack) > 1:
        console.pop_screen()
    if name in PANES:
        console.main.focus_pane(name)
        return console.main.tables.get(name)
    opened = ListPage(console, LOOKS[name])
    console.push_screen(opened)
    return opened.table
