"""The numbers of libvirt's states, reasons, events in virsh's words."""

from __future__ import annotations

from typing import NamedTuple

import libvirt

from kvmtui.model.vm import VmState

STATES: dict[int, VmState] = {
    libvirt.VIR_DOMAIN_NOSTATE: VmState.UNKNOWN,
    libvirt.VIR_DOMAIN_RUNNING: VmState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: VmState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: VmState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: VmState.IN_SHUTDOWN,
    libvirt.VIR_DOMAIN_SHUTOFF: VmState.OFF,
    libvirt.VIR_DOMAIN_CRASHED: VmState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: VmState.SUSPENDED,
}
"""virDomainState -> state. A Xen VM that is blocked waits for work: it runs."""

_REASONS: dict[int, tuple[str, ...]] = {
    libvirt.VIR_DOMAIN_RUNNING: (
        "",
        "booted",
        "migrated",
        "restored",
        "from snapshot",
        "unpaused",
        "migration canceled",
        "save canceled",
        "event wakeup",
        "crashed",
        "post-copy",
        "post-copy failed",
    ),
    libvirt.VIR_DOMAIN_PAUSED: (
        "",
        "user",
        "migrating",
        "saving",
        "dumping",
        "I/O error",
        "watchdog",
        "from snapshot",
        "shutting down",
        "creating snapshot",
        "crashed",
        "starting up",
        "post-copy",
        "post-copy failed",
        "API error",
    ),
    libvirt.VIR_DOMAIN_SHUTDOWN: ("", "user"),
    libvirt.VIR_DOMAIN_SHUTOFF: (
        "",
        "shutdown",
        "destroyed",
        "crashed",
        "migrated",
        "saved",
        "failed",
        "from snapshot",
        "daemon",
    ),
    libvirt.VIR_DOMAIN_CRASHED: ("", "panicked"),
}
"""virDomainState -> words by virDomain*Reason, as ``virsh domstate --reason`` has them; "" for unknown."""


WATCHDOG_ACTIONS = ("", "paused", "reset", "powered off", "shut down", "debugged", "NMI injected")
"""virDomainEventWatchdogAction -> what was done."""


def word(words: tuple[str, ...], number: int) -> str:
    """Return the word for a number; "" where libvirt is newer than the list."""
    return words[number] if 0 <= number < len(words) else ""


def reason(state: int, number: int) -> str:
    """Return the reason for a state in words; "" where libvirt does not know it."""
    return word(_REASONS.get(state, ()), number)


class Lifecycle(NamedTuple):
    """What a lifecycle event says."""

    kind: str
    details: tuple[str, ...]
    state: VmState | None


LIFECYCLE: dict[int, Lifecycle] = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: Lifecycle("defined", ("added", "updated", "renamed", "from snapshot"), None),
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: Lifecycle("undefined", ("removed", "renamed"), None),
    libvirt.VIR_DOMAIN_EVENT_STARTED: Lifecycle(
        "started", ("booted", "migrated", "restored", "from snapshot", "event wakeup", "recovered"), VmState.RUNNING
    ),
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: Lifecycle(
        "paused",
        (
            "user",
            "migrating",
            "I/O error",
            "watchdog",
            "restored",
            "from snapshot",
            "API error",
            "post-copy",
            "post-copy failed",
        ),
        VmState.PAUSED,
    ),
    libvirt.VIR_DOMAIN_EVENT_RESUMED: Lifecycle(
        "resumed", ("unpaused", "migrated", "from snapshot", "post-copy", "post-copy failed"), VmState.RUNNING
    ),
    libvirt.VIR_DOMAIN_EVENT_STOPPED: Lifecycle(
        "stopped",
        ("shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "recreated"),
        VmState.OFF,
    ),
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: Lifecycle("shutdown", ("", "by the guest", "by the host"), VmState.IN_SHUTDOWN),
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: Lifecycle("suspended", ("to memory", "to disk"), VmState.SUSPENDED),
    libvirt.VIR_DOMAIN_EVENT_CRASHED: Lifecycle("crashed", ("panicked", "crash dump loaded"), VmState.CRASHED),
}
"""virDomainEventType -> what it says; details by the event's virDomainEvent*DetailType."""


def lifecycle(event: int, detail: int) -> tuple[str, str, VmState | None]:
    """Return (kind, detail in words, state after it) of a lifecycle event.

    The state is None where the event does not tell: stopped because it was saved may leave a managed image or not.
    """
    if event not in LIFECYCLE:
        return "changed", "", None
    kind, details, state = LIFECYCLE[event]
    words = word(details, detail)
    if kind == "stopped" and words == "saved":
        state = None
    return kind, words, state
