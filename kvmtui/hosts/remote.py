"""Commands on a host, over its SSH connection."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Sequence

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.channel import ChannelDuplex
from kvmtui.hosts.contract import NoShellError, Ran
from kvmtui.hosts.opening import opened
from kvmtui.model.host import LinkState
from kvmtui.text import clean

AT_ONCE = 4
"""Commands at once on a connection; sshd allows ten sessions by default, and libvirt's may need some of them."""


class Shell:
    """Runs commands where the login has a shell, and knows where it has none."""

    def __init__(self, connection: asyncssh.SSHClientConnection, host: str, user: str) -> None:
        """``host`` is the host's name in the config, ``user`` whom we are there."""
        self._connection = connection
        self._host = host
        self._user = user
        self._refusal = ""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._marker = f"kvmtui-{secrets.token_hex(8)}"

    async def run(self, argv: Sequence[str], *, deadline_s: float, limit_bytes: int) -> Ran:
        """Run ``argv`` with empty input; see Link.run."""
        duplex: ChannelDuplex | None = None
        try:
            async with asyncio.timeout(deadline_s), self._places:
                duplex = await self._begin(argv)
                duplex.write_eof()
                collector = _Collector(limit_bytes)
                duplex.start(collector)
                error = await collector.over
        except TimeoutError:
            text = f"{clean(argv[0], 60)} has not ended after {deadline_s:g} s"
            raise LinkError(text, LinkState.UP, where=self._host) from None
        finally:
            if duplex is not None:
                duplex.abort()
        if error is not None and error.state is LinkState.LOST:
            raise error
        if collector.too_long:
            text = f"{clean(argv[0], 60)} wrote more than {limit_bytes} bytes"
            raise LinkError(text, LinkState.UP, where=self._host)
        status = duplex.status if duplex.status is not None else -1
        out = b"".join(collector.parts).decode(errors="replace")
        return Ran(status, out, duplex.stderr.decode(errors="replace"))

    async def stream(self, argv: Sequence[str], *, deadline_s: float) -> ChannelDuplex:
        """Run ``argv`` and give back its standard input and output. Raises LinkError as ``run`` does."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._begin(argv)
        except TimeoutError:
            text = f"{clean(argv[0], 60)} did not begin within {deadline_s:g} s"
            raise LinkError(text, LinkState.UP, where=self._host) from None

    async def _begin(self, argv: Sequence[str]) -> ChannelDuplex:
        """Begin a command. Its output begins after a line of ours: what a login shell's files write comes before."""
        if self._refusal:
            raise self._no_shell()
        command = f"echo {self._marker} && {shlex.join(argv)}"
        duplex = ChannelDuplex(self._host, self._marker.encode())
        try:
            await opened(self._connection.create_session(lambda: duplex, command, encoding=None, request_pty=False))
            if await duplex.started:
                return duplex
        except asyncssh.ChannelOpenError as error:
            raise LinkError(
                "no command can be begun", LinkState.UP, where=self._host, words=clean(error.reason)
            ) from None
        except (OSError, asyncssh.Error) as error:
            raise LinkError("the link is lost", LinkState.LOST, where=self._host, words=clean(str(error))) from None
        except BaseException:
            duplex.abort()
            raise
        if self._connection.is_closed():
            raise LinkError("the link is lost", LinkState.LOST, where=self._host)
        said = (duplex.preamble.strip() or duplex.stderr.strip()).decode(errors="replace")
        self._refusal = clean(said.splitlines()[-1], 200) if said else f"exit {duplex.status}"
        raise self._no_shell()

    def _no_shell(self) -> NoShellError:
        return NoShellError(f"{self._user} has no shell there", LinkState.UP, where=self._host, words=self._refusal)


class _Collector:
    """Receives all that a command writes, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.parts: list[bytes] = []
        self.too_long = False
        self.over: asyncio.Future[LinkError | None] = asyncio.get_running_loop().create_future()

    def received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self.too_long = True
            self.ended(None)
        else:
            self.parts.append(data)

    def full(self) -> None:
        """Nothing is written."""

    def drained(self) -> None:
        """Nothing is written."""

    def ended(self, error: LinkError | None) -> None:
        if not self.over.done():
            self.over.set_result(error)
