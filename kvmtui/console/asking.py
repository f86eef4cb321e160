"""What wants a phrase typed before anything happens, deaf to keys that were not meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.sheets import Sheet, entry_spans, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEAF_S = 0.3
"""How long a question about more than one VM takes no answer after it is on the screen."""


class Asking(Sheet):
    """Base of questions: only keys count that arrived after it was on the screen. Enter and space never say yes:
    enter only hands in a phrase that was typed."""

    def __init__(self, phrase: str, closed: Callable[[], None], *, deaf_s: float = 0.0) -> None:
        """``deaf_s``: how long it takes no answer after it is on the screen."""
        self._phrase = phrase
        self._closed = closed
        self._deaf_s = deaf_s
        self._note = ""
        self._role = "warn"
        self._shown_at: float | None = None
        self.entry = None if phrase == "y" else Entry()

    def confirm(self, typed: str) -> None:
        """The phrase was given."""
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        """Whether no answer counts any more."""
        return False

    def press_other(self, key: str) -> bool:
        """Take a key that shows more of it; return whether it was one."""
        return False

    def shown(self, at: float) -> None:
        if self._shown_at is None:
            self._shown_at = at

    def shown_anew(self) -> None:
        """It is to be on the screen again before a key counts."""
        self._shown_at = None

    def press(self, key: str, at: float) -> None:
        if key in {"escape", "ctrl+c"} or (key == "q" and self.entry is None):
            self._closed()
            return
        if self.is_over:
            return
        if self._shown_at is None or at < self._shown_at + self._deaf_s:
            self._say("a key came before this question was on the screen: not counted")
            return
        self._note = ""
        if self.press_other(key):
            return
        if self.entry is None:
            self._press_plain(key)
        else:
            self._press_typed(key, self.entry)

    def _press_plain(self, key: str) -> None:
        if key == self._phrase:
            self.confirm(key)
        elif key in {"enter", "space", " "}:
            self._say(f"only {self._phrase} says yes")

    def _press_typed(self, key: str, entry: Entry) -> None:
        if key == "enter":
            if entry.text == self._phrase:
                self.confirm(entry.text)
            elif entry.text:
                self._say(f"that is not {self._phrase}: nothing was done")
        elif key != " " or entry.text:  # a blank before what is typed would be seen by nobody
            entry.press(key)

    def paste(self, text: str) -> None:
        self._say("nothing pasted counts here: type it")

    def _say(self, note: str) -> None:
        self._note, self._role = note, "warn"

    def answer(self, width: int, *more: Span) -> list[Line]:
        """Return the lines in which it is answered, ``more`` behind."""
        lines = [fit_line((Span(f" {self._note}", self._role),), width)] if self._note else []
        asked = (Span(" type ", "faint"), Span(self._phrase, "key"))
        if self.entry is None:
            return [*lines, fit_line((*asked, *more), width)]
        typed, _ = entry_spans(self.entry, max(8, width // 3), "accent")
        return [*lines, fit_line((*asked, Span(" and enter: ", "faint"), *typed, *more), width)]


class Confirm(Asking):
    """A question about something that has no plan of its own."""

    def __init__(
        self, said: Sequence[Line], phrase: str, confirmed: Callable[[], None], closed: Callable[[], None]
    ) -> None:
        """``said`` tells what it is about."""
        super().__init__(phrase, closed, deaf_s=DEAF_S)
        self._said = said
        self._confirmed = confirmed

    def confirm(self, typed: str) -> None:
        self._confirmed()

    def lines(self, width: int) -> list[Line]:
        said = [fit_line((Span(" "), *line), width) for line in self._said]
        return [rule(width), *said, *self.answer(width, Span(" · esc: nothing is done", "faint"))]
