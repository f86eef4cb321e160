"""The line behind ``:``, with what it could become."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.sheets import Sheet, Verdict, rule, typed_lines
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHOWN_MAX = 8
"""Offers that are seen at once."""
_HINT = "tab completes · ↑ ↓ earlier ones · enter does it · esc: nothing is done"


class Offer(NamedTuple):
    """What the line could become."""

    line: str
    """The whole line."""
    word: str
    """What is shown of it."""
    help: str


def rank(typed: str, word: str) -> tuple[int, int, str] | None:
    """Return how well ``word`` fits what was typed, the best lowest; None if its letters are not all in it, in order.

    What begins with it comes first, then what contains it, then what has its letters scattered.
    """
    typed, folded = typed.casefold(), word.casefold()
    if folded.startswith(typed):
        return (0, len(word), word)
    if typed in folded:
        return (1, folded.index(typed), word)
    at = first = -1
    for letter in typed:
        at = folded.find(letter, at + 1)
        if at < 0:
            return None
        first = at if first < 0 else first
    return (2, at - first, word)


class Palette(Sheet):
    """A line that is typed, its history, and offers: tab takes one, enter does what the line says."""

    def __init__(
        self,
        history: Sequence[str],
        offers: Callable[[str], Sequence[Offer]],
        changed: Callable[[str], None],
        verdict: Callable[[], Verdict],
        done: Callable[[str], None],
        closed: Callable[[], None],
    ) -> None:
        """``offers`` gives what a line could become; ``changed`` is told every change of it; ``done`` what is to be
        done, and may leave the sheet open; ``verdict`` what is to be said of it now."""
        self.entry = Entry()
        self._history = list(history)
        self._back = len(self._history)
        self._draft = ""
        self._offers = offers
        self._changed = changed
        self._verdict = verdict
        self._done = done
        self._closed = closed
        self._found: Sequence[Offer] = offers("")
        self._at = -1
        """Which offer was taken; -1: what was typed stands."""

    def lines(self, width: int) -> list[Line]:
        assert self.entry is not None
        lines: list[Line] = [rule(width)]
        top = max(0, min(self._at - SHOWN_MAX // 2, len(self._found) - SHOWN_MAX))
        shown = self._found[top : top + SHOWN_MAX]
        word = min(32, max((width_of(offer.word) for offer in shown), default=0))
        for place, offer in enumerate(shown, top):
            arrow = Span(" ▸ " if place == self._at else "   ", "key")
            head = fit_line((Span(offer.word, "accent" if place == self._at else "text"),), word)
            lines.append(fit_line((arrow, *head, Span(f"  {offer.help}", "faint")), width))
        if (more := len(self._found) - top - SHOWN_MAX) > 0:
            lines.append(fit_line((Span(f"   … {more} more", "faint"),), width))
        return lines + typed_lines(self.entry, " : ", self._verdict(), _HINT, width)

    def press(self, key: str, at: float) -> None:
        assert self.entry is not None
        if key in {"escape", "ctrl+c"}:
            self._closed()
        elif key == "enter":
            self._done(self.entry.text)
        elif key in {"tab", "shift+tab"}:
            self._take(1 if key == "tab" else -1)
        elif key in {"up", "ctrl+p"}:
            self._recall(-1)
        elif key in {"down", "ctrl+n"}:
            self._recall(1)
        else:
            before = self.entry.text
            if self.entry.press(key) and self.entry.text != before:
                self._typed()

    def paste(self, text: str) -> None:
        super().paste(text)
        self._typed()

    def _typed(self) -> None:
        assert self.entry is not None
        self._at, self._back = -1, len(self._history)
        self._found = self._offers(self.entry.text)
        self._changed(self.entry.text)

    def _take(self, step: int) -> None:
        if not self._found:
            return
        self._at = (self._at + step) % len(self._found) if self._at >= 0 or step > 0 else len(self._found) - 1
        self._become(self._found[self._at].line)
        if len(self._found) == 1:
            self._typed()

    def _recall(self, step: int) -> None:
        assert self.entry is not None
        to = self._back + step
        if not 0 <= to <= len(self._history):
            return
        if self._back == len(self._history):
            self._draft = self.entry.text
        self._back = to
        self._become(self._draft if to == len(self._history) else self._history[to])
        self._at = -1
        self._found = self._offers(self.entry.text)

    def _become(self, line: str) -> None:
        assert self.entry is not None
        self.entry.text, self.entry.at = line, len(line)
        self._changed(line)
