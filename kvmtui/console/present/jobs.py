"""A job's row, its steps, its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.present.cells import Line, Span, line_width, wrap
from kvmtui.console.present.rows import compose
from kvmtui.console.present.values import Values, cells
from kvmtui.model.columns import JOB_COLUMNS
from kvmtui.model.job import Job, JobState, Step, StepState
from kvmtui.text import clean, duration, fit
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in JOB_COLUMNS if c.id != "ended")
ASKED = tuple(c.id for c in JOB_COLUMNS)

GLYPHS = {
    JobState.RUNNING: "⟳",
    JobState.WAITING: "▲",
    JobState.DONE: "✓",
    JobState.FAILED: "✗",
    JobState.UNKNOWN: "?",
    JobState.CANCELLED: "–",
}
ROLES = {
    JobState.RUNNING: "accent",
    JobState.WAITING: "warn",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.UNKNOWN: "bad",
    JobState.CANCELLED: "faint",
}
STEP_GLYPHS = {
    StepState.NOT_BEGUN: ("·", "faint"),
    StepState.BEGUN: ("⟳", "accent"),
    StepState.DONE: ("✓", "good"),
    StepState.FAILED: ("✗", "bad"),
    StepState.UNKNOWN: ("?", "bad"),
    StepState.SKIPPED: ("–", "faint"),
}


def verb_title(verb: str) -> str:
    """Return the words of a verb; its id if we have none."""
    return VERBS[verb].title if verb in VERBS else verb


def state_of(values: Values) -> JobState:
    """Return the state of a row; UNKNOWN if its word is none of ours."""
    try:
        return JobState(str(values.get("state")))
    except ValueError:
        return JobState.UNKNOWN


def row(placed: Sequence[Placed], values: Values, total: int, now: float) -> tuple[Span, Line]:
    """Return the glyph of a job and its row in exactly ``total`` cells."""
    state = state_of(values)
    texts = cells(placed, values, now)
    roles: list[str] = []
    for index, (column, _, width) in enumerate(placed):
        role = "text"
        if column.id == "verb":
            title = verb_title(str(values.get("verb")))
            texts[index] = fit(title if width_of(title) <= width else title.partition(" (")[0], width)
        elif column.id in {"state", "text"}:
            role = ROLES[state] if state is not JobState.DONE else "text"
        elif column.id in {"id", "by"}:
            role = "faint"
        elif not values.get(column.id) and column.id not in {"subject", "started"}:
            texts[index] = fit("·", width, right=True)
            role = "faint"
        roles.append(role)
    return Span(GLYPHS[state], ROLES[state]), compose(
        placed, [(Span(*cell),) for cell in zip(texts, roles, strict=True)], total, None
    )


def outcome(job: Job) -> Span:
    """Return the outcome of a job that has ended, in one line."""
    glyph, role = GLYPHS[job.state], ROLES[job.state]
    if job.text:
        said = job.text if job.text.startswith(glyph) else f"{glyph} {job.text}"
    else:
        said = f"{glyph} {job.subject}: {verb_title(job.verb)} {job.state.value}"
    return Span(said, role)


def progress(job: Job, now: float) -> Span:
    """Return where a job that runs stands, in one line."""
    ended = job.done + job.failed + job.unknown + job.skipped
    of = f" {ended}/{job.total}" if job.total > 1 else ""
    return Span(f"⟳ {verb_title(job.verb)} {job.subject}{of} · {duration(job.duration_s(now))}", "accent")


def step_lines(step: Step, now: float, width: int) -> list[Line]:
    """Return what is to be said of a step: its state, then what happened, libvirt's words, what to do."""
    glyph, role = STEP_GLYPHS[step.state]
    took = ""
    if step.began is not None:
        took = duration((step.ended if step.ended is not None else now) - step.began)
    name = min(24, max(8, width // 4))
    head: Line = (
        Span(f"  {glyph} ", role),
        Span(f"{fit(step.name, name)} {fit(step.host, 10)} "),
        Span(fit(step.state.value, 10), role),
        Span(f"{took:>5}", "faint"),
    )
    text = clean(step.text)
    is_short = text and line_width(head) + width_of(text) + 2 <= width
    lines: list[Line] = [(*head, Span(f"  {text}"))] if is_short else [head]
    said = (
        ("", "" if is_short else text),
        ("libvirt  ", f'"{step.words}"' if step.words else ""),
        ("next     ", step.remedy),
    )
    for label, text in said:
        for number, part in enumerate(wrap(text, max(10, width - 6 - len(label))) if text else ()):
            lines.append((Span("    " + (label if number == 0 else " " * len(label)), "faint"), Span(part)))
    return lines
