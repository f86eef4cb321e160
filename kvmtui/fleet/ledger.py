"""The newest of the audit record, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.fleet.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.model.audit import AuditRow

ROWS_MAX = 10_000
"""Records that are kept at hand; all of them are in the journal."""


class Said(NamedTuple):
    """What is to be said of the record as a whole."""

    text: str = ""
    severity: int = 0


class Ledger:
    """Records by number, the oldest first. Belongs to the loop of its fleet."""

    def __init__(self, most: int = ROWS_MAX) -> None:
        """Keep the newest ``most``."""
        self.rows: dict[str, AuditRow] = {}
        self.changes: Changes[str] = Changes()
        self.most = most
        self.last = 0
        """Number of the newest."""
        self.said = Said()

    def take(self, rows: Iterable[AuditRow], first: int, last: int) -> None:
        """Add ``rows``, which follow those that are there; the journal has the records ``first`` to ``last`` now.

        A journal that ends earlier than what was seen of it is another one: nothing of the old one stays.
        """
        if last < self.last:
            self._drop(list(self.rows))
        for row in rows:
            self.rows[row.id] = row
            self.changes.mark(row.id)
            self.last = int(row.id)
        least = max(first, self.last - self.most + 1)
        gone: list[str] = []
        for ident in self.rows:
            if int(ident) >= least:
                break
            gone.append(ident)
        self._drop(gone)

    def _drop(self, idents: list[str]) -> None:
        for ident in idents:
            del self.rows[ident]
            self.changes.mark(ident)
        if not self.rows:
            self.last = 0
        self.changes.prune(self.rows, len(self.rows))
