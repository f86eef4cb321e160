"""The VMs that are marked, by UUID, wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def uuid_of(key: str) -> str:
    """Return the UUID in the key of a VM's row."""
    return key.rpartition("/")[2]


class Marks:
    """What is marked, what was marked before that, and a range that is being drawn. Knows no terminal and no worker."""

    def __init__(self) -> None:
        self.uuids: dict[str, None] = {}
        """In the order in which they were marked."""
        self.anchor = ""
        """Key of the row at which a range begins that is being drawn; "" while none is."""
        self._before: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self.uuids)

    def __contains__(self, key: str) -> bool:
        """Whether the VM of a row is marked."""
        return uuid_of(key) in self.uuids

    def toggle(self, key: str) -> bool:
        """Mark a row, or unmark it; return whether it is marked now."""
        uuid = uuid_of(key)
        if uuid in self.uuids:
            del self.uuids[uuid]
            return False
        self.uuids[uuid] = None
        return True

    def add(self, keys: Iterable[str]) -> int:
        """Mark rows; return how many were not marked before."""
        before = len(self.uuids)
        self.uuids |= dict.fromkeys(map(uuid_of, keys))
        return len(self.uuids) - before

    def take_away(self) -> None:
        """Unmark all; they can be brought back."""
        self._before, self.uuids = self.uuids, {}

    def bring_back(self) -> bool:
        """Mark again what was taken away last; return whether there was anything."""
        self.uuids |= self._before
        found, self._before = bool(self._before), {}
        return found
