"""Pages with tables: what keys do to the table they act in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.columnsheet import ColumnSheet
from kvmtui.console.desk import listing_of
from kvmtui.console.present.frame import WIDE, Box, foot_of, whole
from kvmtui.console.screens.copying import Subject
from kvmtui.console.screens.into import act_on, can_act_on, into
from kvmtui.console.screens.marking import Marking
from kvmtui.console.screens.ordering import order_menu, remember_order
from kvmtui.console.screens.page import Page
from kvmtui.console.screens.seeking import seek
from kvmtui.console.sheets import FilterEntry, Verdict
from kvmtui.console.widgets.lines import Foot
from kvmtui.console.widgets.table import Table
from kvmtui.text import fit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from kvmtui.console.app import Console
    from kvmtui.console.present.cells import Line
    from kvmtui.console.present.looks import Look
    from kvmtui.console.widgets.painted import Painted
    from kvmtui.wire.messages import Rows


class TablePage(Page):
    """Base of pages with tables."""

    contexts: tuple[str, ...] = ("list", "table")

    def __init__(self) -> None:
        super().__init__()
        self.marking = Marking(self)

    @property
    def table(self) -> Table:
        """The table that keys act in."""
        raise NotImplementedError

    @property
    def subject(self) -> Subject | None:
        held = self.table.current
        return None if held is None else Subject(self.table.listing.resource, held)

    def press(self, key: str, at: float) -> None:
        if self.sheet is None or self.sheet.entry is None:
            self.table.hold()
        super().press(key, at)

    def on_table_moved(self, message: Table.Moved) -> None:
        """The cursor of a table is on another row, or its filter was answered."""
        if self.sheet is not None:
            self.refresh_overlay()

    # --- moving ------------------------------------------------------------------------------------------------

    def do_down(self) -> None:
        self.table.move(1)

    def do_up(self) -> None:
        self.table.move(-1)

    def do_first(self) -> None:
        self.table.go_top()

    def do_last(self) -> None:
        self.table.go(self.table.listing.matched - 1)

    def do_half_down(self) -> None:
        self.table.move(max(1, self.table.listing.height // 2))

    def do_half_up(self) -> None:
        self.table.move(-max(1, self.table.listing.height // 2))

    def do_page_down(self) -> None:
        self.table.move(self.table.listing.height)

    def do_page_up(self) -> None:
        self.table.move(-self.table.listing.height)

    def do_next_wrong(self) -> None:
        """Go to the next row with something wrong, on the screen or far from it."""
        self.console.work(self._seek(1))

    def do_previous_wrong(self) -> None:
        self.console.work(self._seek(-1))

    async def _seek(self, step: int) -> None:
        table = self.table
        if "severity" not in table.listing.columns:
            return
        index = await seek(self.console.feed, table.listing, step)
        if index is not None:
            table.go(index)
        else:
            self.console.say(f"nothing more is wrong {'below' if step > 0 else 'above'}", "notice")

    # --- what is shown -----------------------------------------------------------------------------------------

    def do_filter(self) -> None:
        """Type a filter for the table."""
        table = self.table
        before, key = table.listing.filter, table.listing.key

        def closed(keep: bool) -> None:
            self.close_sheet()
            if not keep and table.is_other_than(before):
                table.try_filter(before, key)
            table.trouble = ""

        def verdict() -> Verdict:
            listing = table.listing
            if not table.trouble:
                return Verdict(said=f"{listing.matched} of {listing.total}")
            note = f"the list is still that of {fit(listing.filter, 40).rstrip()}" if listing.filter else ""
            return Verdict(
                table.trouble, table.trouble_at, f"– of {listing.total}", note or "the list is still the whole one"
            )

        self.open_sheet(FilterEntry(table.look_of.name, before, table.try_filter, closed, verdict))

    def do_order(self) -> None:
        """Open the menu of orders."""
        self.open_sheet(order_menu(self, self.table))

    def do_columns(self) -> None:
        """Choose the columns of the table."""
        table = self.table

        def changed(columns: tuple[str, ...]) -> None:
            table.choose(columns)
            remember_order(self.console, table)

        usual = tuple(column.id for column in table.look_of.columns)
        sheet = ColumnSheet(
            table.look_of.every, table.listing.chosen or table.shown, changed, self.close_sheet,
            usual=usual, fits=lambda: table.shown,
        )  # fmt: skip
        self.open_sheet(sheet)

    def do_only_wrong(self) -> None:
        """Show only rows with something wrong, or all again."""
        table = self.table
        if "severity" in table.listing.columns:
            table.listing.only_wrong = not table.listing.only_wrong
            table.try_filter(table.listing.filter, table.listing.key)

    # --- marks -------------------------------------------------------------------------------------------------

    def do_mark(self) -> None:
        self.marking.one()

    def do_mark_range(self) -> None:
        self.marking.range()

    def do_mark_all(self) -> None:
        self.marking.all()

    def do_unmark(self) -> None:
        self.marking.none()

    # --- into, and acting --------------------------------------------------------------------------------------

    def do_into(self) -> None:
        """Open what is under the cursor."""
        held = self.table.current
        if held is not None:
            into(self, self.table.listing.resource, held)

    def do_detail(self) -> None:
        """Open the detail of what is under the cursor, where another key leads elsewhere."""
        held = self.table.current
        if held is not None:
            into(self, self.table.listing.resource, held)

    def do_act(self) -> None:
        """Open the menu of what can be done to the row under the cursor."""
        self.table.listing.stay()
        self.table.ask()
        held = self.table.current
        if held is None:
            self.console.say("there is nothing under the cursor", "notice")
        else:
            act_on(self, self.table.listing.resource, held)

    def step_out(self) -> bool:
        """Take away what narrows the table, one thing at a time; return whether there was such a thing."""
        listing = self.table.listing
        if self.marking.cancel():
            return True
        if listing.scope:
            listing.scope = ()
            self.table.try_filter(listing.filter, listing.key)
        elif listing.filter:
            self.table.try_filter("", listing.key)
        elif listing.only_wrong:
            self.do_only_wrong()
        else:
            return False
        return True


class ListPage(TablePage):
    """One table over the whole page."""

    def __init__(self, console: Console, look: Look) -> None:
        super().__init__()
        self._of = console
        self._table = Table(0, console.new_window(), listing_of(look, console.memory.now), look)
        self._foot = Foot(self._below)
        console.takers[self._table.window] = self._take

    @property
    def table(self) -> Table:
        return self._table

    def body(self) -> Iterable[Painted]:
        return [self._table, self._foot]

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        self._table.look(framed=width >= WIDE, focused=True)
        middle = whole(width, height)
        below = foot_of(middle.height) if self._table.look_of.below is not None else 0
        self._foot.is_placed = below > 0
        if not below:
            return {self._table: middle}
        x, y, _, lines = middle
        return {self._table: Box(x, y, width, lines - below), self._foot: Box(x, y + lines - below, width, below)}

    def _below(self, width: int) -> list[Line]:
        below, listing = self._table.look_of.below, self._table.listing
        held = listing.current
        is_empty = listing.is_answered and not listing.total
        return below(held.values if held else None, width) if below is not None and (held or is_empty) else []

    @property
    def can_act(self) -> bool:
        """Whether something can be done to its rows."""
        return can_act_on(self.table.listing.resource)

    @property
    def into_word(self) -> str:
        """What a row leads to."""
        return "detail"

    def _take(self, rows: Rows) -> None:
        self._table.take(rows)
        self._foot.repaint()

    def on_table_moved(self, message: Table.Moved) -> None:
        super().on_table_moved(message)
        self._foot.repaint()

    def on_unmount(self) -> None:
        self._of.takers.pop(self._table.window, None)
        self._of.feed.close(self._table.window)

    def show_keys(self) -> None:
        words = {"close": "close", "into": self.into_word}
        if not self.table.has_marks:
            words["mark"] = ""
        if not self.can_act:
            words["act"] = ""
        self.footer.show(self.console.keymap.of(*self.contexts, "everywhere"), words)

    def tick(self) -> None:
        self._table.tick()

    def fleet_changed(self) -> None:
        self._table.repaint()

    def do_back(self) -> None:
        """One step out: notice, range, filter, the page."""
        if not self.console.dismiss() and not self.step_out():
            self.dismiss()
