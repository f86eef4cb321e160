"""A question that stands before an act, deaf to keys that were not meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.present.question import question
from kvmtui.console.sheets import Sheet, entry_spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.model.job import Plan

DEAF_S = 0.3
"""How long a question about more than one VM takes no answer after it is on the screen."""


class Question(Sheet):
    """Shows a plan, takes its phrase.

    Only keys count that arrived after the question was on the screen. Enter and space never say yes: enter only
    hands in a phrase that was typed. After the plan's time nothing does.
    """

    def __init__(
        self,
        plan: Plan,
        fleet: str,
        now: Callable[[], float],
        confirmed: Callable[[Plan, str], None],
        closed: Callable[[], None],
        *,
        changed: Callable[[], bool] = lambda: False,
        take_in: Callable[[], None] | None = None,
        note: str = "",
    ) -> None:
        """``now`` is the worker's clock. ``changed`` is asked each second whether what is touched looks otherwise than
        in the plan; it sees to it that the question is asked anew. ``take_in`` asks anew with the hidden marks, where
        there are any. ``note`` says why it was."""
        self.plan = plan
        self._fleet = fleet
        self._now = now
        self._confirmed = confirmed
        self._closed = closed
        self._changed = changed
        self._take_in = take_in
        self._is_old = False
        self._note = note
        self._role = "warn"
        self._virsh = False
        self._names = False
        self._shown_at: float | None = None
        self.entry = None if plan.phrase == "y" else Entry()

    @property
    def has_expired(self) -> bool:
        """Whether the plan's time is over."""
        return self._now() >= self.plan.expires

    @property
    def _takes_in(self) -> bool:
        """Whether h takes the hidden marks in: not where it may be the beginning of what is typed."""
        return self._take_in is not None and (
            self.entry is None or (not self.entry.text and not self.plan.phrase.startswith("h"))
        )

    def tick(self) -> None:
        if not self._is_old:
            self._is_old = self._changed()

    def shown(self, at: float) -> None:
        if self._shown_at is None:
            self._shown_at = at

    def lines(self, width: int) -> list[Line]:
        left = self.plan.expires - self._now()
        lines: list[Line] = [(Span("─" * width, "focus"),)]
        hint = "h takes them in" if self._takes_in else ""
        lines += question(self.plan, self._fleet, left, width, virsh=self._virsh, names=self._names, hint=hint)
        if self._note:
            lines.append(fit_line((Span(f" {self._note}", self._role),), width))
        lines.append(fit_line(self._answer(width), width))
        return lines

    def _answer(self, width: int) -> Line:
        if self.has_expired:
            return (Span(" this question has expired, nothing was done", "warn"), Span(" · esc", "faint"))
        more = "tab" if self.entry is not None else "v"
        rest = Span(f" · {more} virsh · esc: nothing is done", "faint")
        many = Span(f" · {'shift+tab' if self.entry is not None else 'l'} list", "faint")
        tail = (many, rest) if len(self.plan.targets) > 1 else (rest,)
        if self.entry is None:
            return (Span(" type ", "faint"), Span(self.plan.phrase, "key"), *tail)
        typed, _ = entry_spans(self.entry, max(8, width // 3), "accent")
        return (Span(" type ", "faint"), Span(self.plan.phrase, "key"), Span(" and enter: ", "faint"), *typed, *tail)

    def press(self, key: str, at: float) -> None:
        if key in {"escape", "ctrl+c"} or (key == "q" and self.entry is None):
            self._closed()
            return
        if self.has_expired or self._is_old:
            return
        if not self._hears(at):
            self._say("a key came before this question was on the screen: not counted")
            return
        self._note = ""
        if key == "h" and self._takes_in and self._take_in is not None:
            self._is_old = True
            self._take_in()
        elif self.entry is None:
            self._press_plain(key)
        else:
            self._press_typed(key, self.entry)

    def _press_plain(self, key: str) -> None:
        if key == self.plan.phrase:
            self._confirmed(self.plan, key)
        elif key == "v":
            self._virsh = not self._virsh
        elif key == "l":
            self._names = not self._names
        elif key in {"enter", "space", " "}:
            self._say(f"only {self.plan.phrase} says yes")

    def _press_typed(self, key: str, entry: Entry) -> None:
        if key == "tab":
            self._virsh = not self._virsh
        elif key == "shift+tab":
            self._names = not self._names
        elif key == "enter":
            if entry.text == self.plan.phrase:
                self._confirmed(self.plan, entry.text)
            elif entry.text:
                self._say(f"that is not {self.plan.phrase}: nothing was done")
        elif key != " " or entry.text:  # a blank before what is typed would be seen by nobody
            entry.press(key)

    def paste(self, text: str) -> None:
        self._say("nothing pasted counts here: type it")

    def _hears(self, at: float) -> bool:
        if self._shown_at is None:
            return False
        return at >= self._shown_at + (DEAF_S if len(self.plan.targets) > 1 else 0.0)

    def _say(self, note: str) -> None:
        self._note, self._role = note, "warn"
