"""Which verb is under way on which VM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.jobs.around import FleetView
    from kvmtui.jobs.live import LiveJob

Address = tuple[str, str]


class Holds:
    """The steps that wait or are under way, by VM; the fleet shows the one that was begun last."""

    def __init__(self, fleet: FleetView) -> None:
        self._fleet = fleet
        self._holders: dict[Address, list[LiveJob]] = {}

    def enter(self, job: LiveJob, host: str, uuid: str) -> None:
        """A step of ``job`` is under way on a VM."""
        self._holders.setdefault((host, uuid), []).append(job)
        self._fleet.set_job(host, uuid, job.verb.id)

    def leave(self, job: LiveJob, host: str, uuid: str) -> None:
        """It has ended."""
        holders = self._holders[host, uuid]
        holders.remove(job)
        if not holders:
            del self._holders[host, uuid]
        self._fleet.set_job(host, uuid, holders[-1].verb.id if holders else "")

    def holder(self, host: str, uuid: str) -> tuple[str, str] | None:
        """Return the verb that is under way on a VM, and who asked for it, or None."""
        holders = self._holders.get((host, uuid))
        return (holders[-1].verb.id, holders[-1].order.who.user) if holders else None
