"""Marking rows of a table: one, a range, all that match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.text import plural
from kvmtui.wire.messages import Mark, Select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.marks import Marks
    from kvmtui.console.screens.tables import TablePage


class Marking:
    """What the marking keys of a page do to the table in which keys act."""

    def __init__(self, page: TablePage) -> None:
        self._page = page

    @property
    def _marks(self) -> Marks:
        return self._page.console.marks

    def _key(self, action: str) -> str:
        return self._page.console.keymap.key_of(f"table.{action}")

    def _can(self) -> bool:
        can = self._page.table.has_marks
        if not can:
            self._page.console.say("only VMs can be marked", "notice")
        return can

    def one(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next; where a range is drawn, mark that."""
        if not self._can():
            return
        if self._marks.anchor:
            self.range()
            return
        held = self._page.table.current
        if held is None:
            return
        is_marked = self._marks.toggle(held.key)
        uuid = held.key.rpartition("/")[2]
        self._tell(Mark(uuids=(uuid,), mode="add" if is_marked else "drop"))
        self._page.table.repaint()
        self._page.table.move(1)

    def range(self) -> None:
        """Begin a range at the row under the cursor; the second time, mark from there to here."""
        table = self._page.table
        held = table.current
        if not self._can() or held is None:
            return
        anchor, self._marks.anchor = self._marks.anchor, ""
        if anchor:
            self._page.console.work(self._select(Select(window=table.window, first=anchor, last=held.key)))
        else:
            self._marks.anchor = held.key
            table.anchored()
            self._page.console.say(
                f"a range begins here: move, then {self._key('mark_range')} or {self._key('mark')} marks it"
                f" · {self._page.console.keymap.key_of('everywhere.back')}: no range",
                "notice",
            )
        table.repaint()

    def cancel(self) -> bool:
        """Draw no range any more; return whether one was drawn."""
        was, self._marks.anchor = bool(self._marks.anchor), ""
        self._page.table.repaint()
        return was

    def all(self) -> None:
        """Mark all that match now, on the screen or not."""
        if self._can():
            self._page.console.work(self._select(Select(window=self._page.table.window)))

    async def _select(self, request: Select) -> None:
        self.take((await self._page.console.feed.call(request)).keys)

    def take(self, keys: Sequence[str]) -> None:
        """Mark the VMs with these keys."""
        came = self._marks.add(keys)
        self._tell(Mark(uuids=tuple(self._marks.uuids), mode="only"))
        self._page.table.repaint()
        more = "" if came == len(keys) else f", {came} of them new"
        self._page.console.say(
            f"marked {plural(len(keys), 'VM')}{more} · {self._key('unmark')} takes the marks away", "notice"
        )

    def none(self) -> None:
        """Take all marks away; where there are none, bring those back that were taken away last."""
        if not self._can():
            return
        self._marks.anchor = ""
        count = len(self._marks)
        if count:
            self._marks.take_away()
            self._page.console.say(
                f"{plural(count, 'mark')} taken away · {self._key('unmark')} brings them back", "notice"
            )
        elif self._marks.bring_back():
            self._page.console.say(f"{plural(len(self._marks), 'mark')} brought back", "notice")
        else:
            self._page.console.say(
                f"nothing is marked: {self._key('mark')} marks a row, {self._key('mark_range')} a range, "
                f"{self._key('mark_all')} all that match",
                "notice",
            )
        self._tell(Mark(uuids=tuple(self._marks.uuids), mode="only"))
        self._page.table.repaint()

    def spend(self) -> None:
        """A job has taken the marks with it."""
        self._marks.take_away()
        self._tell(Mark(uuids=(), mode="only"))
        self._page.table.repaint()

    def _tell(self, request: Mark) -> None:
        """Tell the worker, which counts what is hidden."""

        async def tell() -> None:
            await self._page.console.feed.call(request)

        self._page.console.work(tell())
