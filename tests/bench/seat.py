"""A long list of VMs on a terminal, timed by what is seen of it."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.console.present.frame import Box
    from tests.bench.screen import Screen
    from tests.bench.watched import Watched

PAGE_DOWN = "\x1b[6~"
HOLE = "· · ·"
_NAME = re.compile(r"\b[a-z]+-\d+\b")
QUIET_S = 0.03


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which ``part`` of all values are; nan if there are none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else float("nan")


@dataclass
class Times:
    """Seconds that something took, each time."""

    taken: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Bytes that were written for it."""

    @property
    def median(self) -> float:
        return share(self.taken, 0.5)

    @property
    def p95(self) -> float:
        return share(self.taken, 0.95)

    @property
    def worst(self) -> float:
        return max(self.taken, default=float("nan"))

    @property
    def bytes(self) -> float:
        return statistics.median(self.sizes) if self.sizes else float("nan")


class Seat:
    """Who sits before a list of VMs whose names are in ``box``, one a line."""

    def __init__(self, terminal: Watched, box: Box) -> None:
        self.terminal = terminal
        self.box = box

    def names(self, screen: Screen) -> list[str]:
        """Return the names of the VMs that are shown."""
        found = [_NAME.search(line) for line in self._lines(screen)]
        return [name[0] for name in found if name is not None]

    def holes(self, screen: Screen) -> int:
        """Return how many rows are shown as missing."""
        return sum(HOLE in line for line in self._lines(screen))

    def _lines(self, screen: Screen) -> list[str]:
        box = self.box
        return [screen.line(y, box.x, box.x + box.width) for y in range(box.y, box.y + box.height)]

    def await_rows(self, limit_s: float = 30.0) -> float | None:
        """Wait for the first full page; return the seconds since the program's start."""
        terminal = self.terminal
        if terminal.until(lambda screen: len(self.names(screen)) > 5 and not self.holes(screen), limit_s):
            return terminal.last_at - terminal.began
        return None

    def keys(self, keys: str) -> Times:
        """Press one key after the other; each is timed to the first byte of its answer."""
        times = Times()
        for key in keys:
            latency, size = self.terminal.press(key)
            times.taken.append(latency)
            times.sizes.append(size)
        return times

    def pages(self, count: int, limit_s: float = 10.0) -> Times:
        """Go down page by page; each is timed to the last byte of a page without a row of the one before, or a hole."""
        terminal, times = self.terminal, Times()
        terminal.type(PAGE_DOWN)  # the first one takes the cursor to the last row
        terminal.drain(0.1, limit_s)
        for _ in range(count):
            terminal.drain(QUIET_S, 0.5)
            before = set(self.names(terminal.screen))
            began = terminal.type(PAGE_DOWN)
            received = terminal.count

            is_turned = terminal.until(partial(self._turned, before), limit_s)
            times.taken.append(terminal.last_at - began if is_turned else limit_s)
            times.sizes.append(terminal.count - received)
        return times

    def _turned(self, before: set[str], screen: Screen) -> bool:
        names = self.names(screen)
        return len(names) >= len(before) and before.isdisjoint(names) and not self.holes(screen)

    def flight(self, seconds: float, keys_a_second: float = 30.0) -> Times:
        """Hold the page key down; return how long each hole was to be seen."""
        terminal, holes = self.terminal, Times()
        began = pressed = time.monotonic()
        since: float | None = None
        while (now := time.monotonic()) - began < seconds or (since is not None and now - began < 2 * seconds):
            if now >= pressed and now - began < seconds:
                os.write(terminal.fd, PAGE_DOWN.encode())
                pressed += 1 / keys_a_second
            if terminal.step(max(0.0, min(0.01, pressed - time.monotonic()))):
                is_torn = self.holes(terminal.screen) > 0
                if is_torn and since is None:
                    since = terminal.last_at
                elif not is_torn and since is not None:
                    holes.taken.append(terminal.last_at - since)
                    since = None
        return holes

    def letters(self, words: Sequence[str], names: Sequence[str], limit_s: float = 60.0) -> Times:
        """Type filters, letter by letter; each is timed until the list and the count of those that match are there."""
        terminal, times = self.terminal, Times()
        for word in words:
            terminal.type("/")
            terminal.drain(0.1, limit_s)
            count = -1
            for end in range(1, len(word) + 1):
                typed = word[:end]
                count, last = sum(typed in name for name in names), count
                terminal.drain(QUIET_S, 0.5)
                began = terminal.type(word[end - 1])
                if count == last:
                    continue
                is_there = terminal.until(partial(self._filtered, typed, count), limit_s)
                times.taken.append(terminal.last_at - began if is_there else limit_s)
            terminal.type("\x1b")
            terminal.drain(0.6, limit_s)
        return times

    def _filtered(self, typed: str, count: int, screen: Screen) -> bool:
        names = self.names(screen)
        said = any(re.search(rf"\b{count} of", screen.line(y)) for y in range(screen.lines))
        full = min(count, 5)
        return said and len(names) >= full and all(typed in name for name in names) and not self.holes(screen)
