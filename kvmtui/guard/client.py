"""Who is asking, as the kernel says it."""

from __future__ import annotations

import os
import pwd

import msgspec

from kvmtui import text


class ClientId(msgspec.Struct, frozen=True):
    """One client of the worker. All but ``origin`` is known for certain."""

    user: str
    """Login name of ``uid``, or the number where there is none."""
    uid: int
    pid: int
    read_only: bool = False
    """It asked to be refused everything that changes something."""
    origin: str = ""
    """Where it says its user came from (SSH_CONNECTION, SUDO_USER): recorded as claimed."""
    groups: frozenset[str] = frozenset()
    """Names of the groups that its process is in; asked for in a shared worker only."""
    is_owner: bool = False
    """It is the worker's own user or root, who could do and change everything anyway."""
    unlocked: bool = False
    """Its session was unlocked for now, where the config starts read-only."""


def from_peer(uid: int, pid: int, *, read_only: bool = False, origin: str = "") -> ClientId:
    """Return the client behind a socket's peer credentials. Asks the name service, which may take its time."""
    try:
        user = text.clean(pwd.getpwuid(uid).pw_name, text.NAME_MAX)
    except KeyError:
        user = str(uid)
    return ClientId(user, uid, pid, read_only, text.clean(origin, text.NAME_MAX))


def this_process() -> ClientId:
    """Return the worker itself, which is who writes what nobody asked for."""
    return from_peer(os.getuid(), os.getpid())
