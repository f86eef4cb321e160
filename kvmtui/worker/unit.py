"""The systemd unit that keeps a worker running."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.paths import WorkerPaths

TEMPLATE = Path(__file__).with_name("kvmtui.service")
SHARED_TEMPLATE = Path(__file__).with_name("kvmtui-shared.service")
_KEPT = ("XDG_STATE_HOME", "XDG_CONFIG_HOME")
"""What the worker's places depend on; systemd sets the runtime directory itself."""


def unit(paths: WorkerPaths) -> str:
    """Return a unit that runs the worker of ``paths``, and says how to install it.

    It is one for ``systemctl --user``; where the worker is shared, one of the system.
    """
    command = [
        sys.executable, "-P", "-m", "kvmtui.worker",
        str(paths.config), str(paths.state), str(paths.socket), "--idle", "never",
        *(["--shared"] if paths.shared else []),
    ]  # fmt: skip
    kept = [f"{name}={os.environ[name]}" for name in _KEPT if name in os.environ]
    filled = {
        "@CONFIG@": _one_line(str(paths.config)),
        "@CONFIG_DESCRIBED@": _one_line(str(paths.config)).replace("%", "%%"),
        "@UNIT@": f"kvmtui-{paths.state.name}.service",
        "@ENVIRONMENT@": _quoted(kept or [f"XDG_STATE_HOME={paths.state.parent.parent}"]),
        "@COMMAND@": _quoted(command, is_command=True),
    }
    text = (SHARED_TEMPLATE if paths.shared else TEMPLATE).read_text()
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _quoted(words: Iterable[str], *, is_command: bool = False) -> str:
    """Return words as systemd reads them: quoted, with its specifiers and variables taken for what they look like."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n") for word in words)
    return " ".join(f'"{word.replace("$", "$$")}"' if is_command else f'"{word}"' for word in escaped)
