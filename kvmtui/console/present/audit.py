"""A row of the audit record; a record as a whole."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.facts import fact, long_fact
from kvmtui.console.present.rows import Words, compose
from kvmtui.console.present.values import Values, cells, severity_role
from kvmtui.model.columns import AUDIT_COLUMNS
from kvmtui.text import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = AUDIT_COLUMNS
ASKED = tuple(c.id for c in AUDIT_COLUMNS)

_OUTCOMES = {"done": ("✓", "good"), "failed": ("✗", "bad"), "unknown": ("?", "bad"), "skipped": ("–", "faint")}
_PHASES = {"intent": "→", "submitted": "+", "aborted": "–"}
"""Of records without an outcome."""
_FAINT = frozenset({"at", "origin", "host", "phase"})


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a record and its row in exactly ``total`` cells."""
    glyph, role = _glyph(values)
    severe = severity_role(values)
    drawn = []
    for (column, _, _), text in zip(placed, cells(placed, values, now), strict=True):
        of = "faint" if column.id in _FAINT else role if column.id == "outcome" else severe
        drawn.append((Span(text, of),))
    words = None
    if placed and placed[-1].column.id == "text":
        words = Words(str(values.get("text") or ""), severe, placed[-1].x)  # as far as the line goes
    return Span(glyph, role), compose(placed, drawn, total, words)


def _glyph(values: Values) -> tuple[str, str]:
    outcome = _OUTCOMES.get(str(values.get("outcome")))
    return outcome or (_PHASES.get(str(values.get("phase")), "·"), severity_role(values))


def record_lines(values: Values, now: float, width: int) -> list[Line]:
    """Return all that a record says, in lines of ``width`` cells."""
    glyph, role = _glyph(values)
    outcome, at = str(values.get("outcome") or ""), values.get("at") or 0.0
    when = f"{_stamp(at)} · {duration(now - at)} ago" if at else "cannot be read"
    lines: list[Line] = [(), fact("when", Span(when))]
    lines += _said("who", _who(values), width)
    lines += _said("from", f"{values['origin']} (as claimed)" if values.get("origin") else "", width)
    lines += _said("phase", str(values.get("phase") or ""), width)
    lines += _said("verb", " ".join(str(values.get(name) or "") for name in ("verb", "parameters")).strip(), width)
    for name, label in (("name", "VM"), ("uuid", "UUID"), ("host", "host")):
        lines += _said(label, str(values.get(name) or ""), width)
    step = values.get("step")
    job = str(values.get("job") or "")
    lines += _said("task", f"{job}, step {step}" if job and step is not None else job, width)
    lines += _said("plan", str(values.get("plan") or ""), width)
    if outcome:
        took = values.get("duration_s")
        after = f" after {took:.3f} s" if isinstance(took, int | float) else ""
        lines += [(), *long_fact("outcome", f"{glyph} {outcome}{after}", role, width)]
    lines += _said("what", str(values.get("text") or ""), width, severity_role(values))
    lines += _said("libvirt", f'"{values["words"]}"' if values.get("words") else "", width)
    lines += [(), *_said("record", str(values.get("id") or ""), width, "faint")]
    lines += _said("hash", str(values.get("hash") or ""), width, "faint")
    return lines


def _said(label: str, text: str, width: int, role: str = "text") -> list[Line]:
    return long_fact(label, text, role, width) if text else []


def _who(values: Values) -> str:
    user = str(values.get("user") or "?")
    return f"{user} (uid {values.get('uid')}, process {values.get('pid')})"


def _stamp(at: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return "?"
    return moment.isoformat(" ", "milliseconds").replace("+00:00", "Z")
