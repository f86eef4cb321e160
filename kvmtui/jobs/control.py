"""What a human may change about a job while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import RefusedError, UsageError
from kvmtui.guard import audit, gate
from kvmtui.jobs import limits
from kvmtui.jobs.rows import ABORTED, HELD
from kvmtui.model.job import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.guard.client import ClientId
    from kvmtui.guard.gate import Rules
    from kvmtui.jobs.dispatch import Dispatch
    from kvmtui.jobs.journal import Journal
    from kvmtui.jobs.live import LiveJob
    from kvmtui.jobs.rows import Standing
    from kvmtui.model.job import How

ACTS = ("pause", "resume")


class Controls:
    """Stops jobs, lets them go on, gives them other limits; says in the record who did. ``changed`` is told of each.

    What stops or slows may be recorded later; what lets something begin is on disk before it does. That the role of
    ``client`` reaches to the job was checked before.
    """

    def __init__(self, journal: Journal, dispatch: Dispatch, changed: Callable[[LiveJob], Standing]) -> None:
        self._journal = journal
        self._dispatch = dispatch
        self._changed = changed

    def abort(self, job: LiveJob, client: ClientId) -> None:
        """Begin no further step, ever."""
        if job.state in ENDED or job.stopped == ABORTED:
            return
        job.stopped = ABORTED
        job.why = f"aborted by {client.user}"
        self._journal.control(job.order, self._changed(job), client, audit.ABORTED)

    def pause(self, job: LiveJob, client: ClientId) -> None:
        """Begin no further step until a human says so. Raises UsageError."""
        _check_has_more(job)
        job.hold(f"paused by {client.user}")
        self._journal.control(job.order, self._changed(job), client, audit.PAUSED)

    async def resume(self, job: LiveJob, client: ClientId, rules: Rules) -> None:
        """Go on with what has not begun. Raises RefusedError, UsageError, NotRecordedError (it waits as before)."""
        _check_may_act(client, rules)
        _check_has_more(job)
        if job.stopped != HELD:
            return
        refusals = [gate.host_refusal(target.host, rules) for target in job.pending]
        if all(refusals):
            raise RefusedError(refusals[0], where=f"job {job.order.id}", remedy="change that first, or abort the job")
        job.forgive()
        await self._journal.resume(job.order, client, job.subject)
        if job.stopped == HELD:
            self._dispatch.add(job)
            self._journal.move(self._changed(job))

    def limit(self, job: LiveJob, how: How, client: ClientId, rules: Rules) -> None:
        """Give it other limits, for what has not begun. Raises RefusedError, UsageError."""
        _check_may_act(client, rules)
        _check_has_more(job)
        wanted = limits.changed(job.how, how)
        what = limits.difference(job.how, wanted)
        if what:
            job.limit(wanted)
            self._journal.control(job.order, self._changed(job), client, audit.CHANGED, what)
            self._dispatch.pump()


def _check_may_act(client: ClientId, rules: Rules) -> None:
    refusal = gate.client_refusal(client, rules)
    if refusal is not None:
        raise RefusedError(refusal.why, remedy=refusal.remedy)


def _check_has_more(job: LiveJob) -> None:
    """Raise UsageError if nothing of a job could begin any more."""
    where = f"job {job.order.id}"
    if job.stopped == ABORTED:
        raise UsageError("it was aborted: nothing more of it begins", where=where, remedy="plan the rest anew")
    if not job.pending:
        raise UsageError("nothing of it is left to begin", where=where)
