"""Something that happened in the fleet, as it was seen."""

from __future__ import annotations

import enum

import msgspec


class EventKind(enum.StrEnum):
    """What kind of thing happened, with its meaning."""

    help: str
    """What it says, for a human."""

    def __new__(cls, word: str, meaning: str = "") -> EventKind:  # noqa: PYI034 - an Enum's is typed so
        kind = str.__new__(cls, word)
        kind._value_ = word
        kind.help = meaning
        return kind

    STARTED = "started", "a VM runs that did not, or goes on where it was saved"
    STOPPED = "stopped", "a VM is shut off, for whatever reason"
    SAVED = "saved", "a VM was stopped with its memory on disk"
    PAUSED = "paused", "a VM's CPUs stand still"
    RESUMED = "resumed", "a VM's CPUs run again"
    SHUTDOWN = "shutdown", "a VM is shutting down"
    SUSPENDED = "suspended", "a guest went to sleep by itself"
    CRASHED = "crashed", "a guest panicked"
    REBOOTED = "rebooted", "a guest began anew, its QEMU runs on"
    MOVED = "moved", "a VM runs on another host than before"
    IOERROR = "ioerror", "a VM's disk gave an error"
    WATCHDOG = "watchdog", "a guest's watchdog was not fed"
    DEFINED = "defined", "a VM's definition was written"
    UNDEFINED = "undefined", "a VM's definition was removed"
    APPEARED = "appeared", "a VM or host is there that was not"
    VANISHED = "vanished", "a VM or host is there no longer"
    LINK_UP = "link up", "a host answers"
    LINK_LOST = "link lost", "a host does not answer any more; its VMs are out of sight"
    NEEDS_YOU = "needs you", "a host waits for a human: its key, a login"
    NO_LIBVIRT = "no libvirt", "a host answers, its libvirt does not"
    TROUBLE = "trouble", "something is wrong from here on"
    OVER = "over", "what was wrong is so no longer, for half a minute at least"
    WATCHING = "watching", "a new worker began to watch; what happened before it, while none did, nobody saw"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event; the field names are column ids and the JSON names of ``kvmtui ls events``."""

    id: str
    """A number that grows with every event."""
    at: float
    """When it was seen, seconds since the epoch of the worker's clock."""
    host: str
    """Name of the host in the config; "" where it concerns the whole fleet."""
    uuid: str = ""
    """Of the VM; "" for an event of the host itself."""
    name: str = ""
    """Of the VM, else of the host."""
    kind: EventKind
    text: str
    """What happened, in words."""
    severity: int = 0
    """How bad it is, as of a VM: 0 nothing, 1 notice, 2 warning, 3 serious, 4 critical."""

    @property
    def key(self) -> str:
        """The address of the row."""
        return self.id
