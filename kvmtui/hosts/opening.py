"""Channels whose opening may be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar


class _Channel(Protocol):
    def abort(self) -> None: ...


_C = TypeVar("_C", bound=_Channel)
_S = TypeVar("_S")

_abandoned: set[asyncio.Task[Any]] = set()
"""Openings that nobody waits for any more, until the host has answered them."""


async def opened(opening: Coroutine[Any, Any, tuple[_C, _S]]) -> tuple[_C, _S]:
    """Await the opening of a channel; given up, it is closed when the host opens it after all.

    asyncssh would leave it open for good, and a client of libvirtd's with it.
    """
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _abandoned.add(task)
        task.add_done_callback(_close)
        raise


def _close(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()
