"""One value of a row into the text of its cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kvmtui import text
from kvmtui.console.present.columns import LEFT, Placed
from kvmtui.model.columns import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.wire.messages import Cell

Values = Mapping[str, Any]
"""A row: column id -> value."""

STALE_S = 15.0
"""Age from which figures are greyed: three polls of a fleet whose periods are stretched."""

SEVERITY_ROLES = ("text", "notice", "warn", "bad", "bad")
"""Role by severity, 0 to 4."""

_SHORT = {
    Kind.NUMBER: text.number_short,
    Kind.PCT: text.pct,
    Kind.BYTES: text.bytes_short,
    Kind.BPS: text.bytes_short,
    Kind.MS: text.milliseconds,
    Kind.DURATION: text.duration,
}


def safe_value(cell: Cell) -> Cell:
    """Return a value of a row without anything a terminal would obey."""
    if isinstance(cell, str):
        return text.clean(cell)
    if isinstance(cell, list):
        return [text.clean(str(item)) for item in cell]
    return cell


def shown(kind: Kind, value: Any, now: float) -> str:  # noqa: ANN401 - a value of whatever kind
    """Return a value in words or figures; "–" where nothing honest can be said, "" for empty text."""
    if kind is Kind.TIME:
        return text.duration(None if value is None else now - value)
    if kind is Kind.FLAG:
        return "–" if value is None else "yes" if value else "no"
    if kind is Kind.LIST:
        return ",".join(value or ())
    if kind is Kind.COUNT:
        return "–" if value is None else str(value)
    if kind in _SHORT:
        return _SHORT[kind](value)
    return "" if value is None else str(value)


def cells(placed: Sequence[Placed], values: Values, now: float) -> list[str]:
    """Return the fitted text of each placed column."""
    return [
        text.fit(shown(column.kind, values.get(column.id), now), width, right=column.kind not in LEFT)
        for column, _, width in placed
    ]


def is_stale(values: Values, now: float) -> bool:
    """Return whether the figures of a row are older than three polls; False where there are none."""
    sampled = values.get("sampled")
    return sampled is not None and now - sampled > STALE_S


def severity_role(values: Values) -> str:
    """Return the role for what is wrong with a row."""
    severity = values.get("severity") or 0
    return SEVERITY_ROLES[max(0, min(4, int(severity)))]
