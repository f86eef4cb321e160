"""Files that a config is, or names: whether they can be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

SIZE_MAX = 1_000_000
"""Bytes of a config that are read: some 5,000 hosts."""


def read_bounded(path: Path) -> tuple[bytes, str, str]:
    """Return (bytes, "", "") of a regular file of at most SIZE_MAX bytes, else (b"", why not, remedy).

    Never blocks on a pipe or a device, and of a file that is too large reads nothing.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        return b"", _why(error), "check the path, or name a config by --config FILE"
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return b"", "not a file", "name a YAML file"
        with open(handle, "rb", closefd=False) as file:
            raw = file.read(SIZE_MAX + 1)
    except OSError as error:
        return b"", _why(error), "check the disk it is on"
    finally:
        os.close(handle)
    if len(raw) > SIZE_MAX:
        return b"", f"{found.st_size:,} bytes; a config has at most {SIZE_MAX:,}", "is this the right file?"
    return raw, "", ""


def readable(name: str, folder: Path) -> tuple[Path, str, str]:
    """Return (absolute path, "", "") of a file this user can read, else (path, why not, remedy).

    ``~`` is the user's home; a relative path starts from ``folder``, the config's own.
    """
    path = folder / name
    try:
        path = Path(os.path.normpath(folder / Path(name).expanduser()))
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError as error:
        return path, _why(error), f"there is no {path}"
    except (OSError, ValueError, RuntimeError) as error:
        return path, _why(error), "make it readable for the user who runs kvmtui"
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
    return (path, "", "") if regular else (path, "not a file", "name a file")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
