"""Jobs as the console hears of them: which run, which end, which were begun here."""

from __future__ import annotations

from kvmtui.model.job import ENDED, Job
from kvmtui.text import clean, plural

ENDED_MAX = 200
"""Jobs that have ended and are remembered, for the answer that comes after the end."""


class JobWatch:
    """What is known of jobs from the worker's announcements."""

    def __init__(self) -> None:
        self.running: dict[str, Job] = {}
        """Jobs of anyone that run, by id."""
        self._ended: dict[str, Job] = {}
        self._mine: set[str] = set()

    @property
    def steps(self) -> tuple[int, int]:
        """Steps that have ended and steps in all of the jobs that run."""
        jobs = self.running.values()
        return sum(j.done + j.failed + j.unknown + j.skipped for j in jobs), sum(j.total for j in jobs)

    def forget(self) -> None:
        """Forget what runs: the worker is gone, the next one tells anew."""
        self.running.clear()

    def changed(self, job: Job) -> bool:
        """Take an announcement; return whether it is the end of a job that was begun here."""
        if job.state not in ENDED:
            self.running[job.id] = job
            return False
        self.running.pop(job.id, None)
        self._ended[job.id] = job
        while len(self._ended) > ENDED_MAX:
            del self._ended[next(iter(self._ended))]
        if job.id not in self._mine:
            return False
        self._mine.discard(job.id)
        return True

    def began(self, job: Job) -> Job:
        """Take a job that was begun here; return it as it is now, for it may have ended before its answer came."""
        job = self._ended.get(job.id, job)
        if job.state not in ENDED:
            self._mine.add(job.id)
            self.running[job.id] = job
        return job

    def parting_words(self) -> str:
        """Return what goes on without the console; "" if nothing does."""
        jobs = list(self.running.values())
        if not jobs:
            return ""
        named = ", ".join(f"{job.verb} {clean(job.subject, 40)}" for job in jobs[:3])
        more = f" and {len(jobs) - 3} more" if len(jobs) > 3 else ""
        verb = "goes" if len(jobs) == 1 else "go"
        return f"{plural(len(jobs), 'task')} {verb} on: {named}{more} · kvmtui ls jobs, or kvmtui, shows how it ends"
