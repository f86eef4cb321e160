"""One login: from a resolved target to an SSH connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts import refusals
from kvmtui.hosts.host_keys import Found, KnownHosts, Verdict
from kvmtui.hosts.identities import Identities
from kvmtui.hosts.opening import opened
from kvmtui.hosts.proxy import Proxy
from kvmtui.hosts.ssh_config import Target
from kvmtui.hosts.tcp import Dialer
from kvmtui.text import clean

ANSWER_S = 8.0
"""For everything from the first packet to the end of the login, but the time that an agent takes to sign."""
KEEPALIVE_S = 2.5
KEEPALIVES_LOST = 2
"""A host that says nothing for three times KEEPALIVE_S is lost: keep-alives that go unanswered, then one more wait."""
WINDOW_BYTES = 2 * 1024 * 1024
"""Bytes of a channel that may be under way, or wait for somebody to take them."""
_KEY_ALGORITHMS = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
"""Kinds of host keys, best first: OpenSSH's own list, which its configuration may shorten."""
_CERTIFICATES = tuple(f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com" for name in _KEY_ALGORITHMS)


_CIPHERS = (
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
    "aes128-ctr", "aes192-ctr", "aes256-ctr",
)  # fmt: skip
"""Those with help from the CPU first: half as fast again as asyncssh's first choice, at less of our time."""


@dataclass(frozen=True)
class Login:
    """What a login needs beside its target."""

    host: str
    """Name in the config of the host that this is for; the target is that host, or a jump host on the way to it."""
    known: KnownHosts
    dialer: Dialer
    agents: Sequence[str] = ()
    """Sockets of agents that may be asked."""
    identity_file: str = ""
    """A key file named for this host in the config or its URI."""
    known_hosts: str = ""
    """A known_hosts file named for this host, instead of the user's."""
    jump: bool = False
    """The target is a jump host."""


async def log_in(
    login: Login,
    target: Target,
    tunnel: asyncssh.SSHClientConnection | None,
    lost: Callable[[Exception | None], None],
) -> asyncssh.SSHClientConnection:
    """Log in to ``target``, through ``tunnel`` if there is one.

    ``lost`` is called once when the connection that was returned ends: with what ended it, or None if we did.
    Raises LinkError: LOST if the host does not answer; NEEDS_YOU for its key, for ours and for a refused login.
    """
    found = await asyncio.to_thread(login.known.find, target, login.known_hosts, beside=login.jump)
    patience = _Patience()
    identities = Identities(target, login.agents, configured=login.identity_file, waiting=patience.waiting)
    owner = _Owner(identities, lost)
    keys = [key for key, _ in (*found.keys, *found.elsewhere)]
    trusted = (keys, [key for key, _ in found.authorities], [key for key, _ in found.revoked])
    algorithms = (*(_CERTIFICATES if found.authorities else ()), *_algorithms(found, target))
    try:
        async with patience.deadline:
            connection = await _connect(login, target, tunnel, owner, trusted, algorithms)
            owner.up = True
        return connection
    except (TimeoutError, OSError, ValueError, LinkError, asyncssh.Error) as error:
        if owner.shown is not None:
            login.known.show(target, owner.shown)
        raise _refusal(login, target, found, owner, error) from None
    finally:
        identities.close()


async def fetch_key(
    login: Login, target: Target, tunnel: asyncssh.SSHClientConnection | None
) -> tuple[asyncssh.SSHKey, Verdict, str]:
    """Return the key that ``target`` shows, what is known of it, and where; nobody is logged in.

    The key is remembered as shown, so that it may be trusted. Raises LinkError with LOST if there is no answer.
    """
    found = await asyncio.to_thread(login.known.find, target, login.known_hosts, beside=login.jump)
    owner = _Owner(None, None)
    try:
        async with asyncio.timeout(ANSWER_S):
            connection = await _connect(login, target, tunnel, owner, ([], [], []), _algorithms(found, target))
            connection.abort()
    except (TimeoutError, OSError, ValueError, LinkError, asyncssh.Error) as error:
        if owner.shown is None:
            raise _refusal(login, target, found, owner, error) from None
    assert owner.shown is not None
    login.known.show(target, owner.shown)
    return owner.shown, *found.judge(owner.shown)


class _Patience:
    """The deadline of a login, which stands still while an agent signs: that may wait for its user's finger."""

    def __init__(self) -> None:
        self.deadline = asyncio.timeout(ANSWER_S)
        self._left: float | None = None

    def waiting(self, seconds: float) -> None:
        """Wait for at most ``seconds``; 0 goes on with what was left before."""
        when, now = self.deadline.when(), asyncio.get_running_loop().time()
        with contextlib.suppress(RuntimeError):  # the login is over, one way or the other
            if seconds and self._left is None and when is not None:
                self._left = when - now
                self.deadline.reschedule(now + seconds + self._left)
            elif not seconds and self._left is not None:
                self.deadline.reschedule(now + self._left)
                self._left = None


class _Tunnel:
    """A jump host's connection as asyncssh takes one to connect through."""

    def __init__(self, jump: asyncssh.SSHClientConnection) -> None:
        self._jump = jump

    async def create_connection(
        self, session_factory: Callable[[], asyncssh.SSHTCPSession[bytes]], host: str, port: int
    ) -> tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]:
        return await opened(self._jump.create_connection(session_factory, host, port, encoding=None))

    def close(self) -> None:
        """The jump host serves others too."""

    async def wait_closed(self) -> None:
        """Nothing was closed."""


class _Owner(asyncssh.SSHClient):
    """What a connection asks, and what it tells, on its way up."""

    def __init__(self, identities: Identities | None, lost: Callable[[Exception | None], None] | None) -> None:
        self.identities = identities
        self._lost = lost
        self.up = False
        self.reached = False
        """Something took the connection."""
        self.met = False
        """The host's key was good."""
        self.shown: asyncssh.SSHKey | None = None
        """The host's key, if it is none of those known."""
        self.methods: list[str] = []
        """Ways to log in that the host offers."""
        self.banner = ""
        self.proxy: Proxy | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.reached = True

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is none of those known: it is never good, only remembered."""
        self.shown = key
        return False

    def begin_auth(self, username: str) -> None:
        self.met = True

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banner = clean(msg.strip(), 120)

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        self._offered("publickey")
        return await self.identities.next() if self.identities is not None else None

    def password_auth_requested(self) -> None:
        self._offered("password")

    def kbdint_auth_requested(self) -> None:
        self._offered("keyboard-interactive")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.proxy is not None:
            self.proxy.end()
        if self.up and self._lost is not None:
            self._lost(exc)

    def _offered(self, method: str) -> None:
        if method not in self.methods:
            self.methods.append(method)


def _algorithms(found: Found, target: Target) -> tuple[str, ...]:
    """Kinds of host keys to accept, those first that are known of this host, so that it shows a key we can judge."""
    allowed = target.host_key_algorithms
    names = tuple(name for name in _KEY_ALGORITHMS if name in allowed) if allowed else _KEY_ALGORITHMS
    if "ssh-rsa" in allowed:
        names += ("ssh-rsa",)
    names = names or _KEY_ALGORITHMS
    known = {algorithm.decode() for key, _ in (*found.keys, *found.elsewhere) for algorithm in key.sig_algorithms}
    return (*(name for name in names if name in known), *(name for name in names if name not in known))


async def _connect(
    login: Login,
    target: Target,
    tunnel: asyncssh.SSHClientConnection | None,
    owner: _Owner,
    trusted: tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]],
    algorithms: Sequence[str],
) -> asyncssh.SSHClientConnection:
    """Connect with nothing left to asyncssh's own ideas: no configuration, no default keys, hosts or agents."""
    sock = None
    if tunnel is None and target.proxy_command:
        sock, owner.proxy = await Proxy.start(target.proxy_command)
    elif tunnel is None:
        sock = await login.dialer.dial(target.host, target.port, family=target.family, bind=target.bind_address)
    try:
        return await asyncssh.connect(
            target.host,
            target.port,
            config=None,
            sock=sock,
            tunnel=_Tunnel(tunnel) if tunnel is not None else None,
            username=target.user,
            client_factory=lambda: owner,
            known_hosts=trusted,
            host_key_alias=target.host_key_alias or None,
            server_host_key_algs=list(algorithms),
            x509_trusted_certs=None,
            client_keys=None,
            agent_forwarding=False,
            host_based_auth=False,
            gss_host=None,
            preferred_auth="publickey,keyboard-interactive,password",
            encryption_algs=_CIPHERS,
            compression_algs=None,
            login_timeout=0,
            connect_timeout=None,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES_LOST,
        )
    except BaseException:
        if sock is not None and not owner.reached:  # else it is the connection's, which has closed it
            sock.close()
        if owner.proxy is not None:
            owner.proxy.end()
        raise


def _refusal(login: Login, target: Target, found: Found, owner: _Owner, error: Exception) -> LinkError:
    """The error in words that say what was met on the way, and what to do."""
    if isinstance(error, LinkError):
        told = error
    elif isinstance(error, TimeoutError):
        told = refusals.silence(target, reached=owner.reached, met=owner.met)
    elif isinstance(error, asyncssh.HostKeyNotVerifiable):
        told = refusals.host_key(login.host, target, owner.shown, found, str(error))
    elif owner.met and isinstance(error, asyncssh.DisconnectError) and not isinstance(error, asyncssh.ConnectionLost):
        told = refusals.login(target, owner.identities, owner.methods, owner.banner, error)
    else:
        said = owner.proxy.words if owner.proxy is not None else ""
        told = refusals.broken(target, error, reached=owner.reached, said=said)
    text = f"jump host {target.alias}: {told.text}" if login.jump else told.text
    return LinkError(text, told.state, where=login.host, words=clean(told.words), remedy=told.remedy)
