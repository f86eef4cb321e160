"""The sheet on which the columns of a table are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.sheets import Sheet, rule
from kvmtui.text import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.model.columns import Column

ROWS_MAX = 14
"""Columns that are seen at once."""


class ColumnSheet(Sheet):
    """All columns of a table, those that are shown first and in their order. What is chosen is shown at once."""

    def __init__(
        self,
        every: Sequence[Column],
        shown: Sequence[str],
        changed: Callable[[tuple[str, ...]], None],
        closed: Callable[[], None],
        *,
        usual: Sequence[str],
        fits: Callable[[], Sequence[str]],
    ) -> None:
        """``changed`` is told the ids that are to be shown, in their order; none: the ``usual`` ones. ``fits`` gives
        those that there is room for."""
        self._first, *others = every
        known = {column.id: column for column in others}
        self._known = known
        self._usual = usual
        self._fits = fits
        self._chosen: list[str] = []
        self._order: list[Column] = []
        self._begin(shown)
        self._changed = changed
        self._closed = closed
        self._at = 0
        self._note = ""

    def _begin(self, shown: Sequence[str]) -> None:
        self._chosen = [column for column in shown if column in self._known]
        self._order = [self._known[column] for column in self._chosen]
        self._order += [column for column in self._known.values() if column.id not in self._chosen]

    def lines(self, width: int) -> list[Line]:
        top = max(0, min(self._at - ROWS_MAX // 2, len(self._order) - ROWS_MAX))
        title = (Span(" columns", "title"), Span(f"  {self._first.title} is always there", "faint"))
        lines: list[Line] = [rule(width), fit_line(title, width)]
        fitting = set(self._fits())
        for place, column in enumerate(self._order[top : top + ROWS_MAX], top):
            is_here, is_shown = place == self._at, column.id in self._chosen
            spans = (
                Span(" ▸ " if is_here else "   ", "key"),
                Span("[x] " if is_shown else "[ ] ", "accent" if is_shown else "faint"),
                Span(f"{fit(column.title, 9)} ", "text" if is_shown else "faint"),
                Span("no room for it here · " if is_shown and column.id not in fitting else "", "warn"),
                Span(column.help, "faint"),
            )
            lines.append(fit_line(spans, width))
        if (more := len(self._order) - top - ROWS_MAX) > 0:
            lines.append(fit_line((Span(f"   ↓ {more} more", "faint"),), width))
        keys = self._note or "space shows or hides · h l earlier, later · r the usual ones · enter done"
        return [*lines, fit_line((Span(f" {keys}", "warn" if self._note else "faint"),), width)]

    def press(self, key: str, at: float) -> None:
        self._note = ""
        if key in {"escape", "q", "ctrl+c", "enter"}:
            self._closed()
        elif key in {"j", "down"}:
            self._at = min(self._at + 1, len(self._order) - 1)
        elif key in {"k", "up"}:
            self._at = max(self._at - 1, 0)
        elif key in {"g", "home"}:
            self._at = 0
        elif key in {"G", "end"}:
            self._at = len(self._order) - 1
        elif key == " ":
            self._toggle()
        elif key in {"h", "left", "l", "right"}:
            self._move(-1 if key in {"h", "left"} else 1)
        elif key == "r":
            self._changed(())
            self._begin(self._usual)
            self._at = 0

    def _toggle(self) -> None:
        column = self._order[self._at]
        if column.id not in self._chosen:
            # among those that are shown it stands where it stands on the sheet
            self._chosen = [c.id for c in self._order if c.id in self._chosen or c is column]
        elif len(self._chosen) == 1:
            self._note = "one more than the first must be there · r: the usual ones"
            return
        else:
            self._chosen.remove(column.id)
        self._changed(tuple(self._chosen))

    def _move(self, step: int) -> None:
        to = self._at + step
        if not 0 <= to < len(self._order):
            return
        self._order[self._at], self._order[to] = self._order[to], self._order[self._at]
        self._at = to
        self._chosen = [column.id for column in self._order if column.id in self._chosen]
        self._changed(tuple(self._chosen))
