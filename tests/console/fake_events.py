"""What happened in the fleet of the fake worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.model.event import Event, EventKind
from kvmtui.model.job import Job, JobState
from kvmtui.model.timeline import Entry, Source, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.wire.messages import GetTimeline

_HAPPENED = (
    (90_100, "", 0, EventKind.WATCHING, "kvmtui's worker began to watch", 0),
    (90_000, "kvm1", 0, EventKind.LINK_UP, "answers", 0),
    (90_000, "kvm2", 0, EventKind.LINK_UP, "answers", 0),
    (7_200, "kvm1", 1, EventKind.STARTED, "shut off → running: booted", 0),
    (600, "kvm8", 0, EventKind.NEEDS_YOU, "needs you: host key unknown", 3),
    (300, "kvm2", 3, EventKind.MOVED, "kvm1 → kvm2", 0),
    (241, "kvm2", 5, EventKind.IOERROR, "I/O error vda: no space left (pool nvme 100 %)", 3),
    (240, "kvm2", 5, EventKind.PAUSED, "running → paused: I/O error vda: no space left (pool nvme 100 %)", 3),
    (125, "kvm7", 0, EventKind.LINK_LOST, "lost: no answer · 1 running VM out of sight", 3),
    (60, "kvm1", 7, EventKind.TROUBLE, "steal 31 %: its host has too little CPU", 2),
)
"""Age, host, number of the VM or 0, kind, words, severity; the oldest first."""


def some_events(now: float, names: dict[int, str]) -> list[Event]:
    """Return what happened to VMs of these names by number, and to their hosts."""
    return [
        Event(
            id=str(number),
            at=now - age,
            host=host,
            uuid=f"00000000-0000-4000-8000-{vm:012d}" if vm else "",
            name=names[vm] if vm else host,
            kind=kind,
            text=text,
            severity=severity,
        )
        for number, (age, host, vm, kind, text, severity) in enumerate(_HAPPENED, 1)
    ]


def some_timeline(
    request: GetTimeline, events: Sequence[Event], jobs: Sequence[Job], name: str, now: float
) -> Timeline:
    """Return what happened to the VM of that name, to a host (``name`` ""), or to all."""
    told = [
        Entry(
            at=event.at,
            source=Source.EVENT,
            severity=event.severity,
            host=event.host,
            name=event.name,
            text=f"moved: {event.text}" if event.kind is EventKind.MOVED else event.text,
        )
        for event in events
        if (not request.host or event.host in {request.host, ""})
        and (not request.uuid or not event.uuid or event.uuid == request.uuid)
    ]
    for job in jobs:
        if name and job.subject != name:
            continue
        title = VERBS[job.verb].title if job.verb in VERBS else job.verb
        told.append(
            Entry(
                at=job.started,
                source=Source.AUDIT,
                who=job.by,
                text=f"asked for {title}: {job.subject} · task {job.id}",
            )
        )
        told.append(
            Entry(
                at=job.started if job.ended is None else job.ended,
                source=Source.TASK,
                severity=3 if job.state is JobState.FAILED else 0,
                who=job.by,
                text=f"{job.text or f'{title} {job.state.value}'} · task {job.id}",
            )
        )
    told.sort(key=lambda entry: -entry.at)
    return Timeline(
        entries=tuple(told[: max(1, request.limit)]),
        events_since=now - 90_100,
        is_whole=len(told) <= request.limit,
        now=now,
    )
