"""Client half of the line, for programs with an event loop."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from kvmtui.errors import KvmtuiError
from kvmtui.wire.framing import LineBuffer, LineTooLongError
from kvmtui.wire.line import CALL_S, Line
from kvmtui.wire.messages import (
    Failure,
    JobChanged,
    Note,
    Reply,
    Request,
    Rows,
    Series,
    SummaryChanged,
    WorkerMessage,
    decode_answer,
    encode,
)
from kvmtui.wire.results import hung_up, no_answer, result_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kvmtui.wire.messages import Hello, Welcome

Result = TypeVar("Result")
Pushed = Rows | Series | SummaryChanged | JobChanged | Note

WAITING_MAX = 256
"""Pushed messages kept for one who iterates; beyond that the worker waits, and so do answers."""


class Client(asyncio.Protocol):
    """A connection to the worker: calls with answers, and what the worker sends by itself.

    What it sends goes to ``on_push``, in the event loop, one message at a time; without ``on_push`` it is kept for
    ``async for message in client``, which ends when the connection does.
    """

    def __init__(self, welcome: Welcome, on_push: Callable[[Pushed], None] | None = None) -> None:
        """For connect() and adopt() alone."""
        self.welcome = welcome
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended, whoever ended it."""
        self._on_push = on_push
        self._lines = LineBuffer()
        self._ids = itertools.count(2)
        self._waiting: dict[int, asyncio.Future[Reply | Failure]] = {}
        self._pushed: deque[Pushed] = deque()
        self._arrived = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._reading = True

    @classmethod
    async def connect(
        cls, path: Path, hello: Hello, on_push: Callable[[Pushed], None] | None = None, *, deadline_s: float = CALL_S
    ) -> Client:
        """Connect to the worker at ``path`` and say ``hello``. Raises WorkerError, and what it refuses us with."""
        line = await asyncio.to_thread(_greeted, path, hello, deadline_s)
        return await cls.adopt(line, on_push)

    @classmethod
    async def adopt(cls, line: Line, on_push: Callable[[Pushed], None] | None = None) -> Client:
        """Go on with a connection that was greeted before there was an event loop; ``line`` is used up by it."""
        assert line.welcome is not None
        client = cls(line.welcome, on_push)
        client._ids = itertools.count(line.last_id + 1)
        client._lines = line.buffer
        for message in line.pushed:
            client._take(message)
        line.socket.setblocking(False)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: client, sock=line.socket)
        except BaseException:  # cancelled in between: nobody else would close it
            line.close()
            raise
        client._cut_lines()
        client._settle_reading()
        return client

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self.closed.done()

    async def call(self, request: Request[Result], deadline_s: float = CALL_S) -> Result:
        """Ask and wait for the answer; ``id`` of the request is set here.

        Raises what the worker answers with (the classes of kvmtui.errors), WorkerError if it does not answer within
        ``deadline_s`` or hangs up: whether it did what was asked is then not known.
        """
        if self._transport is None or self.is_closed:
            raise hung_up()
        number = next(self._ids)
        future: asyncio.Future[Reply | Failure] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._transport.write(encode(msgspec.structs.replace(request, id=number)) + b"\n")
        try:
            async with asyncio.timeout(deadline_s):
                answer = await future
        except TimeoutError as error:
            raise no_answer(request, deadline_s) from error
        finally:
            self._waiting.pop(number, None)
        return result_of(request, answer)

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Pushed:
        while not self._pushed:
            if self.is_closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        message = self._pushed.popleft()
        self._settle_reading()
        return message

    async def close(self) -> None:
        """End the connection; calls that wait raise WorkerError."""
        if self._transport is not None:
            self._transport.abort()
            await asyncio.shield(self.closed)

    # --- asyncio.Protocol --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._lines.feed(data)
        self._cut_lines()

    def connection_lost(self, error: Exception | None) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(hung_up())
        if not self.closed.done():
            self.closed.set_result(None)
        self._arrived.set()

    def _cut_lines(self) -> None:
        try:
            while (line := self._lines.pop()) is not None:
                self._take(decode_answer(line))
        except (msgspec.MsgspecError, LineTooLongError):
            if self._transport is not None:
                self._transport.abort()

    def _take(self, message: WorkerMessage) -> None:
        if isinstance(message, Reply | Failure):
            future = self._waiting.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)
        elif self._on_push is not None:
            self._on_push(message)
        else:
            self._pushed.append(message)
            self._arrived.set()
            self._settle_reading()

    def _settle_reading(self) -> None:
        wanted = len(self._pushed) < WAITING_MAX
        if self._transport is None or self.is_closed or wanted == self._reading:
            return
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
        self._reading = wanted


def _greeted(path: Path, hello: Hello, deadline_s: float) -> Line:
    line = Line(path)
    try:
        line.greet(hello, deadline_s)
    except KvmtuiError:
        line.close()
        raise
    return line
