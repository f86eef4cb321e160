"""The audit record as it stands in a journal, read beside whoever writes it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from kvmtui.guard import audit
from kvmtui.jobs.store import BUSY_S, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINES = "SELECT seq, CAST(record AS BLOB), hash FROM audit ORDER BY seq"
_NEWEST = "SELECT seq, CAST(record AS BLOB), hash FROM audit ORDER BY seq DESC"


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[sqlite3.Connection]:
    """Give the journal at ``path`` as it is at one moment. Raises NotRecordedError if it cannot be read."""
    with refused(path, lambda: 0.0):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a bit may have been changed anywhere
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


def verify(path: Path, kept: audit.Head | None = None) -> audit.Verified:
    """Walk along the audit record of the journal at ``path``, beside a worker that writes to it or without one.

    ``kept`` is an end of it that was kept elsewhere: that its tail was cut off since, or all of it written anew, shows
    beside it. Raises NotRecordedError if the journal cannot be read.
    """
    with _beside(path) as connection:
        end = _head(connection)
        found = audit.verify((audit.Line(*line) for line in connection.execute(_LINES)), end)
        if not found.is_sound or kept is None or kept.seq == 0:
            return found
        row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (kept.seq,)).fetchone()
    if row is None:
        return found._replace(broken=end.seq + 1, why=f"it ends at record {end.seq}, and {kept.seq} was written once")
    if row[0] != kept.hash:
        return audit.Verified(kept.seq - 1, kept.seq, f"record {kept.seq} is not the one whose hash was kept")
    return found


def lines(path: Path, *, newest_first: bool = False) -> Iterator[audit.Line]:
    """Give all records of the journal at ``path``, one by one. Raises NotRecordedError if it cannot be read."""
    with _beside(path) as connection:
        for line in connection.execute(_NEWEST if newest_first else _LINES):
            yield audit.Line(*line)
