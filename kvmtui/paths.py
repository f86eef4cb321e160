"""Where kvmtui keeps its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

SOCKET_PATH_MAX = 107
"""Bytes of a Unix socket's path on Linux (sun_path, less its NUL)."""


def _home(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / fallback


def config_home() -> Path:
    """Return the user's folder for configs (``$XDG_CONFIG_HOME/kvmtui``)."""
    return _home("XDG_CONFIG_HOME", ".config") / "kvmtui"


def state_home() -> Path:
    """Return the user's folder for state (``$XDG_STATE_HOME/kvmtui``)."""
    return _home("XDG_STATE_HOME", ".local/state") / "kvmtui"


def known_hosts() -> Path:
    """Return our own known_hosts file, which ``kvmtui trust`` adds to; shared by all configs of a user."""
    return state_home() / "known_hosts"


class WorkerPaths(NamedTuple):
    """The places of one worker: one per config."""

    config: Path
    """The config file, absolute."""
    state: Path
    """Its state directory, 0700."""
    socket: Path
    """Where it listens."""

    @property
    def lock(self) -> Path:
        """The file whose lock says which process is the worker."""
        return self.state / "lock"

    @property
    def journal(self) -> Path:
        """Jobs, steps and audit (SQLite)."""
        return self.state / "journal.db"

    @property
    def fleet(self) -> Path:
        """The last known fleet."""
        return self.state / "fleet.json"

    @property
    def log(self) -> Path:
        """The worker's log."""
        return self.state / "worker.log"

    @property
    def relays(self) -> Path:
        """Folder for the short-lived near ends of libvirt sockets, 0700, beside the socket."""
        return self.socket.parent / "r"


def for_config(config: Path, socket: Path | None = None) -> WorkerPaths:
    """Return the places of the worker for ``config``; ``socket`` overrides ``$KVMTUI_SOCKET`` and the default."""
    absolute = config.expanduser().absolute()
    digest = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:12]
    state = state_home() / digest
    if socket is None and (named := os.environ.get("KVMTUI_SOCKET")):
        socket = Path(named)
    if socket is None:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        folder = Path(runtime) / "kvmtui" / digest if runtime.startswith("/") and Path(runtime).is_dir() else state
        socket = folder / "sock"
    return WorkerPaths(absolute, state, socket.absolute())
