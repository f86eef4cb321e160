"""Anchors: the end of the record as one line, which is kept where the record is not."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.guard.audit import Head

if TYPE_CHECKING:
    from pathlib import Path

IDENTIFIER = "kvmtui"
"""What log daemons call who sent it (``journalctl -t kvmtui``)."""
FACILITY, SEVERITY = 10, 5
"""syslog's authpriv, notice."""

_LINE = re.compile(
    r"kvmtui audit anchor seq=(\d{1,15}) hash=([0-9a-f]{64}) at=([0-9TZ:.+-]{1,40})"
    r" host=(\S{1,255}) journal=([0-9a-f]{16})(?![0-9a-f])"
)


class Anchor(NamedTuple):
    """Where a record ended, and whose it is."""

    head: Head
    at: str
    """When it was so, as the record writes times."""
    host: str
    """Name of the machine the worker runs on."""
    journal: str
    """Digest of the journal's path there, 16 hex digits."""

    def is_of(self, host: str, journal: str) -> bool:
        """Return whether it is of that record."""
        return (self.host, self.journal) == (host, journal)


def digest(journal: Path) -> str:
    """Return what anchors call the journal at that path."""
    return hashlib.sha256(os.fsencode(journal.absolute())).hexdigest()[:16]


def machine() -> str:
    """Return what anchors call this machine."""
    return re.sub(r"\s", "_", os.uname().nodename)[:255] or "unnamed"


def line(anchor: Anchor) -> str:
    """Return an anchor as the line that is sent."""
    head = anchor.head
    return (
        f"kvmtui audit anchor seq={head.seq} hash={head.hash} at={anchor.at} host={anchor.host}"
        f" journal={anchor.journal}"
    )


def find(text: str) -> Anchor | None:
    """Return the anchor in a line of a log, whatever stands around it; None if there is none."""
    found = _LINE.search(text)
    return None if found is None else Anchor(Head(int(found[1]), found[2]), found[3], found[4], found[5])


def for_syslog(anchor: Anchor, pid: int, local: str) -> bytes:
    """Return it as a datagram for a syslog daemon's local socket (RFC 3164 as libc's syslog() writes it: priority,
    local time as "Nov 25 14:03:22", identifier, process)."""
    return f"<{FACILITY * 8 + SEVERITY}>{local} {IDENTIFIER}[{pid}]: {line(anchor)}".encode()


def for_journald(anchor: Anchor, pid: int) -> bytes:
    """Return it as a datagram for journald's own socket, with its parts as fields."""
    fields = {
        "MESSAGE": line(anchor),
        "PRIORITY": SEVERITY,
        "SYSLOG_FACILITY": FACILITY,
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "SYSLOG_PID": pid,
        "KVMTUI_SEQ": anchor.head.seq,
        "KVMTUI_HASH": anchor.head.hash,
        "KVMTUI_JOURNAL": anchor.journal,
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()
