"""The tamper-evident record of what was done: an append-only chain of hashes.

A record is one line of canonical JSON (UTF-8, keys sorted, no spaces, nothing that is empty). Its hash is SHA-256 over
the hash before it, a newline and that line, so a changed, removed, added or moved record breaks the chain there. A tail
that was cut off shows only beside a head that was kept elsewhere. The oldest records may be pruned: a record says so,
and what the hash before the first of those that are left is.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.guard.secrets import masked, without

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
PRUNED = "pruned"
"""Phase: the oldest records were removed, on purpose: ``parameters`` say how many (``records``), up to which
(``through``), its hash (``hash``), when that was written (``until``)."""
UNLOCKED = "unlocked"
"""Phase: somebody may change things for a while, where the config has all begin read-only."""
LOCKED = "locked"
"""Phase: and not any more, before the time was over."""
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


def as_kept(row: tuple[int, bytes, bytes]) -> Line:
    """Return a row of the journal as a line: in each of its texts any bit may have been changed."""
    return Line(row[0], row[1], row[2].decode("utf-8", "replace"))


class Verified(NamedTuple):
    """What a walk along the chain found."""

    records: int
    """Records that were sound, up to the end or the first that is not."""
    broken: int | None = None
    """Number of the first record that is wrong or missing."""
    why: str = ""
    pruned: Head = Head()
    """The last record before them: it, and all before it, were pruned."""

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


def pruning(who: ClientId, at: float, records: int, last: Head, until: str) -> Record:
    """Return the record that says that the oldest ``records`` were removed, of which ``last`` was the end."""
    told: dict[str, str | int | bool] = {"records": records, "through": last.seq, "hash": last.hash, "until": until}
    return msgspec.structs.replace(
        by(who, PRUNED, at), parameters=told, text=f"pruned the records up to {last.seq}, written until {until}"
    )


def pruned_at(line: bytes) -> Head | None:
    """Return where a record that says so begins the chain anew; None for any other."""
    try:
        record = msgspec.json.decode(line, type=Record)
    except msgspec.DecodeError:
        return None
    through, digest_of_it = record.parameters.get("through"), record.parameters.get("hash")
    if record.phase != PRUNED or type(through) is not int or not isinstance(digest_of_it, str):
        return None
    return Head(through, digest_of_it)


def start_of(first: int | None, pruning: bytes | None) -> Head:
    """Return what stands before a chain whose first record is number ``first``: where the newest ``pruning`` says that
    it begins; the beginning of all where nothing is missing, or nothing says so."""
    found = pruned_at(pruning) if pruning is not None and first not in {None, 1} else None
    return found or Head()


def chain(record: Record, head: Head) -> Line:
    """Return ``record`` as the next line after ``head``, without the secrets that its parameters or words may tell."""
    seq = head.seq + 1
    kept = msgspec.structs.replace(
        record, seq=seq, parameters=masked(record.parameters), text=without(record.text), words=without(record.words)
    )
    line = msgspec.json.encode(kept, order="sorted")
    return Line(seq, line, digest(head.hash, line))


def digest(previous: str, line: bytes) -> str:
    """Return the hash of a line after the hash before it, 64 hex digits."""
    return hashlib.sha256(b"%s\n%s" % (previous.encode(), line)).hexdigest()


def verify(lines: Iterable[Line], head: Head | None = None, start: Head | None = None) -> Verified:
    """Walk along a chain and name the first record that is wrong or missing.

    ``head`` is where the chain is known to end, ``start`` what is known to stand before its first line.
    """
    at = begun = start or Head()
    for line in lines:
        due = at.seq + 1
        if why := _wrong(line, at):
            return Verified(at.seq - begun.seq, due, why, begun)
        at = Head(line.seq, line.hash)
    sound = Verified(at.seq - begun.seq, pruned=begun)
    if head is None or at == head:
        return sound
    if at.seq == head.seq:
        return sound._replace(broken=at.seq, why=f"record {at.seq} is not the one that was written")
    wrong = min(at.seq, head.seq) + 1
    return sound._replace(broken=wrong, why=f"the chain ends at record {at.seq}, it should end at {head.seq}")


def _wrong(line: Line, before: Head) -> str:
    """Return what is wrong with a record behind ``before``, or ""."""
    due = before.seq + 1
    if line.seq != due:
        return f"record {due} is missing: {line.seq} stands in its place"
    if digest(before.hash, line.record) != line.hash:
        return f"record {due} is not what was written, or not after what it followed"
    if _own_number(line.record) != due:
        return f"record {due} says another number of itself"
    return ""


class _Numbered(msgspec.Struct, gc=False):
    seq: int = 0


def _own_number(line: bytes) -> int:
    try:
        return msgspec.json.decode(line, type=_Numbered).seq
    except msgspec.DecodeError:
        return -1
