"""The near end of a libvirt socket: ours, so that it can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Duplex
from kvmtui.model.host import LinkState

PATH_MAX = 107
"""Bytes of a Unix socket's path (sun_path, less its NUL)."""
BUFFER_BYTES = 1 << 18
"""Bytes that may wait for a near end that does not read, before the far end is held."""


class Relay:
    """One libvirt connection: a socket of ours in front, libvirt's socket on the host behind it.

    ``open`` opens the far end first, so that whatever is wrong with the host is raised there; then it listens on a
    path in ``folder``, takes exactly one connection, unlinks the path, and pumps. Cutting it turns any call that is
    stuck in that libvirt connection into an error within a millisecond.

    Made and used in the hosts loop.
    """

    def __init__(
        self,
        open_libvirt: Callable[[bool], Awaitable[Duplex]],
        folder: Path,
        *,
        read_only: bool = False,
        scope: str = "system",
        ending: Callable[[], None] | None = None,
    ) -> None:
        """``ending`` is called once, right before the near end is closed, for whatever reason: a migration cuts its
        source there, before the client can hear that its destination is gone."""
        self._open_libvirt = open_libvirt
        self._folder = folder
        self._read_only = read_only
        self._scope = scope
        self._ending = ending
        self._path: Path | None = None
        self._own_folder: Path | None = None
        self._listener: socket.socket | None = None
        self._accepted: socket.socket | None = None
        self._taking: asyncio.Task[None] | None = None
        self._opening: asyncio.Future[Duplex] | None = None
        self._far: Duplex | None = None
        self._near: _Near | None = None
        self.over = False
        """It has ended; nothing goes through it any more."""
        self.error: LinkError | None = None
        """Why it ended, if the host or the link ended it."""

    @property
    def uri(self) -> str:
        """The URI under which libvirt's client finds it, once ``open`` has returned. Open it read-only if it is."""
        if self._path is None:
            raise RuntimeError("the relay is not open")
        return f"qemu+unix:///{self._scope}?socket={quote(str(self._path))}"

    async def open(self) -> None:
        """Open the far end, then listen. Raises LinkError, also if it is cut meanwhile."""
        if self.over:
            raise LinkError("cut before it was opened", LinkState.LOST)
        self._opening = asyncio.ensure_future(self._open_libvirt(self._read_only))
        try:
            self._far = await self._opening
            if not self.over:
                self._listen()
        except asyncio.CancelledError:
            self._opening.add_done_callback(_abandon)
            task = asyncio.current_task()
            if not self.over or (task is not None and task.cancelling()):
                self.cut()
                raise
        except LinkError as error:
            self._end(error)
            raise
        except OSError as error:
            self.cut()
            words = error.strerror or str(error)
            raise LinkError("no socket for libvirt can be made here", LinkState.LOST, words=words) from None
        if self.over:
            self.cut()
            raise self.error or LinkError("cut while it was opened", LinkState.LOST)

    def cut(self) -> None:
        """End both ends now. May be called at any moment in the hosts loop, any number of times."""
        self._end(None)
        if self._near is not None:
            self._near.sever()
        elif self._accepted is not None:
            _shut(self._accepted)
        if self._far is not None:
            self._far.abort()

    def _listen(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = secrets.token_hex(4)
        path = self._folder / name
        if len(os.fsencode(path)) > PATH_MAX:
            self._own_folder = Path(tempfile.mkdtemp(prefix="kvmtui-", dir="/tmp"))
            path = self._own_folder / name
        self._path = path
        # not asyncio's server: what that has accepted when it is closed stays open, and its client waits for ever
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.bind(os.fsencode(path))
        self._listener.listen(1)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Take the first connection; there is no second one."""
        if self._listener is None:
            return
        try:
            self._accepted, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:  # no descriptor is left: it would wake us for ever
            self.cut()
            return
        self._stop_listening()
        self._taking = asyncio.ensure_future(self._take(self._accepted))

    async def _take(self, accepted: socket.socket) -> None:
        _, near = await asyncio.get_running_loop().connect_accepted_socket(_Near, accepted)
        self._near = near
        if self.over or self._far is None:
            near.sever()
        else:
            near.pump(self._far, self._end)

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(RuntimeError):  # no loop runs any more
                asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            self._own_folder = None

    def _end(self, error: LinkError | None) -> None:
        """Be over, and say so; what remains of the two ends is closed by who calls."""
        if self.over:
            return
        self.over = True
        self.error = error
        if self._ending is not None:
            self._ending()
        if self._opening is not None:
            self._opening.cancel()
        self._stop_listening()


class _Near(asyncio.Protocol):
    """libvirt's client as it connects to a relay, and the Receiver of what the host sends it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._far: Duplex | None = None
        self._end: Callable[[LinkError | None], None] | None = None

    def pump(self, far: Duplex, end: Callable[[LinkError | None], None]) -> None:
        """Pump to and from ``far``; ``end`` is called when one of the two has ended, before the other one is."""
        self._far, self._end = far, end
        far.start(self)
        if self._transport is None:  # it has gone in the meantime
            self.connection_lost(None)
        else:
            self._transport.resume_reading()

    def sever(self) -> None:
        """Close the socket now: a transport's own abort waits for the next turn of the loop."""
        transport, self._transport = self._transport, None
        self._far = None
        if transport is None:
            return
        _shut(transport.get_extra_info("socket"))
        transport.abort()

    # --- asyncio.Protocol: libvirt's client ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self._far is not None:
            self._far.write(data)

    def pause_writing(self) -> None:
        if self._far is not None:
            self._far.pause()

    def resume_writing(self) -> None:
        if self._far is not None:
            self._far.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        far, self._far = self._far, None
        if far is not None and self._end is not None:
            self._end(None)
            far.close()

    # --- Receiver: the host -------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Hand bytes of the host to libvirt's client."""
        if self._transport is not None:
            self._transport.write(data)

    def full(self) -> None:
        """Read nothing from libvirt's client: the host does not take more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def drained(self) -> None:
        """Read from libvirt's client again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def ended(self, error: LinkError | None) -> None:
        """The host has closed, or is lost: so is this end, in good order as soon as what came before is read."""
        self._far = None
        if self._end is not None:
            self._end(error)
        if error is not None:
            self.sever()
        elif self._transport is not None:
            self._transport.close()


def _abandon(opening: asyncio.Future[Duplex]) -> None:
    """Close what came about in the very moment in which nobody wanted it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().abort()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
