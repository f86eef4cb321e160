"""This machine as a host: libvirt's sockets beside us, commands run directly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Duplex, Ran, Receiver
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState
from kvmtui.model.host_key import HostKey

SYSTEM_FOLDER = Path("/run/libvirt")
OPEN_S = 5.0
"""Deadline of a connect to a local socket, whose backlog may be full."""


class LocalLink:
    """The Link of this machine. It is up as long as we are."""

    def __init__(self, name: str, uri: HostUri, environ: Mapping[str, str] = os.environ) -> None:
        self.name = name
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._uri = uri
        self._environ = environ
        self._open: set[SocketDuplex] = set()

    async def connect(self) -> None:
        """Nothing to do: there is no way to go."""

    async def open_libvirt(self, read_only: bool) -> Duplex:
        """Open libvirt's socket. Raises LinkError: NO_LIBVIRT, or NEEDS_YOU if we may not."""
        path = SYSTEM_FOLDER / ("libvirt-sock-ro" if read_only else "libvirt-sock")
        try:
            async with asyncio.timeout(OPEN_S):
                _, duplex = await asyncio.get_running_loop().create_unix_connection(SocketDuplex, str(path))
        except TimeoutError:
            raise LinkError("libvirt takes no connection", LinkState.NO_LIBVIRT, where=self.name) from None
        except OSError as error:
            words = error.strerror or ""
            raise LinkError("no libvirt", LinkState.NO_LIBVIRT, where=self.name, words=words) from None
        self._open.add(duplex)
        duplex.gone = self._open.discard
        return duplex

    async def run(self, argv: Sequence[str], *, deadline_s: float = 5.0, limit_bytes: int = 262_144) -> Ran:
        """Run a command here. Raises LinkError with state UP if it cannot be run, or not within the bounds."""
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(deadline_s):
                out, err = await process.communicate()
        except TimeoutError:
            raise LinkError(f"{argv[0]} does not end", LinkState.UP, where=self.name) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return Ran(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def fetch_host_keys(self) -> tuple[HostKey, ...]:
        """(): nothing lies between us and this machine."""
        return ()

    def abort(self) -> None:
        """End every duplex that was opened here."""
        for duplex in tuple(self._open):
            duplex.abort()
        if not self.closed.done():
            self.closed.set_result(LinkError("closed", LinkState.LOST, where=self.name))


class SocketDuplex(asyncio.Protocol):
    """A Duplex over a local socket."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._early: list[bytes] = []
        self.gone: Callable[[SocketDuplex], None] | None = None

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver."""
        self._receiver = receiver
        for data in self._early:
            receiver.received(data)
        self._early.clear()
        if self._transport is not None:
            self._transport.resume_reading()
        else:
            receiver.ended(None)

    def write(self, data: bytes) -> None:
        """Send."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Deliver nothing for now."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Deliver again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what is written, then end."""
        self._receiver = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        self._receiver = None
        transport, self._transport = self._transport, None
        if transport is not None:
            sock = transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)
        elif self._transport is not None:
            self._early.append(data)
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.full()

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.ended(None)
        if self.gone is not None:
            self.gone(self)
