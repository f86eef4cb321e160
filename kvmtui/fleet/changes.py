"""Which rows changed since a reader last looked."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Container, Hashable

K = TypeVar("K", bound="Hashable")


class Changes(Generic[K]):
    """A log of keys in the order of their latest change, each key in it once.

    Any number of readers remember a revision of their own; asking costs what changed, not what there is.
    """

    SLACK = 1_024
    """Keys of rows that are gone which are kept on top of those of rows that are there."""

    def __init__(self) -> None:
        self.revision = 0
        self._forgotten = 0
        self._latest: dict[K, int] = {}

    def mark(self, key: K) -> None:
        """Note that the row of ``key`` changed, came or went."""
        self._latest.pop(key, None)
        self.revision += 1
        self._latest[key] = self.revision

    def since(self, revision: int) -> list[K] | None:
        """Return the keys that changed after ``revision``, the latest first; None: too long ago, read everything."""
        if revision < self._forgotten:
            return None
        newer = takewhile(lambda item: item[1] > revision, reversed(self._latest.items()))
        return [key for key, _ in newer]

    def prune(self, living: Container[K], count: int) -> None:
        """Drop the keys of rows that are gone, once they outnumber the ``count`` living ones."""
        if len(self._latest) <= 2 * count + self.SLACK:
            return
        gone = [key for key in self._latest if key not in living]
        for key in gone:
            self._forgotten = max(self._forgotten, self._latest.pop(key))
