"""The tamper-evident record of what was done: an append-only chain of hashes.

A record is one line of canonical JSON (UTF-8, keys sorted, no spaces, nothing that is empty). Its hash is SHA-256 over
the hash before it, a newline and that line, so a changed, removed, added or moved record breaks the chain there. A tail
that was cut off shows only beside a head that was kept elsewhere.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.guard.client import ClientId

GENESIS = "0" * 64
"""What stands for the hash before the first record."""

SUBMITTED = "submitted"
"""Phase: a job was confirmed."""
INTENT = "intent"
"""Phase: an act is about to leave. Closed by the OUTCOME of the same job and step."""
OUTCOME = "outcome"
"""Phase: how an act ended: done, failed, unknown, or skipped if it never left."""
VERIFIED = "verified"
"""Phase: what a later look made of an unknown outcome."""
ABORTED = "aborted"
"""Phase: somebody stopped a job for good."""
PAUSED = "paused"
"""Phase: somebody let a job begin nothing more for now."""
RESUMED = "resumed"
"""Phase: somebody let a job that waited go on."""
CHANGED = "changed"
"""Phase: somebody gave a job other limits."""
NOTE = "note"
"""Phase: something about the record itself (begun anew, a gap)."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of the record. ``seq`` is given when it is written."""

    phase: str
    at: str
    """When, UTC, to the millisecond."""
    user: str
    uid: int
    pid: int
    seq: int = 0
    origin: str = ""
    """Where the user came from, as claimed."""
    job: str = ""
    step: int | None = None
    host: str = ""
    uuid: str = ""
    name: str = ""
    verb: str = ""
    parameters: dict[str, str | int | bool] = {}
    plan: str = ""
    """Id of the plan it was confirmed under."""
    outcome: str = ""
    text: str = ""
    words: str = ""
    """libvirt's own words."""
    duration_ms: int | None = None


class Head(NamedTuple):
    """The end of a chain."""

    seq: int = 0
    hash: str = GENESIS


class Line(NamedTuple):
    """A record as it is kept."""

    seq: int
    record: bytes
    hash: str


class Verified(NamedTuple):
    """What a walk along the chain found."""

    records: int
    """Records that were sound, up to the end or the first that is not."""
    broken: int | None = None
    """Number of the first record that is wrong or missing."""
    why: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return self.broken is None


def stamp(at: float) -> str:
    """Return seconds since the epoch as the record writes them ("2026-11-21T03:12:31.250Z")."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def by(who: ClientId, phase: str, at: float) -> Record:
    """Return the beginning of a record: who did it, and when."""
    return Record(phase=phase, at=stamp(at), user=who.user, uid=who.uid, pid=who.pid, origin=who.origin)


def chain(record: Record, head: Head) -> Line:
    """Return ``record`` as the next line after ``head``."""
    seq = head.seq + 1
    line = msgspec.json.encode(msgspec.structs.replace(record, seq=seq), order="sorted")
    return Line(seq, line, digest(head.hash, line))


def digest(previous: str, line: bytes) -> str:
    """Return the hash of a line after the hash before it, 64 hex digits."""
    return hashlib.sha256(b"%s\n%s" % (previous.encode(), line)).hexdigest()


def verify(lines: Iterable[Line], head: Head | None = None, start: Head | None = None) -> Verified:
    """Walk along a chain and name the first record that is wrong or missing.

    ``head`` is where the chain is known to end, ``start`` what is known to stand before its first line.
    """
    at = start or Head()
    begun = at.seq
    for line in lines:
        due = at.seq + 1
        if line.seq != due:
            return Verified(at.seq - begun, due, f"record {due} is missing: {line.seq} stands in its place")
        if digest(at.hash, line.record) != line.hash:
            return Verified(at.seq - begun, due, f"record {due} is not what was written, or not after what it followed")
        if _own_number(line.record) != due:
            return Verified(at.seq - begun, due, f"record {due} says another number of itself")
        at = Head(line.seq, line.hash)
    if head is not None and at != head:
        if at.seq == head.seq:
            return Verified(at.seq - begun, at.seq, f"record {at.seq} is not the one that was written")
        wrong = min(at.seq, head.seq) + 1
        return Verified(at.seq - begun, wrong, f"the chain ends at record {at.seq}, it should end at {head.seq}")
    return Verified(at.seq - begun)


class _Numbered(msgspec.Struct, gc=False):
    seq: int = 0


def _own_number(line: bytes) -> int:
    try:
        return msgspec.json.decode(line, type=_Numbered).seq
    except msgspec.DecodeError:
        return -1
