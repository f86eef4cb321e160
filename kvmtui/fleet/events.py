"""The log of what happened, bounded as a whole as for each VM or host."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui.fleet.changes import Changes
from kvmtui.model.event import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable

EVENTS_MAX = 20_000
"""Events that are kept."""
SUBJECT_MAX = 500
"""Events of one VM, or of one host itself, that are kept: what flaps must not push out what others did."""
REPEAT_S = 60.0
"""How long the same of the same VM is not told again, where nothing else of it came between."""


class EventLog:
    """Events by id, the oldest first. Whoever flaps loses its own oldest; then the oldest of all go."""

    def __init__(self, since: float, most: int = EVENTS_MAX, most_of_one: int = SUBJECT_MAX) -> None:
        """Begin empty at ``since``; keep ``most`` events, ``most_of_one`` of one VM or of one host itself."""
        self.rows: dict[str, Event] = {}
        self.changes: Changes[str] = Changes()
        self.since = since
        """From when on it tells all that was seen; of a VM or host that flapped since_of() may be later."""
        self._of: dict[str, deque[str]] = {}
        self._number = 0
        self._most = most
        self._most_of_one = most_of_one

    def add(
        self, at: float, host: str, kind: EventKind, text: str, *, uuid: str = "", name: str = "", severity: int = 0
    ) -> None:
        """Note what happened to a VM, to a host (``uuid`` ""), or to the fleet (``host`` "" too)."""
        subject = uuid or host
        latest = self._of.get(subject)
        if latest:
            last = self.rows[latest[-1]]
            if (last.kind, last.text, last.host) == (kind, text, host) and 0 <= at - last.at < REPEAT_S:
                return
        self._number += 1
        self._put(
            Event(
                id=str(self._number),
                at=at,
                host=host,
                uuid=uuid,
                name=name or host,
                kind=kind,
                text=text,
                severity=severity,
            )
        )

    def _put(self, event: Event) -> None:
        subject = event.uuid or event.host
        ids = self._of.setdefault(subject, deque())
        ids.append(event.id)
        self.rows[event.id] = event
        self.changes.mark(event.id)
        if len(ids) > self._most_of_one:
            self._drop(ids.popleft())
        elif len(self.rows) > self._most:
            oldest = self.rows[next(iter(self.rows))]
            self.since = max(self.since, oldest.at)
            subject = oldest.uuid or oldest.host
            ids = self._of[subject]
            self._drop(ids.popleft())
            if not ids:
                del self._of[subject]

    def _drop(self, event: str) -> None:
        del self.rows[event]
        self.changes.mark(event)
        self.changes.prune(self.rows, len(self.rows))

    # --- asked -------------------------------------------------------------------------------------------------

    def newest(self, limit: int) -> list[Event]:
        """Return the newest events, the newest first."""
        return _newest(reversed(self.rows.values()), limit)

    def on_host(self, host: str, limit: int) -> list[Event]:
        """Return the newest events of a host, those of its VMs and those of the fleet, the newest first."""
        return _newest((event for event in reversed(self.rows.values()) if event.host in {host, ""}), limit)

    def of_vm(self, host: str, uuid: str, limit: int) -> list[Event]:
        """Return the newest events of a VM, of the hosts it was on, and of the fleet, the newest first."""
        own = self._events(uuid)
        found = [*own, *(event for name in {host, "", *(event.host for event in own)} for event in self._events(name))]
        return _newest(sorted(found, key=_order, reverse=True), limit)

    def since_of(self, subject: str) -> float:
        """Return from when on all is told of a VM (its UUID) or of a host itself (its name)."""
        ids = self._of.get(subject)
        return max(self.since, self.rows[ids[0]].at) if ids and len(ids) == self._most_of_one else self.since

    def _events(self, subject: str) -> list[Event]:
        return [self.rows[event] for event in self._of.get(subject, ())]

    # --- over the life of one worker ---------------------------------------------------------------------------

    def restore(self, events: Iterable[Event], since: float) -> None:
        """Begin with what an earlier worker saw, the oldest first; what was added meanwhile comes behind it."""
        self.since = since
        later = list(self.rows.values())
        self._of.clear()
        for event in later:
            self._drop(event.id)
        for event in (*events, *later):
            self._number += 1
            self._put(replace(event, id=str(self._number)))


def _newest(events: Iterable[Event], limit: int) -> list[Event]:
    """Return the first of ``events``, which come the last noted first, in the order in which they happened."""
    return sorted(islice(events, max(0, limit)), key=_order, reverse=True)


def _order(event: Event) -> tuple[float, int]:
    return event.at, int(event.id)
