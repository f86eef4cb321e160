"""A Duplex over a channel of an SSH connection."""

from __future__ import annotations

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Receiver
from kvmtui.model.host import LinkState
from kvmtui.text import clean

STDERR_MAX = 4_096
"""Bytes of a command's standard error that are kept."""


class ChannelDuplex(asyncssh.SSHUNIXSession[bytes], asyncssh.SSHClientSession[bytes]):
    """The bytes of a forwarded socket, or of a command's standard input and output."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._channel: asyncssh.SSHUNIXChannel[bytes] | asyncssh.SSHClientChannel[bytes] | None = None
        self._receiver: Receiver | None = None
        self._stderr = b""

    # --- Duplex -------------------------------------------------------------------------------------------------

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver."""
        if self._channel is None:
            receiver.ended(self._why(None))
            return
        self._receiver = receiver
        self._channel.resume_reading()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def pause(self) -> None:
        """Deliver nothing for now; the channel's window bounds what arrives."""
        if self._channel is not None:
            self._channel.pause_reading()

    def resume(self) -> None:
        """Deliver again."""
        if self._channel is not None:
            self._channel.resume_reading()

    def close(self) -> None:
        """Send what is written, then end."""
        self._receiver = None
        if self._channel is not None:
            self._channel.close()

    def abort(self) -> None:
        """End now."""
        self._receiver = None
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.abort()

    # --- asyncssh's session -------------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHUNIXChannel[bytes] | asyncssh.SSHClientChannel[bytes]) -> None:
        """Hold everything until somebody takes it."""
        self._channel = chan
        chan.pause_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Deliver what the host sends; keep the beginning of what it says on standard error."""
        if datatype is not None:
            self._stderr += data[: STDERR_MAX - len(self._stderr)]
        elif self._receiver is not None:
            self._receiver.received(data)

    def eof_received(self) -> bool:
        """The host has closed its side: libvirt's protocol has no use for the other half."""
        self._finish(None)
        return False

    def pause_writing(self) -> None:
        """The channel's window is used up."""
        if self._receiver is not None:
            self._receiver.full()

    def resume_writing(self) -> None:
        """There is room in the channel's window again."""
        if self._receiver is not None:
            self._receiver.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone, with or without its connection."""
        self._channel = None
        self._finish(exc)

    def _finish(self, exc: Exception | None) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.ended(self._why(exc))

    def _why(self, exc: Exception | None) -> LinkError | None:
        if exc is not None:
            return LinkError("the link is lost", LinkState.LOST, where=self._host, words=clean(str(exc)))
        words = clean(self._stderr.decode(errors="replace").strip())
        if not words:
            return None
        return LinkError("libvirt's end has closed", LinkState.NO_LIBVIRT, where=self._host, words=words)
