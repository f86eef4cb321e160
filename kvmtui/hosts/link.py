"""One SSH connection to a host."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Duplex, Ran
from kvmtui.hosts.far import FarEnd
from kvmtui.hosts.hops import Hop, Hops
from kvmtui.hosts.host_keys import KnownHosts, Verdict
from kvmtui.hosts.login import KEEPALIVE_S, KEEPALIVES_LOST, Login, fetch_key, log_in
from kvmtui.hosts.remote import Shell
from kvmtui.hosts.ssh_config import SshConfig, Target
from kvmtui.hosts.tcp import Dialer
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState
from kvmtui.model.host_key import HostKey
from kvmtui.text import clean


@dataclass(frozen=True)
class Shared:
    """What all SSH links of a loop share."""

    config: SshConfig
    hops: Hops
    known: KnownHosts
    dialer: Dialer
    agents: Callable[[], tuple[str, ...]]
    """Agent sockets that may be asked now, best first."""


class SshLink:
    """The Link of a host behind SSH."""

    def __init__(
        self,
        name: str,
        uri: HostUri,
        shared: Shared,
        *,
        identity_file: str = "",
        known_hosts: str = "",
        jump: str = "",
    ) -> None:
        """The last three are the config's, and go before what the URI or ssh's configuration say; "" for not given.

        A ``jump`` of "none" goes straight, whatever ssh's configuration says.
        """
        self.name = name
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._uri = uri
        self._shared = shared
        self._identity_file = identity_file or uri.keyfile
        self._known_hosts = known_hosts or uri.known_hosts
        self._jump = jump
        self._connection: asyncssh.SSHClientConnection | None = None
        self._hop: Hop | None = None
        self._shell: Shell | None = None
        self._far: FarEnd | None = None

    async def connect(self) -> None:
        """Connect and log in. Raises LinkError: LOST, or NEEDS_YOU for host keys, our keys and refused logins."""
        target, route = await self._resolve()
        login = self._login()
        hop = await self._shared.hops.through(route, login)
        try:
            async with self._shared.hops.gate((*route, target)):
                tunnel = hop.connection if hop is not None else None
                connection = await log_in(login, target, tunnel, self._lost)
        except BaseException:
            if hop is not None:
                hop.release()
            raise
        self._hop, self._connection = hop, connection
        self._shell = Shell(connection, self.name, target.user)
        self._far = FarEnd(connection, self._shell, self._uri, self.name, target.user)
        if self.closed.done():  # lost or aborted meanwhile
            self.abort()
            raise self._why()

    async def open_libvirt(self, read_only: bool) -> Duplex:
        """Open libvirt's socket. Raises LinkError: NO_LIBVIRT, NEEDS_YOU if we may not, LOST."""
        if self._far is None or self.closed.done():
            raise self._why()
        return await self._far.open(read_only)

    async def run(self, argv: Sequence[str], *, deadline_s: float = 5.0, limit_bytes: int = 262_144) -> Ran:
        """Run a command on the host. Raises LinkError as the contract says."""
        if self._shell is None or self.closed.done():
            raise self._why()
        return await self._shell.run(argv, deadline_s=deadline_s, limit_bytes=limit_bytes)

    async def fetch_host_keys(self) -> tuple[HostKey, ...]:
        """Ask each jump host and the host for its key. Raises LinkError if the first of them does not answer."""
        target, route = await self._resolve()
        keys: list[HostKey] = []
        login = self._login()
        hop: Hop | None = None
        try:
            for number, place in enumerate((*route, target)):
                jump = number < len(route)
                tunnel = hop.connection if hop is not None else None
                try:
                    async with self._shared.hops.gate((*route, target)):
                        shown = await fetch_key(dataclasses.replace(login, jump=jump), place, tunnel)
                    keys.append(self._host_key(place, shown, jump=jump))
                    if jump:
                        before, hop = hop, await self._shared.hops.through(route[: number + 1], login)
                        if before is not None:
                            before.release()
                except LinkError:
                    if not keys:
                        raise
                    break
        finally:
            if hop is not None:
                hop.release()
        return tuple(keys)

    def abort(self) -> None:
        """End the connection now. Idempotent."""
        self._end(LinkError("closed", LinkState.LOST, where=self.name))

    def _lost(self, error: Exception | None) -> None:
        """The connection is gone, and not by our doing."""
        words = error.reason if isinstance(error, asyncssh.DisconnectError) else str(error or "")
        if "keepalive" in words:
            text, words = "no answer any more", f"silent for {KEEPALIVE_S * (KEEPALIVES_LOST + 1):g} s"
        else:
            text = "the connection broke" if error is not None else "the host closed the connection"
        remedy = "is the host up, and the network on the way to it?"
        self._end(LinkError(text, LinkState.LOST, where=self.name, words=clean(words), remedy=remedy))

    def _end(self, error: LinkError) -> None:
        if not self.closed.done():
            self.closed.set_result(error)
        if self._far is not None:
            self._far.break_off(self._why())
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        hop, self._hop = self._hop, None
        if hop is not None:
            hop.release()

    def _why(self) -> LinkError:
        """A fresh copy of why it is closed: an error that is raised twice gathers tracebacks."""
        if not self.closed.done():
            return LinkError("not connected", LinkState.LOST, where=self.name)
        error = self.closed.result()
        return LinkError(error.text, error.state, where=self.name, words=error.words, remedy=error.remedy)

    def _login(self) -> Login:
        return Login(
            host=self.name,
            known=self._shared.known,
            dialer=self._shared.dialer,
            agents=self._shared.agents(),
            identity_file=self._identity_file,
            known_hosts=self._known_hosts,
        )

    async def _resolve(self) -> tuple[Target, tuple[Target, ...]]:
        """Return what to log in to, with the jump hosts before it."""
        uri = self._uri
        try:
            target = await self._shared.config.resolve(
                uri.host, user=uri.user, port=uri.port, identity_file=self._identity_file
            )
            if self._jump:
                words = () if self._jump.lower() == "none" else tuple(w for w in self._jump.split(",") if w)
                target = dataclasses.replace(target, jump=words, proxy_command="")
            return target, await self._shared.hops.route(target.jump)
        except LinkError as error:
            raise LinkError(error.text, error.state, where=self.name, words=error.words, remedy=error.remedy) from None

    def _host_key(self, target: Target, shown: tuple[asyncssh.SSHKey, Verdict, str], *, jump: bool) -> HostKey:
        key, verdict, place = shown
        return HostKey(
            host=target.alias if jump else self.name,
            address=target.host_key_alias or target.host.lower(),
            port=target.port,
            algorithm=key.get_algorithm(),
            fingerprint=key.get_fingerprint(),
            state=verdict.value if verdict in {Verdict.KNOWN, Verdict.UNKNOWN} else Verdict.CHANGED.value,
            where=place if verdict in {Verdict.CHANGED, Verdict.REVOKED} else "",
        )
