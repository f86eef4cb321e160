"""How long this console may change things, where the config has all begin read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import UsageError
from kvmtui.text import clean, duration, seconds_of
from kvmtui.wire.messages import Unlock

if TYPE_CHECKING:
    from kvmtui.console.app import Console

USUAL = "15m"
OFFERED = ("5m", USUAL, "1h", "4h", "8h")


class Unlocking:
    """What the worker has said of it; the worker keeps it for this connection, and refuses what comes after."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._until: float | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds until it is read-only again; None: it was not unlocked."""
        return None if self._until is None else max(0.0, self._until - self._console.monotonic())

    def forget(self) -> None:
        """The connection is gone, and with it the unlocking."""
        self._until = None

    def tick(self) -> None:
        """Say it when the time is over."""
        if self.left_s == 0.0:
            self._until = None
            self._say("read-only again: the time is over")

    async def unlock(self, word: str) -> None:
        """Unlock for so long ("15m", "" for the usual time). Raises UsageError, what the worker answers with."""
        seconds = seconds_of(word or USUAL)
        if seconds is None:
            raise UsageError(f"{clean(word, 20)} is no span of time", remedy=f"one of {', '.join(OFFERED)}, 90s …")
        asked = self._console.monotonic()
        access = await self._console.feed.call(Unlock(for_s=seconds))
        self._until = None if access.left_s is None else asked + access.left_s
        told = f"read-write for {duration(access.left_s)}, recorded" if access.left_s else "it is read-write already"
        self._say(told)

    async def lock(self) -> None:
        """Be read-only again. Raises what the worker answers with."""
        await self._console.feed.call(Unlock(for_s=0))
        self._until = None
        self._say("read-only again")

    def _say(self, told: str) -> None:
        self._console.say(told, "notice")
        if self._console.page is not None:
            self._console.page.topline.repaint()
