"""One libvirt connection, in a thread of its own.

No libvirt object leaves that thread, nor an exception that holds one: dropping the last reference to a domain closes
its connection, a blocking call, in the thread that drops it. What goes out are values; errors go out as numbers with
words and are raised anew in the hosts loop.

libvirt has no deadlines: what ends a call that does not come back is cutting the socket under it, which turns it into
an error within a millisecond. The lane is over then, and another one is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import libvirt

from kvmtui.errors import HostError, LibvirtError
from kvmtui.hosts import events
from kvmtui.hosts.binding import Conn
from kvmtui.text import clean

logger = logging.getLogger(__name__)

T = TypeVar("T")

CUT_GRACE_S = 0.5
"""How long a call that was cut may take to come back with its error; a millisecond is usual."""
CLOSE_GRACE_S = 0.3
"""How long a connection may take to close in good order before it is cut."""


class CallEndedError(HostError):
    """A call ended without an answer of libvirt.

    Attributes:
        begun: the call was handed to libvirt's client; what it asked for may have happened.
        timed_out: its deadline passed; otherwise the connection was lost.
    """

    def __init__(self, text: str, *, begun: bool, timed_out: bool = False, where: str = "", words: str = "") -> None:
        super().__init__(text, where=where, words=words)
        self.begun = begun
        self.timed_out = timed_out


class _Outcome(NamedTuple):
    """What a call left, without anything of libvirt's."""

    value: Any = None
    error: tuple[str, int, int] | None = None
    """libvirt's words, code, domain."""
    fault: str = ""
    """An exception that should not have been, in words."""
    alive: bool = True


class Lane:
    """A connection with its thread: one call at a time, each with a deadline. Belongs to the hosts loop.

    A lane that is over (``alive`` is False) stays so.
    """

    def __init__(self, where: str, opener: Callable[[], Conn], cut: Callable[[], None] | None = None) -> None:
        """``opener`` opens the connection, in the lane's thread; ``cut`` ends the socket under it, at once, in the
        hosts loop. Without ``cut`` (the test driver, in process) a call that does not come back is abandoned."""
        self.where = where
        self.alive = False
        self.cpu_s = 0.0
        """CPU time its calls took in this process."""
        self.used = 0.0
        """Loop time at which the last call ended."""
        self._opener = opener
        self._sever = cut
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._calls: queue.SimpleQueue[tuple[Callable[[Conn], Any], asyncio.Future[_Outcome]] | None]
        self._calls = queue.SimpleQueue()
        self._ended: asyncio.Future[_Outcome] = self._loop.create_future()

    async def open(self, deadline_s: float) -> None:
        """Open the connection. Raises LibvirtError with libvirt's refusal, CallEndedError if none came in time."""
        events.start()
        opened: asyncio.Future[_Outcome] = self._loop.create_future()
        self.alive = True
        threading.Thread(target=self._run, args=(opened,), name=f"lane-{self.where}", daemon=True).start()
        try:
            self._check(await self._answer(opened, deadline_s))
        except HostError:
            self.cut()
            raise

    async def call(self, function: Callable[[Conn], T], deadline_s: float) -> T:
        """Run ``function`` with the connection in the lane's thread and return what it returns: plain values only.

        The deadline counts from now; when it passes, or when nobody waits any more, the lane is cut. Raises
        LibvirtError, or CallEndedError: not ``begun`` if the lane was over or busy until the deadline.
        """
        end = self._loop.time() + deadline_s
        busy = CallEndedError(
            f"not sent: the connection was busy for {deadline_s:.3g} s", begun=False, where=self.where
        )
        try:
            async with asyncio.timeout_at(end):
                await self._turn.acquire()
        except TimeoutError:
            raise busy from None
        try:
            if self._loop.time() >= end:
                raise busy
            if not self.alive:
                raise CallEndedError("not sent: the connection is lost", begun=False, where=self.where)
            answer: asyncio.Future[_Outcome] = self._loop.create_future()
            self._calls.put((function, answer))
            outcome = await self._answer(answer, end - self._loop.time())
            self._check(outcome)
            value: T = outcome.value
            return value
        finally:
            self.used = self._loop.time()
            self._turn.release()

    @property
    def busy(self) -> bool:
        """A call is under way."""
        return self._turn.locked()

    def cut(self) -> None:
        """End it now. A call that is under way ends with CallEndedError."""
        if self.alive:
            self.alive = False
            self._calls.put(None)
        if self._sever is not None:
            self._sever()

    async def close(self) -> None:
        """End it in good order if that takes no longer than CLOSE_GRACE_S, then cut it."""
        if self.alive:
            self.alive = False
            self._calls.put(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_GRACE_S):
                    await asyncio.shield(self._ended)
        self.cut()

    async def _answer(self, answer: asyncio.Future[_Outcome], deadline_s: float) -> _Outcome:
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(answer)
        except TimeoutError:
            self.cut()
            # what the call had got to is only known for sure once it is back
            await asyncio.wait((answer,), timeout=CUT_GRACE_S)
            text = f"no answer for {deadline_s:.3g} s"
            raise CallEndedError(text, begun=True, timed_out=True, where=self.where) from None
        except asyncio.CancelledError:
            self.cut()
            raise
        finally:
            answer.cancel()

    def _check(self, outcome: _Outcome) -> None:
        """Raise what the outcome is, unless it is a value."""
        if outcome.fault:
            raise HostError("an error inside kvmtui, see the log", where=self.where, words=outcome.fault)
        if outcome.error is None:
            return
        words, code, domain = outcome.error
        if outcome.alive and self.alive:
            raise LibvirtError(words, code, domain, where=self.where)
        self.cut()
        raise CallEndedError("the connection was lost", begun=True, where=self.where, words=words)

    # --- in the lane's thread --------------------------------------------------------------------------------------

    def _run(self, opened: asyncio.Future[_Outcome]) -> None:
        try:
            conn = self._opener()
        except libvirt.libvirtError as error:
            self._post(opened, _Outcome(error=_plain(error)))
            self._post(self._ended, _Outcome())
            return
        self._post(opened, _Outcome())
        del opened
        while (call := self._calls.get()) is not None:
            function, answer = call
            before = time.thread_time()
            outcome = _perform(function, conn)
            self.cpu_s += time.thread_time() - before
            self._post(answer, outcome)
            del call, function, answer, outcome
        leave(conn)
        self._post(self._ended, _Outcome())

    def _post(self, answer: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(_settle, answer, outcome)


def leave(conn: Conn) -> None:
    """Close a connection, in its own thread, whatever is registered with it or wrong with it."""
    events.deregister(conn)
    with contextlib.suppress(libvirt.libvirtError):
        conn.close()


def _settle(answer: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _perform(function: Callable[[Conn], Any], conn: Conn) -> _Outcome:
    try:
        return _Outcome(function(conn))
    except libvirt.libvirtError as error:
        return _Outcome(error=_plain(error), alive=_is_alive(conn))
    except Exception as error:  # noqa: BLE001 — the top of the thread: it goes on
        # as text: a record of the log that kept the traceback would keep domains
        logger.error("a call in a lane failed:\n%s", traceback.format_exc())  # noqa: TRY400
        return _Outcome(fault=clean(repr(error)))


def _is_alive(conn: Conn) -> bool:
    """Whether the socket under it is there, as libvirt's client knows without asking."""
    try:
        return bool(conn.isAlive() == 1)
    except libvirt.libvirtError:
        return False


def _plain(error: libvirt.libvirtError) -> tuple[str, int, int]:
    words = clean(error.get_error_message() or str(error))
    return words, error.get_error_code() or 0, error.get_error_domain() or 0
