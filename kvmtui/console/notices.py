"""What is said over the last line: for a moment, or where it is bad until somebody has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOTICE_S = 6.0
"""How long something stays that nobody need act on."""
FAILURE_S = 60.0
"""How long something stays that somebody should read; esc takes it away."""
_STAYS = frozenset({"warn", "bad"})
"""Roles of what should be read."""


class Notice(NamedTuple):
    """One thing that is said."""

    text: str
    role: str
    until: float
    more: tuple[str, ...] = ()
    """Further lines."""


class Notices:
    """The one thing that is said now; what comes later takes its place."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.current: Notice | None = None
        self._monotonic = monotonic

    def say(self, text: str, role: str, more: Sequence[str] = ()) -> None:
        """Say something; how bad it is stands in its role. ``more`` are further lines."""
        until = self._monotonic() + (FAILURE_S if role in _STAYS else NOTICE_S)
        self.current = Notice(text, role, until, tuple(more))

    def dismiss(self) -> bool:
        """Take away what stays until it was read; return whether there was such a thing."""
        if self.current is None or self.current.role not in _STAYS:
            return False
        self.current = None
        return True

    def expire(self) -> None:
        """Take away what has been there long enough."""
        if self.current is not None and self._monotonic() >= self.current.until:
            self.current = None
