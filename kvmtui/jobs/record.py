"""The audit record as it stands in a journal, read beside whoever writes it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.guard import anchor, audit
from kvmtui.jobs.store import BUSY_S, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINES = "SELECT seq, CAST(record AS BLOB), CAST(hash AS BLOB) FROM audit WHERE seq >= ? ORDER BY seq"
FIRST = "SELECT min(seq) FROM audit"
PRUNED = """SELECT CAST(record AS BLOB) FROM audit WHERE instr(record, '},"phase":"pruned","pid":')
    ORDER BY seq DESC LIMIT 1"""
"""The newest record that says that older ones were pruned: keys are sorted, so that nothing else has this in it."""
LEAST = -(1 << 63)
"""No record has a lower number, whoever wrote it."""


class Compared(NamedTuple):
    """What anchors say of a record."""

    checked: int = 0
    """Anchors of it, whose records are there as they were."""
    older: int = 0
    """Anchors of records that were pruned since."""
    others: int = 0
    """Anchors of other journals."""
    broken: int | None = None
    """Number of the first record that is gone or is not what was anchored."""
    why: str = ""


@contextlib.contextmanager
def _beside(path: Path, *, at_one_moment: bool = True) -> Iterator[sqlite3.Connection]:
    """Give the journal at ``path``. Raises NotRecordedError if it cannot be read."""
    with refused(path, lambda: 0.0):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a bit may have been changed anywhere
            if at_one_moment:
                connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()


def head(path: Path) -> audit.Head:
    """Return where the record ends. Raises NotRecordedError if the journal cannot be read."""
    with _beside(path) as connection:
        return _head(connection)


def _head(connection: sqlite3.Connection) -> audit.Head:
    row = connection.execute("SELECT seq, hash FROM head").fetchone()
    return audit.Head(*row) if row else audit.Head()


def _start(connection: sqlite3.Connection) -> audit.Head:
    """Return what stands before the first record, as the newest pruning says it."""
    (first,) = connection.execute(FIRST).fetchone()
    found = connection.execute(PRUNED).fetchone() if first not in {None, 1} else None
    return audit.start_of(first, found[0] if found else None)


def verify(path: Path, kept: audit.Head | None = None) -> audit.Verified:
    """Walk along the audit record of the journal at ``path``, beside a worker that writes to it or without one.

    ``kept`` is an end of it that was kept elsewhere: that its tail was cut off since, or all of it written anew, shows
    beside it. Raises NotRecordedError if the journal cannot be read.
    """
    with _beside(path) as connection:
        end = _head(connection)
        found = audit.verify(map(audit.as_kept, connection.execute(LINES, (LEAST,))), end, _start(connection))
        if not found.is_sound or kept is None or kept.seq == 0:
            return found
        why = "" if kept.seq < found.pruned.seq else _differs(connection, kept, found.pruned)
    return found._replace(broken=min(kept.seq, end.seq + 1), why=why) if why else found


def _differs(connection: sqlite3.Connection, kept: audit.Head, pruned: audit.Head) -> str:
    """Return how the record differs from an end that it once had, or ""."""
    if kept.seq == pruned.seq:
        row: tuple[str] | None = (pruned.hash,)
    else:
        row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (kept.seq,)).fetchone()
    if row is None:
        return f"it ends at record {_head(connection).seq}, and {kept.seq} was written once"
    return "" if row[0] == kept.hash else f"record {kept.seq} is not the one whose hash was kept"


def compare(path: Path, lines: Iterable[str]) -> Compared:
    """Hold the anchors in ``lines``, which may stand among other lines of a log, against the record.

    A record only grows, so each is looked up as it is read, and none is kept. Raises NotRecordedError if the journal
    cannot be read.
    """
    of, said = (anchor.machine(), anchor.digest(path)), Compared()
    with _beside(path, at_one_moment=False) as connection:
        pruned = _start(connection)
        for text in lines:
            found = anchor.find(text)
            if found is None:
                continue
            if not found.is_of(*of):
                said = said._replace(others=said.others + 1)
            elif found.head.seq < pruned.seq:
                said = said._replace(older=said.older + 1)
            elif not (why := _differs(connection, found.head, pruned)):
                said = said._replace(checked=said.checked + 1)
            elif said.broken is None or found.head.seq < said.broken:
                said = said._replace(broken=found.head.seq, why=f"{why} (anchored at {found.at})")
    return said


def lines(path: Path, *, newest_first: bool = False, since: int = LEAST) -> Iterator[audit.Line]:
    """Give the records of the journal at ``path`` from number ``since`` on, one by one. Raises NotRecordedError if it
    cannot be read."""
    with _beside(path) as connection:
        yield from map(audit.as_kept, connection.execute(f"{LINES} DESC" if newest_first else LINES, (since,)))
