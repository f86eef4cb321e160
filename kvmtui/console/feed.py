"""The console's end of the line: stays connected, keeps windows open, asks one thing at a time for each."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec.structs import replace

from kvmtui.errors import KvmtuiError, WorkerError
from kvmtui.wire.client import Client
from kvmtui.wire.messages import CloseWindow, Jobs, OpenSummary, SummaryChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kvmtui.console.listing import Listing
    from kvmtui.model.host import Summary
    from kvmtui.wire.client import Pushed
    from kvmtui.wire.line import Line
    from kvmtui.wire.messages import OpenSeries, OpenWindow, Request, Welcome

Result = TypeVar("Result")

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses between attempts to reach a worker; the last one for ever."""
STEADY_S = 5.0
"""A worker that stays for less counts as one that could not be reached: it is not started again in haste."""
CALL_S = 10.0
PATIENCE_S = 3.0
"""A worker that has told nothing for so long is asked whether it is there, and has as long to answer."""

log = logging.getLogger(__name__)


class Stage(enum.Enum):
    """How we stand with the worker."""

    CONNECTING = "connecting"
    UP = "up"
    GONE = "gone"


class Early(NamedTuple):
    """A connection that was greeted, and asked for its first windows, before there was an event loop."""

    line: Line
    summary: Summary
    lists: dict[str, Listing]
    """The lists of the main screen, which have asked."""
    sent: dict[int, OpenWindow]
    """Window -> what was asked for."""


class _Wish:
    """What we want of one window: the latest request, and whether it has left."""

    def __init__(self, request: OpenWindow | OpenSeries, done: Callable[[KvmtuiError | None], None] | None) -> None:
        self.request = request
        self.done = done
        self.task: asyncio.Task[None] | None = None
        self.has_left = False


class Feed:
    """The connection to the worker over the life of a console, worker after worker."""

    def __init__(
        self,
        dial: Callable[[], Line],
        on_push: Callable[[Pushed], None],
        on_stage: Callable[[], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """``dial`` returns a greeted connection, starting a worker if need be; it blocks, so it has a thread.

        ``on_push`` is given what the worker sends, ``on_stage`` is told when ``stage`` or ``trouble`` changed;
        ``patience_s`` is as PATIENCE_S.
        """
        self.stage = Stage.CONNECTING
        self.trouble = ""
        """Why there is no worker, in a few words."""
        self.remedy = ""
        """The same with all that is known of it, and what to do."""
        self.welcome: Welcome | None = None
        self._dial = dial
        self._on_push = on_push
        self._on_stage = on_stage
        self._patience_s = patience_s
        self._heard = 0
        """Messages that the worker has sent by itself."""
        self._client: Client | None = None
        self._wishes: dict[int, _Wish] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- staying connected -------------------------------------------------------------------------------------

    async def adopt(self, early: Early) -> None:
        """Go on with a connection that was made before the event loop."""
        for window, request in early.sent.items():
            wish = _Wish(request, None)
            wish.has_left = True
            self._wishes[window] = wish
        await self._take(early.line)
        self._on_push(SummaryChanged(summary=early.summary, now=early.line.welcome.now if early.line.welcome else 0.0))

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                try:
                    if self._client is None:
                        await self._connect()
                    began = loop.time()
                    assert self._client is not None
                    await self._until_closed(self._client)
                    await self._lost("the worker is gone", "")
                    if loop.time() - began > STEADY_S:
                        failures = 0
                        continue
                except (KvmtuiError, OSError) as error:
                    text = error.text if isinstance(error, KvmtuiError) else error.strerror or str(error)
                    await self._lost(text, str(error))
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
        finally:
            if self._client is not None:
                await self._client.close()

    async def _until_closed(self, client: Client) -> None:
        """Return when the connection has ended.

        Raises WorkerError when nobody answers at its other end: a worker that is stopped or stuck hangs up on nobody,
        and what is shown would look as if it were so now.
        """
        while not client.closed.done():
            heard = self._heard
            ended, _ = await asyncio.wait((client.closed,), timeout=self._patience_s)
            if ended or self._heard != heard:
                continue
            try:
                await client.call(Jobs(limit=1), self._patience_s)
            except WorkerError as error:
                if not client.closed.done():
                    raise WorkerError("the worker does not answer", remedy=error.remedy) from error

    def _hear(self, message: Pushed) -> None:
        self._heard += 1
        self._on_push(message)

    async def _connect(self) -> None:
        line = await _in_thread(self._dial)
        for wish in self._wishes.values():
            wish.has_left = False
        client = await self._take(line)
        for window in list(self._wishes):
            self._hurry(window)
        summary = await client.call(OpenSummary())
        self._on_push(SummaryChanged(summary=summary, now=client.welcome.now))

    async def _take(self, line: Line) -> Client:
        client = await Client.adopt(line, self._hear)
        self._client, self.welcome = client, client.welcome
        self.stage, self.trouble, self.remedy = Stage.UP, "", ""
        self._on_stage()
        return client

    def learn(self, read_only: bool | None) -> None:
        """Take what a worker says anew of what it has welcomed us with."""
        if read_only is not None and self.welcome is not None:
            self.welcome = replace(self.welcome, read_only=read_only)

    async def _lost(self, trouble: str, remedy: str) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        self.stage, self.trouble, self.remedy = Stage.GONE, trouble, remedy
        self._on_stage()

    # --- windows -----------------------------------------------------------------------------------------------

    def open(self, request: OpenWindow | OpenSeries, done: Callable[[KvmtuiError | None], None] | None = None) -> None:
        """Have a window or series as ``request`` says, from now on and after every reconnect.

        One request a window is under way at a time, then the latest; ``done`` is told that the worker has taken it,
        or why it refused.
        """
        wish = self._wishes.get(request.window)
        if wish is None:
            wish = self._wishes[request.window] = _Wish(request, done)
        elif wish.has_left and wish.request == request:
            return
        wish.request, wish.done, wish.has_left = request, done, False
        self._hurry(request.window)

    def close(self, window: int) -> None:
        """Have a window no more."""
        wish = self._wishes.pop(window, None)
        if wish is not None and self._client is not None:
            self._spawn(self._close(window))

    def _hurry(self, window: int) -> None:
        wish = self._wishes[window]
        if self._client is not None and (wish.task is None or wish.task.done()):
            wish.task = self._spawn(self._send(wish, self._client))

    async def _send(self, wish: _Wish, client: Client) -> None:
        while not wish.has_left and not client.is_closed:
            wish.has_left = True
            done = wish.done
            refusal: KvmtuiError | None = None
            try:
                await client.call(wish.request, CALL_S)
            except WorkerError as error:
                log.warning("window %d: %s", wish.request.window, error)
                return
            except KvmtuiError as error:
                refusal = error
            if done is not None:
                done(refusal)

    async def _close(self, window: int) -> None:
        try:
            await self.call(CloseWindow(window=window))
        except KvmtuiError as error:
            log.info("window %d: %s", window, error)

    @property
    def is_waiting(self) -> bool:
        """Whether a request for a window has left and is not answered, or waits to leave."""
        return any(wish.task is not None and not wish.task.done() for wish in self._wishes.values())

    # --- calls -------------------------------------------------------------------------------------------------

    async def call(self, request: Request[Result], deadline_s: float = CALL_S) -> Result:
        """Ask the worker. Raises what it answers with, WorkerError if there is none or it does not answer."""
        if self._client is None:
            raise WorkerError("there is no worker now", remedy="it is being started; try again")
        return await self._client.call(request, deadline_s)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _in_thread(work: Callable[[], Line]) -> Line:
    """Run ``work`` in a thread of its own, which does not hold up leaving the program; nobody's line is closed."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Line] = loop.create_future()
    found: list[Line] = []
    guard = threading.Lock()

    def settle(error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(found[0])

    def run() -> None:
        failure: Exception | None = None
        try:
            line = work()
        except Exception as error:  # noqa: BLE001 - handed over to whoever waits
            failure = error
        else:
            with guard:
                found.append(line)
                if future.cancelled():
                    line.close()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=run, name="dial", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        with guard:
            for line in found:
                line.close()
        raise
