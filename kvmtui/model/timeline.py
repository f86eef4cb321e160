"""What happened to a thing, from all that tells of it, on one line of time."""

from __future__ import annotations

import enum

import msgspec


class Source(enum.StrEnum):
    """Who tells it."""

    EVENT = "event"
    """The worker saw it happen."""
    TASK = "task"
    """A job of the worker did it, or tried to."""
    AUDIT = "audit"
    """The record of who asked for what."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened."""

    at: float
    """Seconds since the epoch, of the worker's clock."""
    source: Source
    severity: int = 0
    """0 nothing, 1 notice, 2 warning, 3 serious, 4 critical."""
    who: str = ""
    """The user who asked for it; "" where nobody did, as far as we know."""
    host: str = ""
    name: str = ""
    """The VM, else the host; "" where it concerns more than one."""
    text: str
    """What happened, in words."""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entries, the newest first."""

    entries: tuple[Entry, ...]
    events_since: float
    """From when on all that was seen of it is told."""
    is_whole: bool = True
    """Whether nothing older was left out."""
    journal: str = ""
    """Why tasks and audit are missing, or ""."""
    now: float = 0.0
    """The worker's clock."""
