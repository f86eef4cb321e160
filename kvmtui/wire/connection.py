"""One client as the worker's side of the line sees it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import msgspec

from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.text import clean
from kvmtui.wire.failures import failure
from kvmtui.wire.framing import LineBuffer, LineTooLongError
from kvmtui.wire.messages import (
    LINE_MAX,
    Abort,
    Answer,
    Failure,
    Hello,
    JobChanged,
    Note,
    Reply,
    Request,
    Stop,
    Submit,
    Trust,
    decode_request,
    encode,
)
from kvmtui.wire.views import Views

if TYPE_CHECKING:
    from kvmtui.wire.peer import Names, Peer
    from kvmtui.wire.server import Server
    from kvmtui.wire.views import View

IN_FLIGHT_MAX = 64
"""Requests of one client that may be unanswered; the next ones wait in its socket."""
OUTGOING_MAX = 2 * LINE_MAX
"""Bytes that may wait for a client to read them; beyond that it is let go."""
GREETING_S = 10.0
"""Time to say hello."""
GREETING_MAX = 65_536
"""Bytes of the first line."""
_BACKLOG_MAX = 65_536
"""Bytes of lines not begun beyond which no more is read."""
_HIGH_WATER = 256 * 1024
_LOW_WATER = 64 * 1024
_PARTING_S = 5.0
_EVENTS_MAX = 1_000
_NOTES_MAX = 20
_OUTLIVE = (Submit, Abort, Stop, Trust)
"""Requests that are carried out though who asked is gone."""

log = logging.getLogger(__name__)


class _Sketch(msgspec.Struct):
    """What can be told of a request that could not be read."""

    id: int = 0
    op: str = ""


_decode_sketch = msgspec.json.Decoder(_Sketch).decode
_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


class Connection(asyncio.Protocol):
    """One client: its lines in, its answers and views out; all of it bounded."""

    def __init__(self, server: Server, peer: Peer, names: Names | None = None) -> None:
        self.server = server
        self.peer = peer
        self.names = names
        """What user and groups are called; None where only this user and root can be clients."""
        self.hello: Hello | None = None
        """None until it has been greeted."""
        self.incoming = LineBuffer(GREETING_MAX)
        self._loop = asyncio.get_running_loop()
        self.views = Views(self._loop.time)
        self._transport: asyncio.Transport | None = None
        self._tasks: dict[asyncio.Task[None], Request[Any]] = {}
        self._events: dict[str, JobChanged] = {}
        self._notes: list[Note] = []
        self._paused_at: float | None = None
        self._reading = True
        self._ended = False
        self._feeding: asyncio.Handle | None = None
        self._pump: asyncio.TimerHandle | None = None
        self._parting: asyncio.TimerHandle | None = None

    # --- what the worker uses ----------------------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        """Whether there is nobody to answer any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def stalled_s(self) -> float:
        """Seconds since it stopped reading what is there for it; 0 while it reads."""
        return 0.0 if self._paused_at is None else self._loop.time() - self._paused_at

    def follow(self, number: int, view: View) -> None:
        """Send ``view`` from now on, in the place of what had that number. Raises UsageError: too many."""
        if not self.is_gone:
            self.views.follow(number, view)
            self._arm()

    def stir(self, topics: frozenset[str]) -> None:
        """Mark the views on these topics as changed."""
        self.views.stir(topics)
        self._arm()

    def announce(self, message: JobChanged | Note) -> None:
        """Send an event now, or keep the latest of each kind until the client reads again."""
        if self._paused_at is None:
            self._write(message)
        elif isinstance(message, Note):
            self._notes = [*self._notes, message][-_NOTES_MAX:]
        else:
            self._events.pop(message.job.id, None)
            self._events[message.job.id] = message
            if len(self._events) > _EVENTS_MAX:
                del self._events[next(iter(self._events))]

    def drop(self, why: str) -> None:
        """Let the client go at once, without sending what waits for it."""
        if self._transport is not None:
            log.warning("let client pid %d go: %s", self.peer.pid, why)
            self._transport.abort()

    def leave(self, patience_s: float = _PARTING_S) -> None:
        """End the connection once what waits for the client is sent, after ``patience_s`` in any case."""
        if self._transport is None or self._transport.is_closing():
            return
        waits = self._transport.get_write_buffer_size()
        self._transport.close()
        if waits:
            self._set_parting(patience_s, f"did not read the last {waits} bytes")

    async def cancelled(self) -> None:
        """End whatever is still being answered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- asyncio.Protocol --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)
        self._set_parting(GREETING_S, f"no hello within {GREETING_S:.0f} s")

    def data_received(self, data: bytes) -> None:
        self.incoming.feed(data)
        self._feed()
        if len(self.incoming) > GREETING_MAX and not self.server.has_room():
            self.drop("too many unfinished lines")

    def eof_received(self) -> bool:
        self._ended = True
        self._feed()
        return True

    def pause_writing(self) -> None:
        self._paused_at = self._loop.time()
        self._settle_reading()

    def resume_writing(self) -> None:
        self._paused_at = None
        events, self._events = self._events, {}
        notes, self._notes = self._notes, []
        for event in events.values():
            self.announce(event)
        for note in notes:
            self.announce(note)
        self._arm()
        self._feed()

    def connection_lost(self, error: Exception | None) -> None:
        for handle in (self._feeding, self._pump, self._parting):
            if handle is not None:
                handle.cancel()
        for task, request in self._tasks.items():
            if not isinstance(request, _OUTLIVE):
                task.cancel()
        self.views.clear()
        self.server.forget(self)
        if self.hello is not None:
            self.server.handler.left(self)

    # --- requests ----------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Begin to answer the next request, one each time round the loop."""
        if self._feeding is not None:
            self._feeding.cancel()
            self._feeding = None
        if self.is_gone:
            return
        if self._paused_at is None and len(self._tasks) < IN_FLIGHT_MAX:
            try:
                line = self.incoming.pop()
            except LineTooLongError:
                self._end_with(UsageError(f"a line may have {self.incoming.limit} bytes"))
                return
            if line is not None:
                self._read(line)
                self._feeding = self._loop.call_soon(self._feed)
            elif self._ended and not self._tasks:
                self.leave()
        self._settle_reading()

    def _settle_reading(self) -> None:
        """Read from the socket only while there is room for what comes."""
        if self._transport is None or self.is_gone or self._ended:
            return
        is_behind = self._feeding is not None and len(self.incoming) > _BACKLOG_MAX
        wanted = self._paused_at is None and not is_behind and len(self._tasks) < IN_FLIGHT_MAX
        if wanted and not self._reading:
            self._transport.resume_reading()
        elif self._reading and not wanted:
            self._transport.pause_reading()
        self._reading = wanted

    def _read(self, line: bytes) -> None:
        try:
            request = decode_request(line)
        except _UNREADABLE as error:
            self._refuse(line, error)
            return
        if isinstance(request, Hello):
            self._greet(request)
        elif self.hello is None:
            self._end_with(UsageError("say hello first", remedy='{"op":"hello","id":1,"version":"…","client":"…"}'))
        else:
            task = self._loop.create_task(self._answer(request))
            self._tasks[task] = request
            task.add_done_callback(self._answered)

    def _refuse(self, line: bytes, error: Exception) -> None:
        try:
            sketch = _decode_sketch(line)
        except _UNREADABLE:
            self._end_with(UsageError("this is not a request: one JSON object a line", words=clean(str(error), 200)))
            return
        what = UsageError(f"the worker does not understand {clean(sketch.op, 40)!r}", words=clean(str(error), 200))
        self._write(failure(sketch.id, what))

    def _greet(self, hello: Hello) -> None:
        if self.hello is not None:
            self._write(failure(hello.id, UsageError("hello is said once")))
            return
        try:
            welcome = self.server.handler.welcome(hello, self)
        except KvmtuiError as error:
            self._end_with(error, hello.id)
            return
        if self._parting is not None:
            self._parting.cancel()
        self.hello = hello
        self.incoming.limit = LINE_MAX
        self._write(Reply(id=hello.id, result=msgspec.Raw(encode(welcome))))
        self.server.handler.came(self)

    async def _answer(self, request: Request[Any]) -> None:
        message: Reply | Failure
        try:
            result = await self.server.handler.answer(request, self)
            message = Reply(id=request.id, result=msgspec.Raw(encode(result)))
        except KvmtuiError as error:
            message = failure(request.id, error)
        except Exception:
            log.exception("request %s of pid %d", type(request).__name__, self.peer.pid)
            message = failure(request.id, KvmtuiError("the worker failed to answer", remedy="its log says why"))
        self._write(message)

    def _answered(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if self._feeding is None:
            self._feed()

    # --- answers -----------------------------------------------------------------------------------------------

    def _write(self, message: Answer) -> None:
        if self._transport is None or self.is_gone:
            return
        line = encode(message) + b"\n"
        if len(line) > LINE_MAX:
            if not isinstance(message, Reply):
                self.drop(f"a message to it would have {len(line)} bytes")
                return
            too_long = UsageError(f"the answer has {len(line)} bytes, a line {LINE_MAX}", remedy="ask for fewer rows")
            line = encode(failure(message.id, too_long)) + b"\n"
        self._transport.write(line)
        if self._transport.get_write_buffer_size() > OUTGOING_MAX:
            self.drop(f"{self._transport.get_write_buffer_size()} bytes wait for it")

    def _end_with(self, error: KvmtuiError, request_id: int = 0) -> None:
        """Tell the client why, and let it go."""
        log.info("client pid %d: %s", self.peer.pid, error)
        self._write(failure(request_id, error))
        self.leave()

    def _set_parting(self, delay_s: float, why: str) -> None:
        if self._parting is not None:
            self._parting.cancel()
        self._parting = self._loop.call_later(delay_s, self.drop, why)

    def _arm(self) -> None:
        """Set the timer to the moment when the next view may be sent."""
        if self._paused_at is not None or self.is_gone:
            return
        due = self.views.due()
        if due is None:
            return
        when = max(due, self._loop.time())
        if self._pump is not None:
            if self._pump.when() <= when:
                return  # a timer that is set anew at each change would never come to its end
            self._pump.cancel()
        self._pump = self._loop.call_at(when, self._send_next)

    def _send_next(self) -> None:
        """Send the view that is longest due, one each time round the loop."""
        self._pump = None
        if self._paused_at is None:
            message = self.views.fetch(self.server.cost_of_views)
            if message is not None:
                self._write(message)
        self._arm()
