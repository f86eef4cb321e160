"""Jump hosts: each logged in to once, shared by all that lie behind it."""

from __future__ import annotations

import asyncio
import dataclasses
import weakref
from collections.abc import Callable, Sequence

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.login import Login, log_in
from kvmtui.hosts.refusals import trust_command
from kvmtui.hosts.ssh_config import SshConfig, Target, parse_jump
from kvmtui.model.host import LinkState

AT_ONCE = 10
"""Logins at once to one address: sshd drops bursts (MaxStartups 10:30:100)."""
LEAVE_S = 0.1
"""How long a login counts after its end: for sshd it is still one of those under way for a moment."""
DEPTH_MAX = 8
"""Jump hosts in a row."""
LINGER_S = 10.0
"""How long a jump host stays connected when nobody is behind it any more."""


class Gate:
    """Lets so many logins at once through to an address."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> None:
        await self._places.acquire()

    async def __aexit__(self, *error: object) -> None:
        asyncio.get_running_loop().call_later(LEAVE_S, self._places.release)


class Hops:
    """The connections to jump hosts of one loop."""

    def __init__(self, config: SshConfig) -> None:
        self._config = config
        self._hops: dict[tuple[Hop | None, Target, str], Hop] = {}
        self._gates: weakref.WeakValueDictionary[tuple[str, int], Gate] = weakref.WeakValueDictionary()

    def gate(self, route: Sequence[Target]) -> Gate:
        """Return what admits a login over ``route``: ten at once a first address."""
        first = (route[0].host, route[0].port)
        gate = self._gates.get(first)
        if gate is None:
            gate = self._gates[first] = Gate()
        return gate

    async def route(self, words: Sequence[str], depth: int = 0) -> tuple[Target, ...]:
        """Return the jump hosts that ``words`` of ProxyJump stand for, those before the first of them included.

        Raises LinkError if a word cannot be, or they lead in a circle.
        """
        if depth > DEPTH_MAX or len(words) > DEPTH_MAX:
            remedy = "look at ProxyJump in ssh's configuration"
            raise LinkError("the jump hosts lead in a circle", LinkState.NEEDS_YOU, remedy=remedy)
        route: tuple[Target, ...] = ()
        for number, word in enumerate(words):
            user, host, port = parse_jump(word)
            target = await self._config.resolve(host, user=user, port=port)
            if number == 0 and target.jump:
                route = await self.route(target.jump, depth + 1)
            route = (*route, target if number == 0 else dataclasses.replace(target, proxy_command=""))
        return route

    async def through(self, route: Sequence[Target], login: Login) -> Hop | None:
        """Return the last jump host of ``route``, connected; the caller releases it. None if there is none.

        Raises LinkError that names the jump host.
        """
        login = dataclasses.replace(login, jump=True, identity_file="")
        hop: Hop | None = None
        for number in range(len(route)):
            before, hop = hop, self._take(route[: number + 1], hop, login)
            if before is not None:
                before.release()  # the hop behind it holds it now
            try:
                await hop.up()
            except BaseException as error:
                hop.release()
                if not isinstance(error, LinkError):
                    raise
                words = error.words
                remedy = error.remedy.replace(trust_command(hop.login.host), trust_command(login.host))
                raise LinkError(error.text, error.state, where=login.host, words=words, remedy=remedy) from None
        return hop

    def _take(self, route: Sequence[Target], before: Hop | None, login: Login) -> Hop:
        key = (before, route[-1], login.known_hosts)
        hop = self._hops.get(key)
        if hop is None:
            hop = Hop(self.gate(route), route[-1], before, login, lambda: self._hops.pop(key, None))
            self._hops[key] = hop
        hop.users += 1
        return hop

    def close(self) -> None:
        """End them all now."""
        for hop in tuple(self._hops.values()):
            hop.abort()


class Hop:
    """One jump host, connected or on its way."""

    def __init__(
        self, gate: Gate, target: Target, before: Hop | None, login: Login, forget: Callable[[], object]
    ) -> None:
        """``forget`` is called once, when it can carry nobody any more."""
        self.users: int = 0
        self._gate = gate
        self._target = target
        self._before = before
        self.login = login
        self._forget = forget
        self._connection: asyncssh.SSHClientConnection | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._gone = False
        if before is not None:
            before.users += 1
        self._opening = asyncio.create_task(self._open())
        self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def connection(self) -> asyncssh.SSHClientConnection:
        """The connection, once ``up`` has returned."""
        assert self._connection is not None
        return self._connection

    async def up(self) -> None:
        """Wait until it is connected. Raises LinkError. Who gives up waiting does not end it for the others."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        await asyncio.wait([self._opening])
        if self._opening.cancelled() or (self._gone and self._opening.exception() is None):
            raise LinkError(f"jump host {self._target.alias} was closed", LinkState.LOST)
        self._opening.result()

    def release(self) -> None:
        """One user less; the last one leaves it to end after a while."""
        self.users -= 1
        if self.users <= 0 and not self._gone and self._linger is None:
            loop = asyncio.get_running_loop()
            self._linger = loop.call_later(LINGER_S if self._opening.done() else 0.0, self.abort)

    def abort(self) -> None:
        """End it now, and everything behind it."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self._opening.cancel()
        if self._connection is not None:
            self._connection.abort()
        self._leave(None)

    async def _open(self) -> None:
        try:
            async with self._gate:
                tunnel = self._before.connection if self._before is not None else None
                self._connection = await log_in(self.login, self._target, tunnel, self._leave)
        except BaseException:
            self._leave(None)
            raise

    def _leave(self, error: Exception | None) -> None:
        if not self._gone:
            self._gone = True
            self._forget()
            if self._before is not None:
                self._before.release()
