"""An SSH server in this process, whose host is this machine: for what every link must do, without the lab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh


class _Server(asyncssh.SSHServer):
    """Lets the right key in, forwards sockets."""

    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._sshd.connections.append(conn)
        self._sshd.met.set()

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


class Sshd:
    """The server, with a user's home that may log in to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.met = asyncio.Event()
        """Somebody has connected."""
        self.port = 0
        self.identity = folder / "id"
        self.known_hosts = folder / "known_hosts"

    @property
    def uri(self) -> str:
        """Where it is, without path."""
        return f"qemu+ssh://somebody@127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Sshd]:
        """Serve until the block ends."""
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        user_key = asyncssh.generate_private_key("ssh-ed25519")
        user_key.write_private_key(self.identity)
        self.identity.chmod(0o600)
        user_key.write_public_key(self.folder / "authorized")
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(self),
            server_host_keys=[host_key],
            authorized_client_keys=str(self.folder / "authorized"),
            process_factory=_run,
            encoding=None,
        )
        self.port = server.get_port()
        public = host_key.export_public_key("openssh").decode()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")
        try:
            yield self
        finally:
            server.close()
            for connection in self.connections:
                connection.abort()
            await server.wait_closed()
            for connection in self.connections:
                await connection.wait_closed()


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run a command as a login shell does."""
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        process.command or "exit 1",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    feeding = asyncio.create_task(_copy(process.stdin, child.stdin))
    try:
        await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
        process.exit(await child.wait())
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child._transport.close()  # type: ignore[attr-defined]  # else a pipe that nobody reads keeps wait() waiting
        await child.wait()


async def _copy(source: Any, sink: Any) -> None:
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    if isinstance(sink, asyncio.StreamWriter):
        sink.close()
