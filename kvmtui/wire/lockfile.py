"""Files whose lock says who may do something."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import NamedTuple


def take(path: Path) -> int | None:
    """Take the lock on ``path``, creating it; return its descriptor, or None if another process holds it.

    The lock lasts until the descriptor is closed, by whatever end the process comes to. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def sign(descriptor: int, socket: Path) -> None:
    """Write into a lock's file, for those who find it locked, which process this is, where it listens.

    On a full disk it stays unsaid: the lock holds all the same.
    """
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode() + os.fsencode(socket) + b"\n", 0)


class Holder(NamedTuple):
    """The process that holds a lock."""

    pid: int
    """0: it did not say."""
    socket: Path | None
    """Where it listens, or will: not always where we would, as the environment may be another one."""


def holder(path: Path) -> Holder | None:
    """Return who holds the lock, or None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid, _, rest = os.pread(descriptor, 4096, 0).partition(b"\n")
        socket, newline, _ = rest.partition(b"\n")
        return Holder(int(pid) if pid.isdigit() else 0, Path(os.fsdecode(socket)) if newline else None)
    finally:
        os.close(descriptor)
    return None
