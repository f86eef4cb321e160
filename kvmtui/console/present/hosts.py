"""A host's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.graphs import bar
from kvmtui.console.present.rows import compose, words_at
from kvmtui.console.present.values import Values, cells, is_stale, severity_role
from kvmtui.model.columns import HOST_COLUMNS
from kvmtui.model.host import LinkState
from kvmtui.text import duration, fit
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in HOST_COLUMNS if c.id not in {"link", "seen", "since"})
"""Columns a table of hosts may show: how we stand with a host is a glyph, and words where it is not up."""
ASKED = tuple(c.id for c in HOST_COLUMNS)

GLYPHS = {
    LinkState.CONNECTING: "…",
    LinkState.UP: "•",
    LinkState.LOST: "✗",
    LinkState.NEEDS_YOU: "▲",
    LinkState.NO_LIBVIRT: "✗",
}
ROLES = {
    LinkState.CONNECTING: "faint",
    LinkState.UP: "good",
    LinkState.LOST: "bad",
    LinkState.NEEDS_YOU: "warn",
    LinkState.NO_LIBVIRT: "bad",
}
_BAR_CELLS = 4
_BARS = {"cpu_pct": "graph-cpu", "mem_pct": "graph-mem"}
"""Columns that have a bar -> its role."""


LEVELS = {
    "careful": ("◆", "careful: every act on its VMs asks for the count, as if they were many"),
    "locked": ("⊘", "locked: nothing on it can be changed from here"),
}
"""Guard level that is not the normal one -> its glyph, what it means."""


def level_span(values: Values) -> Span | None:
    """Return glyph and word of a guard level, None for the normal one."""
    level = str(values.get("level"))
    return Span(f"{LEVELS[level][0]} {level}", "warn") if level in LEVELS else None


def level_words(values: Values) -> str:
    """Return what a host's guard level means; "" for the normal one."""
    level = str(values.get("level"))
    return LEVELS[level][1] if level in LEVELS else ""


def link_of(values: Values) -> LinkState:
    """Return the link state of a row; LOST if its word is none of ours."""
    try:
        return LinkState(str(values.get("link")))
    except ValueError:
        return LinkState.LOST


def link_words(values: Values, now: float) -> str:
    """Return how we stand with a host: "lost 2m: no answer"; "" where it is up."""
    link = link_of(values)
    if link is LinkState.UP:
        return ""
    since, reason = values.get("since"), values.get("link_reason")
    held = f" {duration(now - since)}" if since is not None and link is not LinkState.CONNECTING else ""
    return f"{link.value}{held}: {reason}" if reason else f"{link.value}{held}"


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a host and its row in exactly ``total`` cells."""
    link = link_of(values)
    said = link_words(values, now)
    stale = is_stale(values, now)
    drawn: list[Line] = []
    for (column, _, width), text in zip(placed, cells(placed, values, now), strict=True):
        role = "faint" if stale and column.id not in {"name", "vms_total"} else "text"
        value = values.get(column.id)
        if column.id in _BARS and value is not None and width > _BAR_CELLS:
            figure = fit(f"{value:.0f}", width - _BAR_CELLS, right=True)
            drawn.append((Span(bar(value, _BAR_CELLS), "faint" if stale else _BARS[column.id]), Span(figure, role)))
        elif column.id == "name" and (level := level_span(values)) is not None:
            drawn.append(_name_with(level.text, str(value or ""), width))
        else:
            drawn.append((Span(text, role),))
    words = None
    if said:
        role = ROLES[link] if link is not LinkState.CONNECTING else "faint"
        words = words_at(said, role, placed, total, after="name")
    elif trouble := values.get("trouble"):
        keep = ("cpu_pct", "mem_pct", "vms_running")
        words = words_at(trouble, severity_role(values), placed, total, after="name", keep=keep)
    wrong = severity_role(values)
    glyph = Span(GLYPHS[link], ROLES[link] if link is not LinkState.UP or wrong == "text" else wrong)
    return glyph, compose(placed, drawn, total, words)


def _name_with(level: str, name: str, cells: int) -> Line:
    """Return a name with its level behind it: in words where there is room, else their glyph."""
    said = level if width_of(name) + 1 + width_of(level) <= cells else level[0]
    shown = fit(name, max(1, min(width_of(name), cells - 1 - width_of(said))))
    left = max(0, cells - width_of(shown) - 1 - width_of(said))
    return (Span(shown), Span(f" {said}", "warn"), Span(" " * left)) if cells > 2 else (Span(fit(name, cells)),)
