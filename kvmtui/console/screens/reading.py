"""Pages that are read: one text over the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.frame import WIDE, whole
from kvmtui.console.screens.page import Page
from kvmtui.console.sheets import FilterEntry, Verdict
from kvmtui.console.widgets.text import Text
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from kvmtui.console.present.cells import Line
    from kvmtui.console.present.frame import Box
    from kvmtui.console.widgets.painted import Painted


class ReadingPage(Page):
    """Base of pages that are one text."""

    contexts: tuple[str, ...] = ("list", "text")

    def __init__(self) -> None:
        super().__init__()
        self.text = Text("text", self.make, self.titles)

    def make(self, width: int, height: int) -> Sequence[Line]:
        """Return the text for so many cells; ``height`` is how many lines of it are seen at once."""
        raise NotImplementedError

    def titles(self) -> list[Line]:
        """Return what the title says."""
        raise NotImplementedError

    def body(self) -> Iterable[Painted]:
        return [self.text]

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        self.text.look(framed=width >= WIDE, focused=True)
        return {self.text: whole(width, height)}

    def fleet_changed(self) -> None:
        self.text.repaint()

    def do_find(self) -> None:
        """Look for a text."""
        found = (0, 0)

        def changed(text: str) -> None:
            nonlocal found
            found = self.text.look_for(text)

        def closed(keep: bool) -> None:
            self.close_sheet()
            if not keep:
                self.text.look_for("")

        def verdict() -> Verdict:
            return Verdict(said=f"{found[0]} of {plural(found[1], 'line')}" if self.text.needle else "")

        key = self.console.keymap.key_of
        hint = f"{key('text.next_match')} {key('text.previous_match')} go on from here once enter has kept it"
        self.open_sheet(FilterEntry("find", "", changed, closed, verdict, hint))

    def do_next_match(self) -> None:
        self._go_on(1)

    def do_previous_match(self) -> None:
        self._go_on(-1)

    def _go_on(self, step: int) -> None:
        if not self.text.needle:
            self.do_find()
        elif not self.text.next_hit(step):
            self.console.say("it is nowhere in this text", "notice")

    def do_back(self) -> None:
        """One step out: notice, what is looked for, the page."""
        if self.console.dismiss():
            return
        if self.text.needle:
            self.text.look_for("")
        else:
            self.dismiss()

    def do_jump_back(self) -> None:
        """Go back to the page that this was opened from."""
        self.dismiss()

    def do_down(self) -> None:
        self.text.move(1)

    def do_up(self) -> None:
        self.text.move(-1)

    def do_first(self) -> None:
        self.text.go(0)

    def do_last(self) -> None:
        self.text.go_last()

    def do_half_down(self) -> None:
        self.text.move(max(1, self.text.inner_height // 2))

    def do_half_up(self) -> None:
        self.text.move(-max(1, self.text.inner_height // 2))

    def do_page_down(self) -> None:
        self.text.move(self.text.inner_height)

    def do_page_up(self) -> None:
        self.text.move(-self.text.inner_height)
