"""The bytes of a file somebody wrote by hand, as far as it can be one."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIZE_MAX = 1_000_000
"""Bytes of a file that are read: a config of some 5,000 hosts."""


def read_bounded(path: Path) -> tuple[bytes, str, str]:
    """Return (bytes, "", "") of a regular file of at most SIZE_MAX bytes, else (b"", why not, remedy).

    The remedy is "" where the path leads to nothing that may be read: who named it knows better. Never blocks on a
    pipe or a device, and of a file that is too large reads nothing.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        return b"", why(error), ""
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return b"", "not a file", "name a YAML file"
        with open(handle, "rb", closefd=False) as file:
            raw = file.read(SIZE_MAX + 1)
    except OSError as error:
        return b"", why(error), "check the disk it is on"
    finally:
        os.close(handle)
    if len(raw) > SIZE_MAX:
        return b"", f"{found.st_size:,} bytes; at most {SIZE_MAX:,} are read", "is this the right file?"
    return raw, "", ""


def why(error: Exception) -> str:
    """Return the words of an error of the system."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
