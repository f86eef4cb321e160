"""How many steps may be under way at once."""

from __future__ import annotations

from collections import Counter

OVERALL = 8
"""Steps under way at once, of all jobs together."""


class Window:
    """A sliding window: at most OVERALL steps at once, at most ``per_host`` of them on one host."""

    def __init__(self, per_host: int = 1) -> None:
        self.per_host = per_host
        self._by_host: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether not one more fits."""
        return self._by_host.total() >= OVERALL

    def has_room(self, host: str) -> bool:
        """Whether one more fits, on this host."""
        return not self.is_full and self._by_host[host] < self.per_host

    def enter(self, host: str) -> None:
        """One more is under way."""
        self._by_host[host] += 1

    def leave(self, host: str) -> None:
        """One has ended."""
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
