"""Pruning: the oldest of the audit record goes, the chain says so."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.guard import audit
from kvmtui.guard.client import this_process
from kvmtui.jobs.record import FIRST, LEAST, LINES, PRUNED
from kvmtui.jobs.store import Change

if TYPE_CHECKING:
    from kvmtui.jobs.store import Store

SLICE = 2_000
"""Most records that go at once: what is begun meanwhile waits for them."""
GRACE_S = 86_400.0
"""How much older than it may be the oldest record gets before something is pruned: each time adds a record."""


class Pruned(NamedTuple):
    """What became of a pruning."""

    records: int
    """That were removed; as many as SLICE: there may be more to remove."""
    why: str = ""
    """Why nothing may be removed: what would go is not sound."""


class _Written(msgspec.Struct, gc=False):
    at: str = ""


def prune(store: Store, keep_s: float, now: float, most: int = SLICE) -> Pruned:
    """Remove up to ``most`` records older than ``keep_s``, with the record of it in the same transaction.

    Nothing goes that is not sound: it would be evidence. Raises NotRecordedError.
    """
    limit, due = audit.stamp(now - keep_s), audit.stamp(now - keep_s - GRACE_S)
    if not any(_at(line) < due for line in _oldest(store, 1)):
        return Pruned(0)
    lines = _oldest(store, most)
    old = list(takewhile(lambda line: _at(line) < limit, lines))
    start = start_of(store)
    found = audit.verify(old, start=start)
    if not found.is_sound:
        return Pruned(0, found.why)
    last = old[-1]
    record = audit.pruning(this_process(), now, len(old), audit.Head(last.seq, last.hash), _at(last))
    store.write([Change((("DELETE FROM audit WHERE seq <= ?", [(last.seq,)]),), (record,))])
    return Pruned(len(old))


def _oldest(store: Store, most: int) -> list[audit.Line]:
    return [audit.as_kept(row) for row in store.rows(f"{LINES} LIMIT ?", (LEAST, most))]


def start_of(store: Store) -> audit.Head:
    """Return what stands before the first record, as the newest pruning says it."""
    (first,) = store.rows(FIRST)[0]
    found = store.rows(PRUNED) if first not in {None, 1} else []
    return audit.start_of(first, found[0][0] if found else None)


def _at(line: audit.Line) -> str:
    """Return when a record was written; one that cannot be read is as old as can be: verifying it tells."""
    try:
        return msgspec.json.decode(line.record, type=_Written).at
    except msgspec.DecodeError:
        return ""
