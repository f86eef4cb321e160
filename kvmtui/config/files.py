"""Files that a config names: whether they can be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kvmtui.yamltree.bounded import why


def readable(name: str, folder: Path) -> tuple[Path, str, str]:
    """Return (absolute path, "", "") of a file this user can read, else (path, why not, remedy).

    ``~`` is the user's home; a relative path starts from ``folder``, the config's own.
    """
    path = folder / name
    try:
        path = Path(os.path.normpath(folder / Path(name).expanduser()))
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError as error:
        return path, why(error), f"there is no {path}"
    except (OSError, ValueError, RuntimeError) as error:
        return path, why(error), "make it readable for the user who runs kvmtui"
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
    return (path, "", "") if regular else (path, "not a file", "name a file")
