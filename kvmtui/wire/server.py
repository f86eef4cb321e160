"""Server half of the line: takes clients, bounds them, sends what changed to all of them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from kvmtui.errors import WorkerError
from kvmtui.text import plural
from kvmtui.wire.connection import Connection
from kvmtui.wire.failures import failure
from kvmtui.wire.messages import Hello, JobChanged, Note, Request, Welcome, encode
from kvmtui.wire.peer import Names, Peer, groups_of, names_of, peer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.wire.listener import Listener

CLIENTS_MAX = 200
"""Connections at a time; a console takes one."""
HALF_LINES_MAX = 64 * 1024 * 1024
"""Bytes of unfinished lines kept for all clients together."""
STALLED_MAX_S = 900.0
"""A client that read nothing for so long, though something was there for it, is let go."""
PARTING_S = 0.1
"""What is left for clients to read their last answer when the worker ends."""
NAMES_S = 5.0
"""How long the name service may take to tell who a client is: an answer that is later comes too late."""
_ASKERS = 2
"""Threads that may wait for the name service."""
_ACCEPTS_AT_ONCE = 32
_BREATH_S = 1.0
"""Pause after the process ran out of file descriptors."""

log = logging.getLogger(__name__)


class Handler(Protocol):
    """What answers the clients: the worker's service."""

    def welcome(self, hello: Hello, connection: Connection) -> Welcome:
        """Greet a client. Raises KvmtuiError, which the client is told before it is let go."""

    async def answer(self, request: Request[Any], connection: Connection) -> object:
        """Return the result of a request, of the type in messages.RESULTS. Raises KvmtuiError."""

    def came(self, connection: Connection) -> None:
        """A client has been greeted."""

    def left(self, connection: Connection) -> None:
        """A client that had been greeted is gone."""


class Server:
    """All connections of the worker. Lives in the loop that runs when it is started."""

    def __init__(self, listener: Listener, handler: Handler, *, clients_max: int = CLIENTS_MAX) -> None:
        """Serve those who come to ``listener``, which is closed with the server; nobody is taken before start()."""
        self.handler = handler
        self.clients_max = clients_max
        self.connections: set[Connection] = set()
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taking: set[asyncio.Task[Any]] = set()
        self._complaint = ""
        self._emptied: asyncio.Event | None = None
        self._askers = ThreadPoolExecutor(_ASKERS, "names")
        self._asking = 0
        """Clients of whom it is being asked who they are."""

    @property
    def clients(self) -> list[Connection]:
        """The connections that have been greeted."""
        return [connection for connection in self.connections if connection.hello is not None]

    @property
    def followed(self) -> int:
        """Views that all clients follow together."""
        return sum(len(connection.views) for connection in self.connections)

    def cost_of_views(self) -> float:
        """Return the seconds that the last updates of all of them took."""
        return sum(connection.views.cost_s for connection in self.connections)

    def start(self) -> None:
        """Begin to take clients."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener.socket, self._accept)

    def look_after(self) -> None:
        """What must be done about once a second: make a removed socket again, let stalled clients go."""
        for connection in list(self.connections):
            if connection.stalled_s > STALLED_MAX_S:
                connection.drop(f"read nothing for {STALLED_MAX_S:.0f} s")
        if self._loop is None or self._listener.is_reachable:
            return
        try:
            old = self._listener.renew()
        except WorkerError as error:
            if str(error) != self._complaint:
                log.warning("the socket is gone and cannot be made again: %s", error)
                self._complaint = str(error)
            return
        self._complaint = ""
        log.warning("the socket was gone, made again: %s", self._listener.path)
        self._loop.remove_reader(old)
        self._take_from(old, _ACCEPTS_AT_ONCE)
        old.close()
        self._loop.add_reader(self._listener.socket, self._accept)

    def stir(self, topics: Iterable[str]) -> None:
        """Say that what these topics show has changed; the views on them are sent when their clients can take it."""
        changed = frozenset(topics)
        for connection in self.connections:
            connection.stir(changed)

    def announce(self, message: JobChanged | Note) -> None:
        """Send an event to every client that was greeted; one that does not read gets the latest of each job."""
        for connection in self.clients:
            connection.announce(message)

    def has_room(self) -> bool:
        """Whether the unfinished lines of all clients together may still grow."""
        return sum(len(connection.incoming) for connection in self.connections) <= HALF_LINES_MAX

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if not self.connections and self._emptied is not None:
            self._emptied.set()

    async def close(self) -> None:
        """Stop listening, end what is being answered, let everyone go; takes ``PARTING_S`` at most."""
        if self._loop is not None:
            self._loop.remove_reader(self._listener.socket)
            self._loop = None
        self._listener.close()
        self._askers.shutdown(wait=False, cancel_futures=True)
        for task in self._taking:
            task.cancel()
        await asyncio.gather(*self._taking, return_exceptions=True)
        for connection in list(self.connections):
            await connection.cancelled()
            connection.leave(PARTING_S)
        if self.connections:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), 2 * PARTING_S)

    def _accept(self) -> None:
        self._take_from(self._listener.socket, _ACCEPTS_AT_ONCE)

    def _take_from(self, listening: socket.socket, most: int) -> None:
        assert self._loop is not None
        for _ in range(most):
            try:
                sock, _address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    raise
                log.warning("no client can be taken for %.0f s: %s", _BREATH_S, error.strerror)
                self._loop.remove_reader(listening)
                self._loop.call_later(_BREATH_S, self._resume, listening)
                return
            sock.setblocking(False)
            task = self._loop.create_task(self._take(sock))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _names(self, peer: Peer, groups: frozenset[int]) -> Names:
        """Return what a client of a shared worker is called. Raises WorkerError where nobody can tell in time."""
        assert self._loop is not None
        self._asking += 1
        try:
            async with asyncio.timeout(NAMES_S):
                return await self._loop.run_in_executor(self._askers, names_of, peer, groups)
        except (TimeoutError, OSError) as error:
            log.warning("turned away uid %d, pid %d: who it is cannot be looked up", peer.uid, peer.pid)
            raise WorkerError(
                "who you are cannot be looked up now", words=f"no answer within {NAMES_S:.0f} s", remedy="try again"
            ) from error
        finally:
            self._asking -= 1

    def _resume(self, listening: socket.socket) -> None:
        if self._loop is not None and listening is self._listener.socket and listening.fileno() >= 0:
            self._loop.add_reader(listening, self._accept)

    async def _take(self, sock: socket.socket) -> None:
        assert self._loop is not None
        try:
            peer = peer_of(sock)
            groups = groups_of(sock, peer) if self._listener.group is not None else frozenset()
            if not peer.is_trusted and self._listener.group not in groups:
                log.warning("turned away uid %d, pid %d", peer.uid, peer.pid)
                raise WorkerError("this worker belongs to another user", remedy="start your own: kvmtui")
            if len(self.connections) + self._asking >= self.clients_max:
                log.warning("turned away pid %d: %s are connected", peer.pid, plural(self.clients_max, "client"))
                raise WorkerError(
                    f"the worker has {plural(self.clients_max, 'client')} already", remedy="close some of them"
                )
            names = await self._names(peer, groups) if self._listener.group is not None else None
            connection = Connection(self, peer, names)
            self.connections.add(connection)
            try:
                await self._loop.connect_accepted_socket(lambda: connection, sock)
            except OSError:
                self.connections.discard(connection)
                raise
        except WorkerError as error:
            _say(sock, encode(failure(0, error)) + b"\n")
            sock.close()
        except OSError as error:
            log.info("a client vanished at once: %s", error.strerror)
            sock.close()


def _say(sock: socket.socket, line: bytes) -> None:
    """Send a line to someone who is turned away, if it can be had without waiting."""
    try:
        sock.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return
