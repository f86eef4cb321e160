"""Jobs that ended badly, until somebody has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui import text
from kvmtui.errors import UsageError
from kvmtui.model.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.model.job import Job

COUNTS_S = 3_600.0
"""How long a job counts that nobody has acknowledged."""
_BAD = frozenset({JobState.FAILED, JobState.UNKNOWN})


class Unread:
    """Counts them for everybody at once. What was acknowledged is kept as long as it would count."""

    def __init__(self, jobs: Callable[[], Sequence[Job]], clock: Callable[[], float]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._read: dict[str, JobState] = {}
        """Job -> how it stood when it was acknowledged."""

    def count(self) -> int:
        """Return how many there are."""
        found = self._found()
        self._read = {ident: state for ident, state in self._read.items() if ident in found}
        return sum(self._read.get(ident) is not state for ident, state in found.items())

    def acknowledge(self, job: str) -> None:
        """Somebody has read how a job stands. Raises UsageError where there is nothing to be read of it."""
        state = self._found().get(job)
        if state is None:
            where = text.clean(job, text.NAME_MAX)
            raise UsageError("it is no job of the last hour that failed or is unknown", where=where)
        self._read[job] = state

    def _found(self) -> dict[str, JobState]:
        since = self._clock() - COUNTS_S
        return {job.id: job.state for job in self._jobs() if job.state in _BAD and (job.ended or 0.0) > since}
