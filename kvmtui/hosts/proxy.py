"""The ProxyCommand of ssh: a program whose standard streams are the way to the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess

from kvmtui.text import clean

WORDS_MAX = 2_048
"""Bytes of its standard error that are kept."""


class Proxy(asyncio.SubprocessProtocol):
    """A running ProxyCommand. asyncssh's own takes what the program says on standard error for bytes of the host."""

    def __init__(self) -> None:
        self._transport: asyncio.SubprocessTransport | None = None
        self._said = b""

    @classmethod
    async def start(cls, command: str) -> tuple[socket.socket, Proxy]:
        """Start ``command`` as ssh does; return the near end of its input and output, and what ends it.

        Raises OSError if it cannot be started.
        """
        near, far = socket.socketpair()
        near.setblocking(False)
        try:
            _, proxy = await asyncio.get_running_loop().subprocess_exec(
                cls,
                "/bin/sh",
                "-c",
                f"exec {command}",
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            near.close()
            raise
        finally:
            far.close()
        return near, proxy

    @property
    def words(self) -> str:
        """The last line it said on standard error."""
        lines = self._said.decode(errors="replace").strip().splitlines()
        return clean(lines[-1], 200) if lines else ""

    def end(self) -> None:
        """Kill it with all that it has started. Idempotent."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
        transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._said = (self._said + data)[-WORDS_MAX:]
