"""What counts as unread of how jobs ended."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kvmtui.errors import UsageError
from kvmtui.model.job import Job, JobState
from kvmtui.worker.unread import COUNTS_S, Unread

NOW = 10_000.0


def _ended(ident: str, state: JobState, ago: float) -> Job:
    return Job(id=ident, verb="start", by="ada", state=state, total=2, started=NOW - ago - 5, ended=NOW - ago)


def test_what_ended_badly_counts_until_it_was_read() -> None:
    """For an hour at most; a job whose outcome is another one since then counts again."""
    jobs = [
        _ended("a", JobState.FAILED, 10), _ended("b", JobState.UNKNOWN, 20), _ended("c", JobState.DONE, 5),
        _ended("d", JobState.FAILED, COUNTS_S + 1),
    ]  # fmt: skip
    unread = Unread(lambda: jobs, lambda: NOW)
    assert unread.count() == 2
    unread.acknowledge("b")
    assert unread.count() == 1
    for ident in ("c", "d", "nothing"):
        with pytest.raises(UsageError, match="no job of the last hour"):
            unread.acknowledge(ident)
    jobs[1] = replace(jobs[1], state=JobState.FAILED)
    assert unread.count() == 2
