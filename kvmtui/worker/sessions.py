"""Who the clients are to the gate."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from kvmtui import text
from kvmtui.errors import RefusedError, UsageError
from kvmtui.guard import audit, gate
from kvmtui.guard.client import ClientId, from_peer
from kvmtui.wire.messages import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.guard.gate import Refusal, Rules
    from kvmtui.guard.roles import Role
    from kvmtui.jobs.journal import Journal
    from kvmtui.wire.connection import Connection
    from kvmtui.wire.messages import Hello, Unlock

UNLOCK_MAX_S = 8 * 3600.0
"""A session is unlocked for no longer at once."""


class Sessions:
    """What is known of each client, and until when its session is unlocked. All that counts is kept on this side."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        journal: Journal,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``rules`` are those in force; ``monotonic`` measures how long a session is unlocked."""
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self._monotonic = monotonic
        self._users = {uid: from_peer(uid, 0).user for uid in {os.getuid(), 0}}
        self._until: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def client(self, connection: Connection, hello: Hello | None = None) -> ClientId:
        """Return who is at the other end now; ``hello`` while it is being greeted."""
        said = hello or connection.hello
        assert said is not None
        peer, names = connection.peer, connection.names
        return ClientId(
            user=names.user if names is not None else self._users.get(peer.uid, str(peer.uid)),
            uid=peer.uid,
            pid=peer.pid,
            read_only=said.read_only,
            origin=text.clean(said.origin, text.NAME_MAX),
            groups=names.groups if names is not None else frozenset(),
            is_owner=peer.is_trusted,
            unlocked=self._left_s(connection) > 0,
        )

    def begins_read_only(self, connection: Connection) -> bool:
        """Whether nothing may be changed for a client, but for an unlocking that passes."""
        return gate.client_refusal(replace(self.client(connection), unlocked=False), self._rules()) is not None

    def check_role(self, connection: Connection, least: Role, *, anywhere: bool = False) -> None:
        """Raise RefusedError if the client's role is less, everywhere or with ``anywhere`` on every VM."""
        _raise(gate.role_short_of(least, self.client(connection), self._rules(), anywhere=anywhere))

    def check(self, connection: Connection, least: Role) -> None:
        """Raise RefusedError if the client is read-only by its own wish, or its role is less."""
        _raise(gate.session_refusal(self.client(connection), least, self._rules()))

    async def on_unlock(self, request: Unlock, connection: Connection) -> Access:
        """Unlock a session for a while, or lock it again. Raises UsageError, RefusedError, NotRecordedError."""
        client = self.client(connection)
        _raise(gate.unlock_refusal(client, self._rules()))
        if not 0 <= request.for_s <= UNLOCK_MAX_S:
            raise UsageError(f"a session is unlocked for {text.duration(UNLOCK_MAX_S)} at most")
        if not self._rules().read_only:
            if not request.for_s:
                raise UsageError("guard.start is read-write", remedy="kvmtui --read-only refuses all that changes")
            return Access(read_only=False)
        if not request.for_s:
            self._until.pop(connection, None)
            await self._journal.tell(audit.by(client, audit.LOCKED, self._clock()))
            return Access(read_only=True)
        record = audit.by(client, audit.UNLOCKED, self._clock())
        told = f"read-write for {text.duration(request.for_s)}"
        await self._journal.tell(replace(record, text=told, parameters={"for_s": round(request.for_s)}))
        self._until[connection] = self._monotonic() + request.for_s
        return Access(read_only=False, left_s=request.for_s)

    def _left_s(self, connection: Connection) -> float:
        return self._until.get(connection, 0.0) - self._monotonic()


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise RefusedError(refusal.why, remedy=refusal.remedy)
