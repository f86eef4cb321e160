"""Which VM's definition is read next, so rarely that the host does not notice.

Pure bookkeeping on the loop's time; ``surveyor`` makes the calls and tells how they went.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable

from kvmtui.hosts.reports import Listed

PER_S = 10.0
"""VMs of one host that are read in a second, at most."""
ALL_PER_S = 60.0
"""VMs of all hosts together that are read in a second, at most: 30,000 take less than ten minutes."""
SHARE = 0.03
"""Of libvirtd's time, at most this much goes into it."""
CALL_MAX_S = 1.0
"""A call counts as no more than this: what takes longer was waiting for something else."""
CHANGED_S = 0.5
"""What changed is read so long after it was told, for more changes usually come together."""
AGAIN_S = 6 * 3600.0
"""What no event tells of (a disk that was plugged in) is seen after so long."""
SNAPSHOTS_AGAIN_S = 3600.0
"""libvirt has no event for a snapshot that was deleted."""
FAILED_S = 60.0
"""A VM that could not be read is tried again after so long, each time after twice as long."""
FAILED_MAX_S = 3600.0


class Turns:
    """Lets so many a second pass, whichever host they are of. Belongs to the hosts loop; times are its."""

    def __init__(self, per_s: float = ALL_PER_S) -> None:
        self._step_s = 1 / per_s
        self._free_at = 0.0

    def take(self, now: float) -> float:
        """Return how long to wait for the turn that is hereby taken."""
        at = max(now, self._free_at)
        self._free_at = at + self._step_s
        return at - now


class Survey:
    """The VMs of one connected host, each with the time at which it is to be read. Times are the loop's."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        """A heap of (due, UUID); an entry that ``_due`` does not confirm is void."""
        self._snapshots: dict[str, bool] = {}
        self._failures: dict[str, int] = {}
        self._free_at = 0.0

    def listed(self, vms: Iterable[Listed], now: float) -> None:
        """Take in what exists: who is new, or has its first or no more snapshots, is read soon; who is gone, never."""
        there = {vm.uuid: vm.has_snapshot for vm in vms}
        for uuid in self._due.keys() - there.keys():
            del self._due[uuid]
            self._failures.pop(uuid, None)
        for uuid, has_snapshot in there.items():
            if uuid not in self._due or self._snapshots.get(uuid) is not has_snapshot:
                self._put(uuid, now)
        self._snapshots = there

    def changed(self, uuid: str, now: float) -> None:
        """Its definition has changed, or another one of it is in force."""
        if uuid in self._due and self._due[uuid] > now + CHANGED_S:
            self._put(uuid, now + CHANGED_S)

    def has_snapshot(self, uuid: str) -> bool:
        """Whether the last listing said so."""
        return self._snapshots.get(uuid, False)

    def next(self, now: float, first: Collection[str] = ()) -> str | float:
        """Return who is to be read now, those of ``first`` before others; or the time at which to ask again."""
        while self._queue and self._due.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        if not self._queue:
            return float("inf")
        at = max(self._free_at, self._queue[0][0])
        if at > now:
            return at
        return next((uuid for uuid in first if self._due.get(uuid, now + 1) <= now), self._queue[0][1])

    def took(self, uuid: str, began: float, spent_s: float, pace: float = 1.0) -> None:
        """It was read: that cost ``spent_s`` of the host's time. ``pace`` stretches the pause that follows."""
        self._rest(began, spent_s, pace)
        self._failures.pop(uuid, None)
        if self._due.get(uuid, began + 1) <= began:  # a change meanwhile has put it off to a later time
            self._put(uuid, began + (SNAPSHOTS_AGAIN_S if self.has_snapshot(uuid) else AGAIN_S))

    def failed(self, uuid: str, began: float) -> None:
        """It could not be read."""
        self._rest(began, CALL_MAX_S, 1.0)
        failures = self._failures[uuid] = self._failures.get(uuid, 0) + 1
        if uuid in self._due:
            self._put(uuid, began + min(FAILED_MAX_S, FAILED_S * 2.0 ** min(failures - 1, 20)))

    def _put(self, uuid: str, at: float) -> None:
        self._due[uuid] = at
        heapq.heappush(self._queue, (at, uuid))
        if len(self._queue) > 2 * len(self._due) + 100:
            self._queue = [(due, each) for each, due in self._due.items()]
            heapq.heapify(self._queue)

    def _rest(self, began: float, spent_s: float, pace: float) -> None:
        self._free_at = began + max(pace / PER_S, min(spent_s, CALL_MAX_S) / SHARE)
