"""How many steps may be under way at once."""

from __future__ import annotations

from collections import Counter


class Window:
    """A sliding window: at most ``overall`` steps at once, at most ``per_host`` of them on one host."""

    def __init__(self, per_host: int = 1, overall: int = 1) -> None:
        self.per_host = per_host
        self.overall = overall
        self._by_host: Counter[str] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """How many are under way."""
        return self._total

    @property
    def is_full(self) -> bool:
        """Whether not one more fits."""
        return self._total >= self.overall

    def has_room(self, host: str) -> bool:
        """Whether one more fits, on this host."""
        return not self.is_full and self._by_host[host] < self.per_host

    def enter(self, host: str) -> None:
        """One more is under way."""
        self._by_host[host] += 1
        self._total += 1

    def leave(self, host: str) -> None:
        """One has ended."""
        self._by_host[host] -= 1
        self._total -= 1
        if not self._by_host[host]:
            del self._by_host[host]
