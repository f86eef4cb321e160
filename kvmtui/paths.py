"""Where kvmtui keeps its files."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from kvmtui.errors import WorkerError

SOCKET_PATH_MAX = 107
"""Bytes of a Unix socket's path on Linux (sun_path, less its NUL)."""

SHARED_SOCKET = Path("/run/kvmtui/sock")
"""Where the worker of a team listens, and where it is looked for by who has no config of his own."""
SHARED_STATE = Path("/var/lib/kvmtui")
"""Its folder for state, unless systemd names another (``$STATE_DIRECTORY``)."""
SHARED_CONFIG = Path("/etc/kvmtui/config.yaml")
SHARED_GROUP = "kvmtui"
"""The Unix group whose members may use it."""

_FOLDER_MAX = SOCKET_PATH_MAX - 20
"""Bytes of the folder that leave room for the names of the sockets in it."""


def _home(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / fallback


def config_home() -> Path:
    """Return the user's folder for configs (``$XDG_CONFIG_HOME/kvmtui``)."""
    return _home("XDG_CONFIG_HOME", ".config") / "kvmtui"


def state_home() -> Path:
    """Return the user's folder for state (``$XDG_STATE_HOME/kvmtui``)."""
    return _home("XDG_STATE_HOME", ".local/state") / "kvmtui"


class WorkerPaths(NamedTuple):
    """The places of one worker: one per config."""

    config: Path
    """The config file, absolute."""
    state: Path
    """Its state directory, 0700."""
    socket: Path
    """Where it listens."""
    shared: bool = False
    """It is the worker of a team: another user's for those who only use it, so it is never started by them."""

    @property
    def lock(self) -> Path:
        """The file whose lock says which process is the worker."""
        return self.state / "lock"

    @property
    def starting(self) -> Path:
        """The file whose lock says who starts a worker now."""
        return self.state / "starting"

    @property
    def failed(self) -> Path:
        """Why the last start of a worker failed (a Failure of the line); absent while it works."""
        return self.state / "failed.json"

    @property
    def known_hosts(self) -> Path:
        """The host keys that were trusted; shared by all configs of who runs the worker."""
        return self.state.parent / "known_hosts"

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
    """Return the places of the worker for ``config``; ``socket`` overrides ``$KVMTUI_SOCKET`` and the default.

    The default is the user's runtime directory, without one the state directory. Where that makes a path too long for
    a socket (a deep home), it is a folder of the user's own in /tmp.
    """
    absolute = config.expanduser().absolute()
    digest = _digest(absolute)
    state = state_home() / digest
    if socket is None and (named := os.environ.get("KVMTUI_SOCKET")):
        socket = Path(named)
    if socket is None:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        folder = Path(runtime) / "kvmtui" / digest if runtime.startswith("/") and Path(runtime).is_dir() else state
        if len(os.fsencode(folder)) > _FOLDER_MAX:
            folder = Path(f"/tmp/kvmtui-{os.getuid()}") / digest  # noqa: S108 - made_private() checks whose it is
        socket = folder / "sock"
    socket = socket.absolute()
    if _is_of_others(socket):
        # of a place of its own, whatever config lies about: our own worker is another one
        return WorkerPaths(absolute, state_home() / _digest(socket), socket, shared=True)
    return WorkerPaths(absolute, state, socket)


def for_shared(config: Path, socket: Path | None = None) -> WorkerPaths:
    """Return the places of the worker that a team shares, for who runs it."""
    absolute = config.expanduser().absolute()
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    state = (Path(folder) if folder.startswith("/") else SHARED_STATE) / _digest(absolute)
    return WorkerPaths(absolute, state, (socket or SHARED_SOCKET).absolute(), shared=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _is_of_others(socket: Path) -> bool:
    """Whether a socket is in the folder of another user, or where a team's worker listens."""
    if socket == SHARED_SOCKET:
        return True
    try:
        owner = socket.parent.stat().st_uid
    except OSError:
        return False
    return owner != os.getuid() and not (owner == 0 and os.access(socket.parent, os.W_OK))


def is_safely_of(folder: Path, uid: int) -> bool:
    """Whether nobody but ``uid`` and root can put a socket into ``folder``, and nobody else can move it away."""
    try:
        real = folder.resolve(strict=True)
        own, *above = [place.stat() for place in (real, *real.parents)]
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return (
        own.st_uid in {uid, 0}
        and not own.st_mode & others
        and all(each.st_uid == 0 and (not each.st_mode & others or each.st_mode & stat.S_ISVTX) for each in above)
    )


def check_socket(path: Path) -> None:
    """Raise WorkerError if ``path`` is too long for a socket, its name while it is made included."""
    length = len(os.fsencode(path))
    if length >= SOCKET_PATH_MAX:
        raise WorkerError(
            f"a socket's path may have {SOCKET_PATH_MAX - 1} bytes, this one has {length}",
            where=str(path),
            remedy="give a shorter one: --socket PATH or KVMTUI_SOCKET",
        )


def make_private(folder: Path) -> None:
    """Make ``folder`` (0700, with what is missing above it), or check the one that is there.

    As sshd does with a user's files: the folder and all above it must belong to this user or root, and be writable by
    nobody else unless it is sticky. Raises WorkerError.
    """
    _make(folder, 0o700)


def make_shared(folder: Path) -> None:
    """As make_private, but so that others can reach what is in it (0755). Raises WorkerError."""
    _make(folder, 0o755)


def _make(folder: Path, mode: int) -> None:
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(mode)
        real = folder.resolve(strict=True)
        for place in (real, *real.parents):
            found = place.stat()
            if found.st_uid not in {os.getuid(), 0}:
                raise WorkerError(
                    f"belongs to uid {found.st_uid}, who could put his own files in our place",
                    where=str(place),
                    remedy="choose another place: --socket, XDG_STATE_HOME, XDG_RUNTIME_DIR",
                )
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX:
                raise WorkerError(
                    f"is writable by others (mode {stat.S_IMODE(found.st_mode):04o})",
                    where=str(place),
                    remedy=f"chmod go-w {place}",
                )
    except OSError as error:
        raise WorkerError(
            "cannot be used as a folder",
            where=str(folder),
            words=error.strerror or "",
            remedy="choose another place: XDG_STATE_HOME, XDG_RUNTIME_DIR",
        ) from error
