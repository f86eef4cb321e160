"""What a look at one VM found."""

from __future__ import annotations

import enum

import msgspec

from kvmtui.model.vm import VmState


class Fact(enum.StrEnum):
    """What a look may tell beyond the state; each costs the host a call or two, so a look is asked for it."""

    AUTOSTART = "autostart"
    SNAPSHOTS = "snapshots"
    JOB = "job"
    AGENT = "agent"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What there is. What nobody asked for, or the host does not tell, is None."""

    at: float
    exists: bool
    state: VmState
    reason: str = ""
    name: str = ""
    autostart: bool | None = None
    snapshots: tuple[str, ...] | None = None
    """Their names."""
    job: str | None = None
    """What libvirt is busy with on it, whoever asked for that ("migration out, 43 %"); "": with nothing."""
    agent: bool | None = None
    """Whether an agent in the guest answers."""
