"""A table that holds only the rows around the screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.message import Message

from kvmtui.console.present.cells import Line, Span, fit_line, join, line_width
from kvmtui.console.present.columns import Placed, header, place
from kvmtui.console.present.frame import has_title, rows_of
from kvmtui.console.present.values import SEVERITY_ROLES
from kvmtui.console.widgets.pane import Pane
from kvmtui.errors import FilterError, KvmtuiError
from kvmtui.model.columns import Kind
from kvmtui.text import fit, width
from kvmtui.wire.messages import OpenWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.geometry import Size

    from kvmtui.console.arrangement import Arrangement
    from kvmtui.console.listing import Held, Listing
    from kvmtui.console.present.looks import Look
    from kvmtui.console.widgets.painted import Part
    from kvmtui.wire.messages import Rows

HOLD_S = 3.0
"""How long the order of the rows holds after a key."""
PATIENCE_S = 0.03
"""How long the rows that were there stay on the screen after a jump, before holes are shown in place of new ones."""
_EARLY_S = 0.002
"""A timer may go off a little before its time."""
_OF_VMS = frozenset({"vms", "steps"})
"""Resources whose rows are marked by the UUIDs of VMs."""
_GUTTER = 3
"""Cells for cursor and glyph before the columns."""


class Table(Pane):
    """The rows of one window, with a cursor that keeps to its row."""

    class Moved(Message):
        """The cursor is on another row, its row has come, or a typed filter was answered."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self.table = table

    def __init__(self, number: int, window: int, listing: Listing, look: Look) -> None:
        super().__init__(number, look.name)
        self.window = window
        self.listing = listing
        self.look_of = look
        self.trouble = ""
        """What is wrong with the filter that is being typed, in words."""
        self.trouble_at = range(0)
        self._trying: str | None = None
        """A filter that was typed and is not answered yet."""
        self._anchor_at = 0
        """Where the row was last seen at which a range begins."""
        self._wanted = ""
        """Key of the row to go to once the filter is answered."""
        self._placed: tuple[Placed, ...] = ()
        self._told = ""
        self._hold_until = 0.0
        self._jumped: asyncio.TimerHandle | None = None  # set while the rows of another place are awaited

    # --- painting ----------------------------------------------------------------------------------------------

    def prepare(self, size: Size) -> None:
        self._placed = place(self.look_of.shown(self.listing.chosen), max(1, self.inner_width - _GUTTER))
        height = rows_of(size.height, framed=self.framed)
        if height != self.listing.height:
            self.listing.resize(height)
            self.ask()

    def titles(self) -> list[Line]:
        listing = self.listing
        role = "title" if self.has_focus_of_keys else "text"
        chips: list[Line] = [(Span(str(self.id), role),)]
        if listing.scope:
            chips.append((Span(f"on {', '.join(listing.scope)}", "accent"),))
        if listing.filter:
            chips.append((Span(f"/{fit(listing.filter, self._filter_cells()).rstrip()}", "accent"),))
        if listing.only_wrong:
            chips.append((Span("only what is wrong", "accent"),))
        if listing.said:
            room = self.title_room - line_width(join(chips, "")) - 4 * len(chips)
            role = SEVERITY_ROLES[max(0, min(listing.severity, len(SEVERITY_ROLES) - 1))]
            chips.append((Span(fit(listing.said, min(width(listing.said), max(0, room))).rstrip(), role),))
        if listing.is_answered:
            of = "" if listing.matched == listing.total else f" of {listing.total}"
            chips.append((Span(f"{listing.matched}{of}", "faint"),))
        if self.has_marks and self.console.marks:
            chips.insert(1, (Span(self._marked(), "accent"),))
        if view := self.console.view_of(self):
            chips.insert(1, (Span(f"view {view}", "accent"),))
        chips.append((Span(self._order(), "faint"),))
        return chips

    def _filter_cells(self) -> int:
        """Return the cells of the title that a filter may take, so that the rest of it is still there."""
        return min(width(self.listing.filter), max(12, self.extent.width // 3))

    def _marked(self) -> str:
        """Say how many are marked, and how many of them the filter hides, once the worker has counted them."""
        count, listing = len(self.console.marks), self.listing
        hidden = count - listing.marked if listing.marks == count else 0
        return f"{count} marked, {hidden} hidden" if hidden else f"{count} marked"

    def _order(self) -> str:
        listing = self.listing
        column = next((c for c in self.look_of.every if c.id == listing.sort), None)
        if column is None:
            return "worst first"
        if column.kind is Kind.TIME:  # sorted by age
            return f"by {column.title}, {'oldest' if listing.descending else 'newest'} first"
        return f"by {column.title} {'↓' if listing.descending else '↑'}"

    def inner(self, y: int, width: int) -> Sequence[Part]:
        titled = has_title(self.extent.height, framed=self.framed)
        if titled and y == 0:
            titles = header(self._placed, self.listing.sort, descending=self.listing.descending)
            return [("base", fit_line((Span(" " * _GUTTER), Span(titles, "faint")), width))]
        at = y - (1 if titled else 0)
        index = self.listing.top + at
        if index >= self.listing.matched:
            return [("base", fit_line((Span(" " * _GUTTER), Span(self._nothing() if at == 0 else "", "faint")), width))]
        under = index == self.listing.cursor
        ground = "base" if not under else "cursor" if self.has_focus_of_keys else "idle"
        arrow = Span("▸" if under else " ")
        held = self.listing.row(index)
        if held is None:
            return [(ground, fit_line((arrow, Span("  · · ·", "faint")), width))]
        glyph, line = self.look_of.row(self._placed, held.values, max(0, width - _GUTTER), self.console.now())
        if self.console.is_cut_off:
            glyph, line = Span(glyph.text, "faint"), tuple(Span(span.text, "faint") for span in line)
        return [(ground, fit_line((arrow, glyph, self._mark(index, held.key), *line), width))]

    def _mark(self, index: int, key: str) -> Span:
        """Return what tells that a row is marked, or in the range that is being drawn."""
        marks = self.console.marks
        if self.has_marks and key in marks:
            return Span("●", "accent")
        if self.has_marks and marks.anchor:
            first, last = sorted((self._anchor_at, self.listing.cursor))
            if first <= index <= last:
                return Span("○", "accent")
        return Span(" ")

    @property
    def has_marks(self) -> bool:
        """Whether its rows can be marked."""
        return self.listing.resource in _OF_VMS

    def anchored(self) -> None:
        """A range begins at the row under the cursor."""
        self._anchor_at = self.listing.cursor

    def _nothing(self) -> str:
        if not self.listing.is_answered:
            return self.console.waiting_for()
        listing, noun = self.listing, self.look_of.noun
        if listing.scope:
            return f"none of the {listing.total} {noun} on {', '.join(listing.scope)} match · esc: of all hosts"
        if listing.filter or listing.only_wrong:
            return f"none of {listing.total} {noun} match"
        return f"no {self.look_of.noun}"

    def thumb(self) -> range:
        listing = self.listing
        if listing.matched <= listing.height or not listing.height:
            return range(0)
        lines = max(1, listing.height * listing.height // listing.matched)
        start = (listing.height - lines) * listing.top // max(1, listing.matched - listing.height)
        return range(1 + start, 1 + start + lines)

    def _row_lines(self, indexes: frozenset[int] | set[int]) -> list[int]:
        first = self.first_inner + (1 if has_title(self.extent.height, framed=self.framed) else 0)
        return [first + index - self.listing.top for index in indexes if index >= self.listing.top]

    def repaint(self, lines: Iterable[int] | None = None) -> None:
        if self._jumped is not None:
            if self.listing.has_holes and self._jumped.when() > asyncio.get_running_loop().time() + _EARLY_S:
                return
            self._jumped.cancel()
            self._jumped, lines = None, None
        super().repaint(lines)

    # --- rows --------------------------------------------------------------------------------------------------

    def take(self, rows: Rows) -> None:
        """Take a message of the worker."""
        changed = self.listing.take(rows)
        if self.has_marks and self.console.marks.anchor:
            self._anchor_at = self.listing.place(self.console.marks.anchor, self._anchor_at)
        self.repaint(None if changed.everything else self._row_lines(changed.rows))
        if self.listing.needs_rows:
            self.ask()
        self._tell()

    def ask(self) -> None:
        """Ask the worker for the rows around the screen, as the listing is now."""
        if self._trying is None:
            self.console.feed.open(OpenWindow(window=self.window, query=self.listing.query()), self._asked)

    def _asked(self, refusal: KvmtuiError | None) -> None:
        if refusal is not None:
            self.console.say(str(refusal), "bad")

    def try_filter(self, text: str, key: str = "") -> None:
        """Ask for the rows that match ``text``; the list stays as it is if it means nothing.

        The cursor goes to the row ``key`` if that is among them, else to the first. A range that is being drawn is of
        another list then: it ends.
        """
        self._trying, self._wanted = text, key
        if self.has_marks:
            self.console.marks.anchor = ""
        request = OpenWindow(window=self.window, query=self.listing.trial(text))
        self.console.feed.open(request, lambda refusal: self._tried(text, refusal))

    def is_other_than(self, text: str) -> bool:
        """Return whether rows of another filter are shown, or asked for."""
        return self._trying is not None or self.listing.filter != text

    def show_as(self, wanted: Arrangement, key: str = "") -> None:
        """Be arranged otherwise, with the cursor on the row ``key`` if it is there; columns that there are not are left
        out."""
        wanted, listing = self.look_of.fitting(wanted), self.listing
        listing.scope, listing.only_wrong = wanted.scope, wanted.only_wrong
        listing.sort, listing.descending = wanted.sort, wanted.descending
        self.choose(wanted.columns)
        self.try_filter(wanted.filter, key)

    def choose(self, columns: Sequence[str]) -> None:
        """Show these columns, where there is room; none: the usual ones."""
        self.listing.chosen = tuple(columns)
        self.listing.columns = self.look_of.needs(self.listing.chosen)
        self.prepare(self.extent)
        self.ask()
        self.repaint()

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of the columns that there is room for now."""
        return tuple(placed.column.id for placed in self._placed)

    def _tried(self, text: str, refusal: KvmtuiError | None) -> None:
        if self._trying != text:
            return
        self._trying = None
        self.trouble, self.trouble_at = "", range(0)
        if refusal is None:
            self.listing.accept(text)
            if self._wanted:
                self.listing.seek(self._wanted)
                self.ask()
            self.repaint()
            self._tell()
        elif isinstance(refusal, FilterError):
            start = self.listing.offset_in_typed(refusal.offset)
            self.trouble = refusal.text + (f" · {refusal.remedy}" if refusal.remedy else "")
            self.trouble_at = range(start, start + max(1, refusal.length))
            self.ask()
        else:
            self.console.say(str(refusal), "bad")
        self.post_message(self.Moved(self))

    # --- moving ------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """A key was pressed: the order of the rows holds for a while."""
        self._hold_until = self.console.monotonic() + HOLD_S
        if not self.listing.holding and self.listing.is_answered:
            self.listing.holding = True
            self.ask()

    def tick(self) -> None:
        """What a second changes: ages, and the end of a hold."""
        is_drawing = self.has_marks and bool(self.console.marks.anchor)
        if self.listing.holding and not is_drawing and self.console.monotonic() >= self._hold_until:
            self.listing.holding = False
            self.ask()
        self.repaint()

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self._moved(lambda: self.listing.move(rows))

    def go(self, index: int) -> None:
        """Move the cursor to a row."""
        self._moved(lambda: self.listing.go(index))

    def go_top(self) -> None:
        """Move the cursor to the top, where it stays."""
        self._moved(self.listing.go_top)

    def _moved(self, move: Callable[[], bool]) -> None:
        listing = self.listing
        before, top = listing.cursor, listing.top
        if not move():
            return
        if listing.has_holes and self._jumped is None:
            self._jumped = asyncio.get_running_loop().call_later(PATIENCE_S, self.repaint)
        is_drawing = self.has_marks and bool(self.console.marks.anchor)
        self.repaint(None if listing.top != top or is_drawing else self._row_lines({before, listing.cursor}))
        if listing.needs_rows:
            self.ask()
        self._tell()

    def _tell(self) -> None:
        if self.listing.key != self._told:
            self._told = self.listing.key
            self.post_message(self.Moved(self))

    @property
    def current(self) -> Held | None:
        """The row under the cursor."""
        return self.listing.current
