"""What is said over the last line: for a moment, or where it is bad until somebody has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOTICE_S = 6.0
"""How long something stays that nobody need act on."""
SEEN_S = 1.0
"""What was there for so long was seen, and goes with the next key."""
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
    stays: bool = False
    """Until somebody has read it."""


class Notices:
    """The one thing that is said now; what comes later takes its place."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.current: Notice | None = None
        self._monotonic = monotonic

    def say(self, text: str, role: str, more: Sequence[str] = (), *, stays: bool | None = None) -> None:
        """Say something; how bad it is stands in its role, which decides whether it stays if ``stays`` does not.

        ``more`` are further lines.
        """
        stays = role in _STAYS if stays is None else stays
        until = self._monotonic() + (FAILURE_S if stays else NOTICE_S)
        self.current = Notice(text, role, until, tuple(more), stays)

    def dismiss(self) -> bool:
        """Take away what stays until it was read; return whether there was such a thing."""
        if self.current is None or not self.current.stays:
            return False
        self.current = None
        return True

    def fade(self) -> bool:
        """Somebody goes on: take away what nobody need act on and was there long enough to be seen; of what stays, keep
        one line. Return whether that changes what is said."""
        notice = self.current
        if notice is None:
            return False
        if notice.stays and notice.more:
            text = f"{notice.text} · {len(notice.more)} in all: kvmtui check tells them"
            self.current = notice._replace(text=text, more=())
        elif not notice.stays and notice.until - self._monotonic() < NOTICE_S - SEEN_S:
            self.current = None
        return self.current is not notice

    def expire(self) -> None:
        """Take away what has been there long enough."""
        if self.current is not None and self._monotonic() >= self.current.until:
            self.current = None
