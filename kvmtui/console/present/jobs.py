"""A job's row, its steps, its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.present.rows import compose
from kvmtui.console.present.values import Values, cells
from kvmtui.model.columns import JOB_COLUMNS
from kvmtui.model.job import ENDED, Job, JobState
from kvmtui.text import duration, fit
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.columns import Placed

SHOWN = tuple(c for c in JOB_COLUMNS if c.id not in {"ended", "total", "done", "skipped", "not_begun"})
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
        elif column.id == "progress":
            texts[index] = progress_cell(values, width)
            role = "faint" if state in ENDED else "accent"
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


_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_LEAST = 3


def progress_cell(values: Values, width: int) -> str:
    """Return the steps that have an outcome, of all, behind a bar where there is room for one: "███▌·· 21/37"."""
    total = int(values.get("total") or 0)
    ended = sum(int(values.get(name) or 0) for name in ("done", "failed", "unknown", "skipped"))
    figures = f"{ended}/{total}"
    room = width - width_of(figures) - 1
    if room < _BAR_LEAST:
        return fit(figures, width, right=True)
    eighths = 8 * room * ended // total if total else 8 * room
    whole, part = divmod(eighths, 8)
    bar = "█" * whole + (_EIGHTHS[part] if part else "")
    return fit(f"{bar}{'·' * (room - len(bar))} {figures}", width, right=True)


_COUNTED = (("done", "good"), ("failed", "bad"), ("unknown", "bad"), ("skipped", "faint"), ("not_begun", "text"))


def counts(values: Values) -> Line:
    """Return how the steps of a job stand: "37: 30 done · 4 failed · 1 unknown · 2 not begun"."""
    spans: list[Span] = []
    told = sum(int(values.get(name) or 0) for name, _ in _COUNTED)
    under_way = int(values.get("total") or 0) - told
    for name, role, count in (
        *((n, r, int(values.get(n) or 0)) for n, r in _COUNTED),
        ("under way", "accent", under_way),
    ):
        if count > 0:
            spans += [Span(" · " if spans else "", "faint"), Span(f"{count} {name.replace('_', ' ')}", role)]
    return (Span(f"{values.get('total') or 0}: ", "title"), *spans)


def head(job_id: str, values: Values, now: float, width: int) -> list[Line]:
    """Return what is said of a job above its steps: what it does, how far it is, what it waits for."""
    state = state_of(values)
    started = values.get("started")
    ended = values.get("ended")
    took = f" · {'took' if state in ENDED else 'for'} {duration((ended or now) - started)}" if started else ""
    first: Line = (
        Span(f" {GLYPHS[state]} {state.value} ", ROLES[state]),
        Span(f" {verb_title(str(values.get('verb')))} {values.get('subject') or ''}", "title"),
        Span(f"  task {job_id} · by {values.get('by') or '?'}{took}", "faint"),
    )
    bar = Span(f" {progress_cell(values, max(12, min(30, width // 4)))}  ", "accent" if state not in ENDED else "faint")
    second: Line = (bar, *counts(values))
    text = str(values.get("text") or "") if state is JobState.WAITING else pace(values, state)
    return [fit_line(line, width) for line in (first, second, (Span(f" {text}", ROLES[state]),))]


def pace(values: Values, state: JobState) -> str:
    """Return how fast a job that runs goes, how long it may yet take, as far as that is known."""
    if state in ENDED:
        return ""
    rate, left = values.get("rate"), values.get("left_s")
    told = [f"{rate:.0f} a minute"] if rate else []
    if left is not None and state is JobState.RUNNING:
        told.append(f"about {duration(left)} left")
    return " · ".join(told)
