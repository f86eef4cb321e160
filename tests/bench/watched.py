"""A full-screen program on a pty whose screen is read along."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

from tests.bench.screen import Screen
from tests.bench.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Watched(Terminal):
    """A terminal that says what it shows, and since when."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], columns: int = 120, rows: int = 40) -> None:
        self.screen = Screen(columns, rows)
        self.count = 0
        """Bytes read so far."""
        self.last_at = time.monotonic()
        """When the last of them were read."""
        super().__init__(command, env, columns, rows)

    def _take(self) -> int:
        before = len(self.received)
        got = super()._take()
        if got:
            self.last_at = time.monotonic()
            self.count += got
            self.screen.feed(bytes(self.received[-got:] if len(self.received) < before else self.received[before:]))
        return got

    def step(self, limit_s: float) -> bool:
        """Read what comes within ``limit_s``, once; return whether anything came."""
        return bool(select.select([self.fd], [], [], max(0.0, limit_s))[0] and self._take())

    def until(self, shown: Callable[[Screen], bool], limit_s: float) -> bool:
        """Read until the screen is as ``shown`` says; return whether it came to that. ``last_at`` says when."""
        end = time.monotonic() + limit_s
        while not shown(self.screen):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0] or not self._take():
                return False
        return True

    def type(self, keys: str) -> float:
        """Send keys once all that was there before is read; return when."""
        self.drain(0.0, 0.01)
        began = time.monotonic()
        os.write(self.fd, keys.encode())
        return began
