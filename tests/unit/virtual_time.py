"""An event loop whose time passes only when nothing else can happen."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = 1_790_000_000.0
"""Seconds since the epoch at which virtual time begins."""
STUCK_S = 20.0


class _Selector(selectors.DefaultSelector):
    """Passes time instead of waiting for it, unless something outside of the loop is at work."""

    passed_s = 0.0
    is_busy: Callable[[], bool] = staticmethod(lambda: False)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.is_busy() or timeout is None:
            events = super().select(STUCK_S)
            if not events:
                raise RuntimeError("nothing will ever happen any more")
            return events
        self.passed_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with such a clock: ten minutes of patience take no time."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed_s

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.time()

    def wait_for(self, is_busy: Callable[[], bool]) -> None:
        """Let no time pass while ``is_busy``: a thread is about to wake the loop."""
        self._virtual.is_busy = is_busy


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run ``main`` in a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.wait_for(lambda: False)
        loop.run_until_complete(cancel_all())
        loop.close()


async def cancel_all() -> None:
    """Cancel every other task of this loop, and what they begin while they end."""
    while pending := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
