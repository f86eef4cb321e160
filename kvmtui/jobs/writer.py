"""The thread that writes the journal, many changes in one flush."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from kvmtui.errors import NotRecordedError
from kvmtui.guard.audit import stamp
from kvmtui.jobs.store import Change, Store, is_own_fault, is_passing, mends_itself, note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH_MAX = 512
"""Most changes that share one flush to disk."""
WAITING_MAX = 4_096
"""Most changes that wait for the disk; beyond it nothing new is begun."""
OWED_MAX = 4_096
"""Most changes that are kept for a disk that refuses them."""
RETRY_S = 5.0
"""How often a disk that refused is offered again what is owed to it."""
CLOSE_S = 5.0
"""How long closing waits for what is still to be written."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class _Task(NamedTuple):
    """A change (owed, if it has no future) or a question."""

    change: Change | None
    read: Callable[[Store], object] | None
    future: asyncio.Future[Any] | None


class _Answer(NamedTuple):
    """What became of a task that somebody waits for."""

    future: asyncio.Future[Any]
    result: Any = None
    error: NotRecordedError | None = None


class Writer:
    """Writes to a store in a thread of its own; made and used in one event loop, which it never blocks.

    What comes while the disk is busy shares the next flush. What is owed is kept in order, offered again every RETRY_S
    and with every other change, and written with a note on the gap. The note alone is offered as often, so that a
    trouble that has passed is not told any longer. A store that refused is opened anew at the next change, unless it
    was only held or full.
    """

    def __init__(
        self, open_store: Callable[[], Store], clock: Callable[[], float], *, retry_s: float = RETRY_S
    ) -> None:
        self.trouble: NotRecordedError | None = None
        """Why nothing can be written now, or None."""
        self.waiting = 0
        """Tasks that the disk has not answered yet."""
        self._open_store = open_store
        self._clock = clock
        self._retry_s = retry_s
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._store: Store | None = None
        self._owed: deque[Change] = deque()
        self._refusal: NotRecordedError | None = None
        self._refused_since = 0.0
        threading.Thread(target=self._run, name="journal", daemon=True).start()

    async def write(self, change: Change) -> None:
        """Make ``change`` durable. Raises NotRecordedError: then it is not, and will not be."""
        await self._put(change, None)

    async def ask(self, read: Callable[[Store], T]) -> T:
        """Return what ``read`` finds, after everything before it was written. Raises NotRecordedError."""
        return cast("T", await self._put(None, read))

    def owe(self, change: Change) -> None:
        """Make ``change`` durable as soon as the disk takes it."""
        self.waiting += 1
        self._tasks.put(_Task(change, None, None))

    async def close(self) -> None:
        """Write what is left, for at most CLOSE_S, and end the thread."""
        self.waiting += 1
        self._tasks.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._ended.wait()

    async def _put(self, change: Change | None, read: Callable[[Store], object] | None) -> object:
        if self.waiting >= WAITING_MAX:
            raise NotRecordedError(f"the journal is {self.waiting} records behind", remedy="look at its disk")
        future: asyncio.Future[Any] = self._loop.create_future()
        self.waiting += 1
        self._tasks.put(_Task(change, read, future))
        return await future

    def _settle(self, answers: Sequence[_Answer], served: int, trouble: NotRecordedError | None) -> None:
        self.trouble = trouble
        self.waiting -= served
        for future, result, error in answers:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(
                    NotRecordedError(error.text, where=error.where, words=error.words, remedy=error.remedy)
                )

    def _end(self) -> None:
        self.waiting -= 1
        self._ended.set()

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        is_open = True
        while is_open:
            tasks = self._next()
            if tasks and tasks[-1] is None:
                is_open = False
            self._serve([task for task in tasks if task is not None])
        if self._owed:
            logger.error("%d outcomes could not be recorded; their steps will be looked at", len(self._owed))
        if self._store is not None:
            self._store.close()
        self._tell(self._end)

    def _next(self) -> list[_Task | None]:
        tasks: list[_Task | None] = []
        again = self._owed or (self._refusal is not None and mends_itself(self._refusal))
        with contextlib.suppress(queue.Empty):
            tasks.append(self._tasks.get(timeout=self._retry_s if again else None))
            while tasks[-1] is not None and len(tasks) < BATCH_MAX:
                tasks.append(self._tasks.get_nowait())
        return tasks

    def _serve(self, tasks: Sequence[_Task]) -> None:
        answers: list[_Answer] = []
        group: list[_Task] = []
        try:
            if not tasks and not self._owed:
                self._try_again()
            for task in tasks:
                if task.change is not None:
                    group.append(task)
                else:
                    self._flush(group, answers)
                    group = []
                    self._read(task, answers)
            self._flush(group, answers)
        except Exception:  # the top of the thread: who waits is told
            logger.exception("the journal's thread")
            error = NotRecordedError("the journal failed", remedy="the worker's log says how")
            answered = {id(answer.future) for answer in answers}
            answers += [
                _Answer(task.future, None, error) for task in tasks if task.future and id(task.future) not in answered
            ]
        self._tell(self._settle, answers, len(tasks), self._refusal)

    def _flush(self, group: Sequence[_Task], answers: list[_Answer]) -> None:
        tasks = [*(_Task(change, None, None) for change in self._owed), *group]
        self._owed.clear()
        error = self._write(tasks)
        if error is not None and is_own_fault(error):
            for task in tasks:
                self._note(task, self._write([task]), answers)
        else:
            for task in tasks:
                self._note(task, error, answers)

    def _note(self, task: _Task, error: NotRecordedError | None, answers: list[_Answer]) -> None:
        if task.future is not None:
            answers.append(_Answer(task.future, None, error))
        elif error is not None and task.change is not None:
            if is_own_fault(error) or len(self._owed) >= OWED_MAX:
                logger.error("lost to the journal (%s): %s", error, task.change.records)
            else:
                self._owed.append(task.change)

    def _write(self, tasks: Sequence[_Task]) -> NotRecordedError | None:
        changes = [task.change for task in tasks if task.change is not None]
        if not changes:
            return None
        try:
            self._opened().write([*self._gap(), *changes])
        except NotRecordedError as error:
            if not is_own_fault(error):
                self._refuse(error)
            return error
        self._refusal = None
        return None

    def _try_again(self) -> None:
        """Offer the note on the gap by itself, where there is one."""
        gap = self._gap()
        if gap:
            try:
                self._opened().write(gap)
                self._refusal = None
            except NotRecordedError as error:
                self._refuse(error)

    def _read(self, task: _Task, answers: list[_Answer]) -> None:
        if task.future is None or task.read is None:
            return
        try:
            answers.append(_Answer(task.future, task.read(self._opened())))
        except NotRecordedError as error:
            self._refuse(error)
            answers.append(_Answer(task.future, None, error))

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def _refuse(self, error: NotRecordedError) -> None:
        if self._refusal is None:
            self._refused_since = self._clock()
            logger.error("%s", error)
        self._refusal = error
        if self._store is not None and not is_passing(error):
            self._store.close()
            self._store = None

    def _gap(self) -> tuple[Change, ...]:
        if self._refusal is None:
            return ()
        now = self._clock()
        words = f"nothing could be recorded from {stamp(self._refused_since)} to {stamp(now)}: {self._refusal.text}"
        return (Change((), (note(words, now),)),)

    def _tell(self, call: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(call, *args)
