"""A step of a task: its row, what is said of it under the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span, wrap
from kvmtui.console.present.rows import Words, compose
from kvmtui.console.present.values import Values, cells
from kvmtui.model.columns import HIDDEN, STEP_COLUMNS
from kvmtui.model.job import StepState
from kvmtui.text import duration, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in STEP_COLUMNS if c.priority < HIDDEN)
ASKED = tuple(c.id for c in STEP_COLUMNS)

GLYPHS = {
    StepState.NOT_BEGUN: "·",
    StepState.BEGUN: "⟳",
    StepState.DONE: "✓",
    StepState.FAILED: "✗",
    StepState.UNKNOWN: "?",
    StepState.SKIPPED: "–",
}
ROLES = {
    StepState.NOT_BEGUN: "faint",
    StepState.BEGUN: "accent",
    StepState.DONE: "good",
    StepState.FAILED: "bad",
    StepState.UNKNOWN: "bad",
    StepState.SKIPPED: "faint",
}
_TROUBLE = frozenset({StepState.FAILED, StepState.UNKNOWN})


def state_of(values: Values) -> StepState:
    """Return where the step of a row stands; UNKNOWN if its word is none of ours."""
    try:
        return StepState(str(values.get("state")))
    except ValueError:
        return StepState.UNKNOWN


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a step and its row in exactly ``total`` cells."""
    state = state_of(values)
    role = ROLES[state]
    drawn: list[Line] = []
    for (column, _, width), text in zip(placed, cells(placed, values, now), strict=True):
        if column.id == "took_s":
            drawn.append((Span(fit(took(values, now), width, right=True), "faint"),))
        elif column.id == "state" or (column.id == "text" and state in _TROUBLE):
            drawn.append((Span(text, role),))
        else:
            drawn.append((Span(text, "faint" if state is StepState.NOT_BEGUN or column.id == "host" else "text"),))
    words = None
    if placed and placed[-1].column.id == "text":
        told = str(values.get("text") or "")
        words = Words(told, role if state in _TROUBLE else "faint", placed[-1].x)  # as far as the line goes
    return Span(GLYPHS[state], role), compose(placed, drawn, total, words)


def took(values: Values, now: float) -> str:
    """Return how long a step took, or is taking; "" for one that has not begun."""
    began, ended = values.get("began"), values.get("ended")
    return "" if began is None else duration((now if ended is None else ended) - began)


def told(values: Values) -> str:
    """Return what became of a step, in one form everywhere:

    ✗ web-14 kvm2: shut down NOT done, still running · why: … · libvirt: "…" · next: ….
    """
    state = state_of(values)
    parts = [f"{GLYPHS[state]} {values.get('name')} {values.get('host')}: {values.get('text') or state.value}"]
    if values.get("words"):
        parts.append(f'libvirt: "{values["words"]}"')
    if values.get("remedy"):
        parts.append(f"next: {values['remedy']}")
    return " · ".join(parts)


def below(values: Values | None, width: int) -> list[Line]:
    """Return what is said of the step under the cursor: all of it."""
    if values is None:
        return []
    state = state_of(values)
    role = ROLES[state] if state in _TROUBLE else "text"
    return [(Span(f" {line}", role),) for line in wrap(told(values), max(10, width - 2))]
