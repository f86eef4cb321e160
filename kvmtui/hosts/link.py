"""One SSH connection to a host."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.channel import ChannelDuplex
from kvmtui.hosts.contract import Duplex, Ran
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState
from kvmtui.model.host_key import HostKey

CONNECT_S = 8.0
KEEPALIVE_S = 2.5
KEEPALIVES = 2


class SshLink:
    """The Link of a host behind SSH."""

    def __init__(
        self,
        name: str,
        uri: HostUri,
        known_hosts: Path,
        agents: Callable[[], tuple[str, ...]],
        identity_file: str = "",
        user_known_hosts: str = "",
    ) -> None:
        self.name = name
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._uri = uri
        self._known_hosts = known_hosts
        self._agents = agents
        self._identity_file = identity_file or uri.keyfile
        self._user_known_hosts = user_known_hosts or uri.known_hosts
        self._connection: asyncssh.SSHClientConnection | None = None

    async def connect(self) -> None:
        """Connect and log in. Raises LinkError."""
        uri = self._uri
        files = [str(self._known_hosts), self._user_known_hosts or os.path.expanduser("~/.ssh/known_hosts")]
        link = self

        class Owner(asyncssh.SSHClient):
            def connection_lost(self, exc: Exception | None) -> None:
                link._lost(exc)

        try:
            self._connection = await asyncssh.connect(
                uri.host,
                uri.port or 22,
                config=None,
                username=uri.user or (),
                client_factory=Owner,
                known_hosts=[name for name in files if os.path.exists(name)],
                client_keys=[self._identity_file] if self._identity_file else (),
                agent_path=next(iter(self._agents()), None) or (),
                agent_forwarding=False,
                connect_timeout=CONNECT_S,
                login_timeout=CONNECT_S,
                keepalive_interval=KEEPALIVE_S,
                keepalive_count_max=KEEPALIVES,
            )
        except TimeoutError:
            raise LinkError("no answer", LinkState.LOST, where=self.name) from None
        except (OSError, asyncssh.Error) as error:
            raise LinkError("no connection", LinkState.LOST, where=self.name, words=str(error)) from None

    async def open_libvirt(self, read_only: bool) -> Duplex:
        """Open libvirt's socket. Raises LinkError."""
        path = self._uri.socket or f"/run/libvirt/libvirt-sock{'-ro' if read_only else ''}"
        if self._connection is None:
            raise LinkError("not connected", LinkState.LOST, where=self.name)
        try:
            _, session = await self._connection.create_unix_connection(
                lambda: ChannelDuplex(self.name), path, encoding=None
            )
        except asyncssh.ChannelOpenError as error:
            raise LinkError("no libvirt", LinkState.NO_LIBVIRT, where=self.name, words=error.reason) from None
        assert isinstance(session, ChannelDuplex)
        return session

    async def run(self, argv: Sequence[str], *, deadline_s: float = 5.0, limit_bytes: int = 262_144) -> Ran:
        """Run a command. Raises LinkError."""
        if self._connection is None:
            raise LinkError("not connected", LinkState.LOST, where=self.name)
        command = " ".join(shlex.quote(word) for word in argv)
        try:
            async with asyncio.timeout(deadline_s):
                done = await self._connection.run(command, encoding=None, stdin=asyncssh.DEVNULL)
        except TimeoutError:
            raise LinkError(f"{argv[0]} does not end", LinkState.UP, where=self.name) from None
        out, err = done.stdout or b"", done.stderr or b""
        assert isinstance(out, bytes)
        assert isinstance(err, bytes)
        status = done.exit_status if done.exit_status is not None else -1
        return Ran(status, out.decode(errors="replace"), err.decode(errors="replace"))

    async def fetch_host_keys(self) -> tuple[HostKey, ...]:
        """The host's key. Raises LinkError."""
        key = await asyncssh.get_server_host_key(self._uri.host, self._uri.port or 22, config=None)
        if key is None:
            raise LinkError("no host key", LinkState.LOST, where=self.name)
        return (
            HostKey(
                host=self.name,
                address=self._uri.host,
                port=self._uri.port or 22,
                algorithm=key.get_algorithm(),
                fingerprint=key.get_fingerprint(),
                state="unknown",
            ),
        )

    def abort(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.abort()
        self._lost(None)

    def _lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(LinkError("the link is lost", LinkState.LOST, where=self.name, words=str(exc or "")))
