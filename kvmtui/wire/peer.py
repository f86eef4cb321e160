"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import os
import socket
import struct
from typing import NamedTuple


class Peer(NamedTuple):
    """A process, as the kernel names it: whoever connected, or whoever listened."""

    pid: int
    uid: int
    gid: int

    @property
    def is_trusted(self) -> bool:
        """Whether it is this user's own, or root's."""
        return self.uid in {os.getuid(), 0}


def peer_of(sock: socket.socket) -> Peer:
    """Return the peer's credentials (SO_PEERCRED: of the moment it connected or listened)."""
    credentials = struct.Struct("3i")
    return Peer(*credentials.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)))
