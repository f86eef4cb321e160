"""A Duplex over a channel of an SSH connection."""

from __future__ import annotations

import asyncio

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Receiver
from kvmtui.model.host import LinkState
from kvmtui.text import clean

STDERR_MAX = 65_536
"""Bytes of a command's standard error that are kept."""
PREAMBLE_MAX = 65_536
"""Bytes that a login shell may write before a command of ours begins."""
CLOSING_S = 1.0
"""How long a command that has closed its output may take to say its last words."""


class ChannelDuplex(asyncssh.SSHUNIXSession[bytes], asyncssh.SSHClientSession[bytes]):
    """The bytes of a forwarded socket, or of a command's standard input and output."""

    def __init__(self, host: str, marker: bytes = b"") -> None:
        """With a ``marker`` this is a command's channel: what comes before and with that line is not the command's."""
        self._host = host
        self._marker = marker
        self._is_command = bool(marker)
        self._channel: asyncssh.SSHUNIXChannel[bytes] | asyncssh.SSHClientChannel[bytes] | None = None
        self._receiver: Receiver | None = None
        self._early = b""
        self._delivered = False
        self._over = False
        self._error: LinkError | None = None
        self.stderr = b""
        self.status: int | None = None
        """Exit status of the command; -1 if a signal ended it."""
        self.started: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Done when the marker was seen, or with False when the channel has ended without it."""
        if not marker:
            self.started.set_result(True)

    @property
    def preamble(self) -> bytes:
        """What came instead of the marker."""
        return self._early if self._marker else b""

    # --- Duplex -------------------------------------------------------------------------------------------------

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver."""
        if self._early and not self._marker:
            early, self._early = self._early, b""
            receiver.received(early)
        if self._over:
            receiver.ended(self._error)
            return
        self._receiver = receiver
        if self._channel is not None:
            self._channel.resume_reading()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def write_eof(self) -> None:
        """Say that nothing more will be sent."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_eof()

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

    def break_off(self, error: LinkError) -> None:
        """End now, and say so to who receives."""
        receiver = self._receiver
        self.abort()
        if not self._over:
            self._over, self._error = True, error
            if receiver is not None:
                receiver.ended(error)

    # --- asyncssh's session -------------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHUNIXChannel[bytes] | asyncssh.SSHClientChannel[bytes]) -> None:
        """Hold everything until somebody takes it, but for a command's first line."""
        self._channel = chan
        if not self._marker:
            chan.pause_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Deliver what the host sends; keep the beginning of what a command says on standard error."""
        if datatype is not None:
            self.stderr += data[: STDERR_MAX - len(self.stderr)]
        elif self._receiver is not None:
            self._delivered = True
            self._receiver.received(data)
        elif self._marker:
            self._look_for_marker(data)
        else:
            self._early += data

    def eof_received(self) -> bool:
        """The host has closed its side, for which libvirt's protocol has no other use than to end."""
        if self._is_command:
            asyncio.get_running_loop().call_later(CLOSING_S, self._finish, None)
        else:
            self._finish(None)
        return False

    def exit_status_received(self, status: int) -> None:
        """The command has ended."""
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """The command was killed."""
        self.status = -1

    def pause_writing(self) -> None:
        """The channel's window is used up."""
        if self._receiver is not None:
            self._receiver.full()

    def resume_writing(self) -> None:
        """There is room in the channel's window again."""
        if self._receiver is not None:
            self._receiver.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone, alone or with its connection."""
        self._channel = None
        self._finish(exc)

    def _look_for_marker(self, data: bytes) -> None:
        self._early += data
        before, found, after = self._early.partition(self._marker + b"\n")
        if found:
            self._marker = b""
            self._early = after
            self.pause()
            if not self.started.done():
                self.started.set_result(True)
        elif len(before) > PREAMBLE_MAX:
            self.abort()
            self._finish(None)

    def _finish(self, exc: Exception | None) -> None:
        if self._over:
            return
        self._over = True
        words = clean(self.stderr.decode(errors="replace").strip(), 300)
        if exc is not None:
            self._error = LinkError("the link is lost", LinkState.LOST, where=self._host, words=clean(str(exc)))
        elif self._is_command and not self._delivered and (self.status or words):
            # what a program says of its end once it has carried something is about that end, and no trouble
            words = words or f"exit {self.status}"
            self._error = LinkError(
                "libvirt does not answer there", LinkState.NO_LIBVIRT, where=self._host, words=words
            )
        if not self.started.done():
            self.started.set_result(False)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.ended(self._error)
