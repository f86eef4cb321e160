"""A finding's row, with what stands under the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, wrap
from kvmtui.console.present.rows import Words, compose
from kvmtui.console.present.values import Values, cells, severity_role
from kvmtui.model.checks import CHECKS
from kvmtui.model.columns import FINDING_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in FINDING_COLUMNS if c.id in {"name", "host", "check", "text"})
"""What to do stands under the table."""
ASKED = tuple(c.id for c in FINDING_COLUMNS)

_GLYPHS = ("·", "•", "▲", "✗", "✗")
"""By severity."""
_UNKNOWN = "?"
_FAINT = frozenset({"host", "check"})
_LABEL = 5
"""Cells of the words before the lines under the table."""


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a finding and its row in exactly ``total`` cells."""
    is_known = values.get("known") is not False
    role = severity_role(values) if is_known else "faint"
    drawn = [
        (Span(text, "faint" if column.id in _FAINT else role if column.id == "text" else "text"),)
        for (column, _, _), text in zip(placed, cells(placed, values, now), strict=True)
    ]
    words = None
    if placed and placed[-1].column.id == "text":
        words = Words(str(values.get("text") or ""), role, placed[-1].x)  # as far as the line goes
    glyph = _GLYPHS[max(0, min(4, int(values.get("severity") or 0)))] if is_known else _UNKNOWN
    return Span(glyph, role), compose(placed, drawn, total, words)


def below(values: Values | None, width: int) -> list[Line]:
    """Return what is said of the finding under the cursor: all of it, what to do, why that is told; who is meant.

    Without one: what was looked for, where nothing was found.
    """
    if values is None:
        titles = ", ".join(check.title for check in CHECKS.values())
        return [(), *_said("", f"Nothing was found, and nothing is unknown. Looked for: {titles}.", width)]
    check = CHECKS.get(str(values.get("check")))
    named = str(values.get("name") or "")
    lines: list[Line] = [(Span(f" {named} ", "title"), Span(check.title if check is not None else "", "faint"))]
    lines += _said("", str(values.get("text") or ""), width, severity_role(values))
    if values.get("remedy"):
        lines += _said("do", str(values["remedy"]), width)
    if values.get("filter"):
        lines += _said("who", str(values["filter"]), width, most=1)
    if check is not None:
        lines += _said("why", check.help, width, "faint")
    return lines


def _said(label: str, text: str, width: int, role: str = "text", most: int = 0) -> list[Line]:
    """Return a text in lines, its label before the first of them."""
    parts = wrap(text, max(10, width - _LABEL - 2), most)
    return [
        (Span(f" {label if number == 0 else '':<{_LABEL - 1}}", "key"), Span(part, role))
        for number, part in enumerate(parts)
    ]
