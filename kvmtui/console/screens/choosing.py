"""Columns of a table chosen by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.columns import called
from kvmtui.console.screens.ordering import remember_order
from kvmtui.console.screens.tables import TablePage
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.console.screens.page import Page

USUAL = "usual"


def choose(page: TablePage, text: str) -> None:
    """Show what ``text`` says: "+tags -steal" beside those that are there, "name,host,cpu%" only these, or "usual".

    Raises UsageError, with all that are no columns, or where none is left.
    """
    table = page.table
    words = text.replace(",", " ").split()
    if words == [USUAL]:
        wanted: list[str] = []
    else:
        signs = {word[0] if word[0] in "+-" else "" for word in words}
        if "" in signs and len(signs) > 1:
            raise UsageError(
                "either +these -those, or all that are to be there", remedy="+tags -steal · name,host,cpu%"
            )
        named = called(table.look_of.every, [word.lstrip("+-") for word in words])
        taken = {word.lstrip("+-") for word in words if word[0] == "-"}
        gone = {column.id for column in called(table.look_of.every, list(taken))}
        first = table.look_of.every[0]
        if first.id in gone:
            raise UsageError(f"{first.title} is always there")
        shown = [] if "" in signs else [*(table.listing.chosen or table.shown)]
        wanted = [each for each in dict.fromkeys([*shown, *(c.id for c in named)]) if each not in gone | {first.id}]
        if not wanted:
            raise UsageError(f"one more than {first.title} must be there", remedy=f"columns {USUAL}")
    table.choose(tuple(wanted))
    remember_order(page.console, table)
    if cramped := [column.title for column in table.look_of.shown(wanted) if column.id not in table.shown]:
        page.console.say(f"no room here for {', '.join(cramped)}", "notice")


def offers(page: Page) -> Iterable[str]:
    """Return what may follow: columns that could come, and those that could go."""
    if not isinstance(page, TablePage):
        return ()
    first, *others = page.table.look_of.every
    shown = page.table.listing.chosen or page.table.shown
    ids = [column.id for column in others]
    return [USUAL, first.id, *ids, *(f"{'-' if each in shown else '+'}{each}" for each in ids)]
