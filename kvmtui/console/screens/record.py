"""A record of what was done, all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.listing import Held
from kvmtui.console.present import jobs
from kvmtui.console.present.audit import record_lines
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.values import safe_value
from kvmtui.console.screens.copying import Subject
from kvmtui.console.screens.into import subject_of
from kvmtui.console.screens.reading import ReadingPage
from kvmtui.console.screens.tasks import JobPage
from kvmtui.wire.messages import ListRows, Query

if TYPE_CHECKING:
    from collections.abc import Sequence


class RecordPage(ReadingPage):
    """What does not change any more, with the ways to its VM, its task."""

    contexts = ("list", "text", "record")

    def __init__(self, held: Held) -> None:
        super().__init__()
        self._held = held

    def titles(self) -> list[Line]:
        return [
            (Span(f"record {self._held.key}", "title"),),
            (Span(str(self._held.values.get("phase") or ""), "faint"),),
        ]

    def make(self, width: int, height: int) -> Sequence[Line]:
        return record_lines(self._held.values, self.console.now(), width)

    def tick(self) -> None:
        self.text.repaint()

    @property
    def subject(self) -> Subject | None:
        return Subject("audit", self._held)

    def do_subject(self) -> None:
        """Open its VM where that is now, else its host."""
        if self._held.values.get("uuid") or self._held.values.get("host"):
            self.console.work(subject_of(self, self._held))
        else:
            self.console.say("it is about no VM or host by itself", "notice")

    def do_task(self) -> None:
        """Open its task."""
        job = str(self._held.values.get("job") or "")
        if job:
            self.console.work(self._open_task(job))
        else:
            self.console.say("it belongs to no task", "notice")

    async def _open_task(self, job: str) -> None:
        query = Query(resource="jobs", filter=f'id:"{job}"', columns=jobs.ASKED)
        found = (await self.console.feed.call(ListRows(query=query))).rows
        if found:
            held = Held(job, dict(zip(query.columns, map(safe_value, found[0]), strict=True)))
            self.console.push_screen(JobPage(self.console, held))
        else:
            self.console.say(f"task {job} is kept no longer; what was done is all here", "notice")
