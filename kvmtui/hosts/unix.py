"""A Duplex over a socket of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Receiver

BUFFER_BYTES = 1 << 18
"""Bytes that may wait for a daemon that does not read, before libvirt's client is held."""


class SocketDuplex(asyncio.Protocol):
    """The bytes of libvirt's own socket."""

    def __init__(self, gone: Callable[[SocketDuplex], None]) -> None:
        """``gone`` is called once it has ended, whoever ended it."""
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._early = b""
        self._error: LinkError | None = None
        self._gone = gone

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver."""
        early, self._early = self._early, b""
        if early:
            receiver.received(early)
        if self._transport is None:
            receiver.ended(self._error)
            return
        self._receiver = receiver
        self._transport.resume_reading()

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

    def break_off(self, error: LinkError) -> None:
        """End now, and say so to who receives."""
        receiver, self._error = self._receiver, error
        self.abort()
        if receiver is not None:
            receiver.ended(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)
        elif self._transport is not None:
            self._early += data
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
        self._gone(self)
