"""A record of what was done, as a row."""

from __future__ import annotations

import msgspec


class AuditRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record; the field names are column ids and the JSON names of ``kvmtui ls audit``."""

    id: str
    """Its number, which grows by one with each."""
    at: float
    """When it was written, seconds since the epoch of the worker's clock; 0 where that cannot be read."""
    user: str = ""
    uid: int = -1
    pid: int = 0
    origin: str = ""
    """Where the user came from, as claimed."""
    phase: str = ""
    verb: str = ""
    name: str = ""
    """Of the VM."""
    host: str = ""
    uuid: str = ""
    outcome: str = ""
    text: str = ""
    """What happened, in words."""
    words: str = ""
    """libvirt's own."""
    job: str = ""
    step: int | None = None
    plan: str = ""
    parameters: str = ""
    """"name=value" of each, those that look like secrets masked."""
    duration_s: float | None = None
    hash: str = ""
    severity: int = 0
    """How bad it is, as of a VM: 1 about the record itself, 3 failed, unknown, or cannot be read."""

    @property
    def key(self) -> str:
        """The address of the row."""
        return self.id
