"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from typing import NamedTuple

from kvmtui.text import NAME_MAX, clean

SO_PEERGROUPS = 59
"""Of Linux since 4.13; Python has no name for it."""
_ASKED_MAX = 1024
"""Bytes that Python lets a socket be asked for: 256 groups."""


class Peer(NamedTuple):
    """A process, as the kernel names it: whoever connected, or whoever listened."""

    pid: int
    uid: int
    gid: int

    @property
    def is_trusted(self) -> bool:
        """Whether it is this user's own, or root's."""
        return self.uid in {os.getuid(), 0}


class Names(NamedTuple):
    """A peer by the names that configs and records use."""

    user: str
    """Login name; the number where there is none."""
    groups: frozenset[str] = frozenset()


def peer_of(sock: socket.socket) -> Peer:
    """Return the peer's credentials (SO_PEERCRED: of the moment it connected or listened)."""
    credentials = struct.Struct("3i")
    return Peer(*credentials.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)))


def groups_of(sock: socket.socket, peer: Peer) -> frozenset[int]:
    """Return the groups that the peer's process is in.

    Where the kernel does not say (before Linux 4.13, or more than 256), those that the user database gives its user.
    """
    try:
        told = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _ASKED_MAX)
    except OSError:
        return frozenset({peer.gid, *_listed(peer)})
    return frozenset({peer.gid, *(number for (number,) in struct.iter_unpack("I", told))})


def _listed(peer: Peer) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(peer.uid).pw_name, peer.gid)
    except (KeyError, OSError):
        return []


def names_of(peer: Peer, groups: frozenset[int]) -> Names:
    """Return what user and groups are called. Asks the name service, which may take its time."""
    try:
        user = clean(pwd.getpwuid(peer.uid).pw_name, NAME_MAX)
    except KeyError:
        user = str(peer.uid)
    found = set()
    for number in groups:
        try:
            found.add(clean(grp.getgrgid(number).gr_name, NAME_MAX))
        except KeyError:
            continue
    return Names(user, frozenset(found))
