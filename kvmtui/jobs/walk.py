"""A walk along the audit record, a slice at a time in the journal's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.guard import audit
from kvmtui.jobs.pruning import start_of
from kvmtui.jobs.record import FIRST, LEAST, LINES

if TYPE_CHECKING:
    from kvmtui.jobs.store import Store

SLICE = 2_000
"""Records that are looked at before somebody else has his turn with the journal."""


class Walk:
    """Verifies a record that goes on growing meanwhile, or is pruned: then it begins anew."""

    def __init__(self, most: int = SLICE) -> None:
        """Look at ``most`` records at a time."""
        self.found: audit.Verified | None = None
        """What it found, once it has come to the end, or to what is wrong."""
        self.seen = 0
        """Records that are sound so far."""
        self._most = most
        self._first: tuple[int | None] | None = None
        """Number of the record it began with; None before it did."""
        self._start = self._at = audit.Head()

    def step(self, store: Store) -> bool:
        """Look at some more; return whether it is done. Raises NotRecordedError."""
        (first,) = store.rows(FIRST)[0]
        if self._first != (first,):
            self._first, self._start = (first,), start_of(store)
            self._at = self._start
        start = self._start
        since = LEAST if self._at == start else self._at.seq + 1
        lines = [audit.as_kept(row) for row in store.rows(f"{LINES} LIMIT ?", (since, self._most))]
        is_last = len(lines) < self._most
        end = audit.Head(*store.rows("SELECT seq, hash FROM head")[0]) if is_last else None
        found = audit.verify(lines, end, self._at)
        before = self._at.seq - start.seq
        self.seen = before + found.records
        if not found.is_sound or is_last:
            self.found = found._replace(records=self.seen, pruned=start)
        elif lines:
            self._at = audit.Head(lines[-1].seq, lines[-1].hash)
        return self.found is not None
