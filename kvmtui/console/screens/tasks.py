"""One task with its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from kvmtui.console.listing import Held
from kvmtui.console.present.cells import Line, Span, wrap
from kvmtui.console.present.jobs import GLYPHS, ROLES, step_lines, verb_title
from kvmtui.console.screens.acting import act_on_job
from kvmtui.console.screens.copying import Subject
from kvmtui.console.screens.reread import RereadPage
from kvmtui.model.job import ENDED, JobDetail
from kvmtui.text import duration
from kvmtui.wire.messages import GetJob

if TYPE_CHECKING:
    from collections.abc import Sequence


class JobPage(RereadPage):
    """A task, its outcome, its steps; read again each second while it runs."""

    contexts = ("list", "text", "job")

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self._job_id = job_id
        self._detail: JobDetail | None = None

    @property
    def is_live(self) -> bool:
        """Whether its steps may still change."""
        return self._detail is None or self._detail.job.state not in ENDED

    async def read(self) -> None:
        self._detail = await self.console.feed.call(GetJob(job=self._job_id))

    def titles(self) -> list[Line]:
        titles: list[Line] = [(Span(f"task {self._job_id}", "title"),)]
        if self._detail is not None:
            job = self._detail.job
            titles.append((Span(f"{GLYPHS[job.state]} {job.state.value}", ROLES[job.state]),))
        return titles

    def make(self, width: int, height: int) -> Sequence[Line]:
        if self._detail is None:
            return [(Span(" reading…", "faint"),)]
        job, now = self._detail.job, self.console.now()
        lines: list[Line] = [
            (),
            (Span(f"  {verb_title(job.verb)} ", "title"), Span(job.subject, "title")),
            (Span(f"  by {job.by or '?'} · began {duration(now - job.started)} ago · took "
                  f"{duration(job.duration_s(now))} · plan {self._detail.plan[:4]}", "faint"),),
        ]  # fmt: skip
        if job.text:
            role = ROLES[job.state]
            lines += [(), *((Span(f"  {line}", role),) for line in wrap(job.text, max(10, width - 4)))]
        lines.append(())
        for step in self._detail.steps:
            lines += step_lines(step, now, width)
        return lines

    @property
    def subject(self) -> Subject | None:
        return Subject("jobs", Held(self._job_id, to_builtins(self._detail.job))) if self._detail is not None else None

    def do_act(self) -> None:
        """Open the menu of what can be done to it."""
        if self._detail is None:
            self.console.say("it is being read", "notice")
        else:
            act_on_job(self, self._job_id, to_builtins(self._detail.job))
