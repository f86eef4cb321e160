"""A question that stands before an act: its plan."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kvmtui.console.asking import DEAF_S, Asking
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.present.question import question
from kvmtui.console.sheets import rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kvmtui.model.job import Plan

HIDDEN_IN, HOW = "h", "o"
"""Letters of what else can be done in a question."""


class Question(Asking):
    """Shows a plan, takes its phrase. After the plan's time nothing says yes."""

    def __init__(
        self,
        plan: Plan,
        fleet: str,
        now: Callable[[], float],
        confirmed: Callable[[Plan, str], None],
        closed: Callable[[], None],
        *,
        changed: Callable[[], bool] = lambda: False,
        ways: Mapping[str, Callable[[], None]] = MappingProxyType({}),
        note: str = "",
    ) -> None:
        """``now`` is the worker's clock. ``changed`` is asked each second whether what is touched looks otherwise than
        in the plan; it sees to it that the question is asked anew. ``ways`` are what else can be done: HIDDEN_IN has it
        asked anew with the hidden marks, HOW lets somebody say how it is done. ``note`` says why it was asked anew."""
        super().__init__(plan.phrase, closed, deaf_s=DEAF_S if len(plan.targets) > 1 else 0.0)
        self.plan = plan
        self._fleet = fleet
        self._now = now
        self._confirmed = confirmed
        self._changed = changed
        self._ways = ways
        self._is_old = False
        self._note = note
        self._virsh = False
        self._names = False

    def confirm(self, typed: str) -> None:
        self._confirmed(self.plan, typed)

    @property
    def has_expired(self) -> bool:
        """Whether the plan's time is over."""
        return self._now() >= self.plan.expires

    @property
    def is_over(self) -> bool:
        return self.has_expired or self._is_old

    def _is_free(self, key: str) -> bool:
        """Whether a letter does something else than being the beginning of what is typed."""
        return self.entry is None or (not self.entry.text and not self.plan.phrase.startswith(key))

    def tick(self) -> None:
        if not self._is_old:
            self._is_old = self._changed()

    def lines(self, width: int) -> list[Line]:
        left = self.plan.expires - self._now()
        hints = {}
        if HIDDEN_IN in self._ways and self._is_free(HIDDEN_IN):
            hints["skip"] = f"{HIDDEN_IN} takes them in"
        if HOW in self._ways:
            hints["how"] = f"{HOW if self._is_free(HOW) else f'ctrl+{HOW}'} changes"
        lines = [rule(width)]
        lines += question(self.plan, self._fleet, left, width, virsh=self._virsh, names=self._names, hints=hints)
        if self.has_expired:
            told = (Span(" this question has expired, nothing was done", "warn"), Span(" · esc", "faint"))
            return [*lines, fit_line(told, width)]
        more = "tab" if self.entry is not None else "v"
        rest = Span(f" · {more} virsh · esc: nothing is done", "faint")
        many = Span(f" · {'shift+tab' if self.entry is not None else 'l'} list", "faint")
        return [*lines, *self.answer(width, *((many, rest) if len(self.plan.targets) > 1 else (rest,)))]

    def press_other(self, key: str) -> bool:
        is_plain = self.entry is None
        if key == ("v" if is_plain else "tab"):
            self._virsh = not self._virsh
        elif key == ("l" if is_plain else "shift+tab"):
            self._names = not self._names
        elif key == f"ctrl+{HOW}" and HOW in self._ways:
            self._ways[HOW]()
        elif key in self._ways and self._is_free(key):
            self._is_old = key == HIDDEN_IN
            self._ways[key]()
        else:
            return False
        return True
