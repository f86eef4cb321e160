"""What waits for the worker beside everything else; what goes wrong there is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kvmtui.errors import KvmtuiError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Errands:
    """Tasks that run until they end, or the console does."""

    def __init__(self, refused: Callable[[KvmtuiError], None], failed: Callable[[Exception], None]) -> None:
        """``refused`` is told what an errand raised on purpose, ``failed`` any other failure: it ends the console."""
        self._refused = refused
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Begin one."""
        task = asyncio.get_running_loop().create_task(self._guarded(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: coroutine.close())  # one that never began is not to be complained of

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except KvmtuiError as error:
            self._refused(error)
        except Exception as error:  # noqa: BLE001 - the top of a task: it ends the console, and is logged there
            self._failed(error)
