"""This machine as a host: libvirt's sockets beside us, commands run directly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from kvmtui.errors import LinkError
from kvmtui.hosts import sockets
from kvmtui.hosts.contract import Duplex, Ran
from kvmtui.hosts.process import TooLongError, run_here
from kvmtui.hosts.ssh_config import expand_home, login_name
from kvmtui.hosts.unix import SocketDuplex
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState
from kvmtui.model.host_key import HostKey
from kvmtui.text import clean

OPEN_S = 5.0
"""For one socket to take a connection: a daemon that is stopped lets its backlog fill."""
START_S = 10.0
"""For a session's daemon to come up, as long as libvirt's own client waits."""
_DAEMONS = {"virtqemud-sock": "virtqemud", "libvirt-sock": "libvirtd"}


class LocalLink:
    """The Link of this machine, up as long as we are."""

    def __init__(
        self,
        name: str,
        uri: HostUri,
        *,
        environ: Mapping[str, str] = os.environ,
        system_folder: str = sockets.SYSTEM_FOLDER,
        root: bool | None = None,
    ) -> None:
        """``root`` is whether we are (libvirt's client then uses the system's sockets for a session too)."""
        self.name = name
        self.closed: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._uri = uri
        self._environ = environ
        self._system_folder = system_folder
        self._is_session = uri.scope == "session" and not (os.geteuid() == 0 if root is None else root)
        self._open: set[SocketDuplex] = set()

    async def connect(self) -> None:
        """Nothing to do: there is no way to go. Raises LinkError if the link was aborted."""
        if self.closed.done():
            raise LinkError("closed", LinkState.LOST, where=self.name)

    async def open_libvirt(self, read_only: bool) -> Duplex:
        """Open libvirt's socket; a session's daemon is started if need be, as libvirt's client does.

        Raises LinkError: NO_LIBVIRT if nothing listens, NEEDS_YOU if we may not.
        """
        await self.connect()
        paths = self._paths(read_only)
        failures: list[OSError] = []
        for path in paths:
            try:
                return await self._connect(path)
            except OSError as error:
                failures.append(error)
        forbidden = next((path for path, error in zip(paths, failures, strict=True) if _is_denial(error)), None)
        if forbidden is not None:
            raise self._forbidden(forbidden, read_only)
        if self._is_session and not self._uri.socket and self._environ.get("LIBVIRT_AUTOSTART") != "0":
            return await self._start(paths)
        present = [(path, error) for path, error in zip(paths, failures, strict=True) if not _is_absence(error)]
        words = f"{present[0][0]}: {_words(present[0][1])}" if present else f"no {' or '.join(paths)}"
        raise self._missing(words)

    async def run(self, argv: Sequence[str], *, deadline_s: float = 5.0, limit_bytes: int = 262_144) -> Ran:
        """Run a command here. Raises LinkError with state UP if it cannot be run, or not within the bounds."""
        await self.connect()
        try:
            return await run_here(argv, deadline_s=deadline_s, limit_bytes=limit_bytes)
        except TooLongError as error:
            raise LinkError(f"{clean(argv[0], 60)}: {error}", LinkState.UP, where=self.name) from None
        except (OSError, ValueError) as error:
            text = f"{clean(argv[0], 60)} cannot be run"
            raise LinkError(text, LinkState.UP, where=self.name, words=clean(str(error))) from None

    async def fetch_host_keys(self) -> tuple[HostKey, ...]:
        """(): nothing lies between us and this machine."""
        return ()

    def abort(self) -> None:
        """End every duplex that was opened here. Idempotent."""
        if not self.closed.done():
            self.closed.set_result(LinkError("closed", LinkState.LOST, where=self.name))
        for duplex in tuple(self._open):
            duplex.break_off(LinkError("closed", LinkState.LOST, where=self.name))

    def _paths(self, read_only: bool) -> tuple[str, ...]:
        if self._uri.socket:
            return (self._uri.socket,)
        folder = self._system_folder
        if self._is_session:
            runtime = self._environ.get("XDG_RUNTIME_DIR") or str(expand_home("~/.cache"))
            folder, read_only = f"{runtime}/libvirt", False
        return tuple(f"{folder}/{name}" for name in sockets.names(self._uri, read_only))

    async def _connect(self, path: str) -> SocketDuplex:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(OPEN_S):
            _, duplex = await loop.create_unix_connection(lambda: SocketDuplex(self._open.discard), path)
        self._open.add(duplex)
        return duplex

    async def _start(self, paths: Sequence[str]) -> SocketDuplex:
        """Start the session's daemon, the modular one first, then wait for its socket."""
        named = self._environ.get("VIRTD_PATH") or self._environ.get("LIBVIRTD_PATH")
        search = f"{self._environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
        found = [(path, shutil.which(_DAEMONS[Path(path).name], path=search)) for path in paths]
        path, daemon = next(((path, named or daemon) for path, daemon in found if named or daemon), ("", ""))
        if not daemon:
            raise self._missing("no libvirtd is installed")
        if named:
            path = next((path for path in paths if _DAEMONS[Path(path).name] == Path(named).name), paths[-1])
        # it must outlive us, and be nobody's child: a shell that ends at once leaves it to init
        line = '"$@" </dev/null >/dev/null 2>&1 &'
        try:
            await run_here(["/bin/sh", "-c", line, "sh", daemon, "--timeout=120"], deadline_s=OPEN_S, limit_bytes=4_096)
            async with asyncio.timeout(START_S):
                while True:
                    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                        return await self._connect(path)
                    await asyncio.sleep(0.05)
        except (TooLongError, OSError) as error:
            raise self._missing(f"{daemon} does not come up: {_words(error)}") from None

    def _forbidden(self, path: str, read_only: bool) -> LinkError:
        user = login_name()
        remedy = f"sudo usermod -aG libvirt {user}, then log in again" + (
            "" if read_only else "; or access: ro in the config"
        )
        return LinkError(
            f"{user} may not use libvirt here", LinkState.NEEDS_YOU, where=self.name, words=path, remedy=remedy
        )

    def _missing(self, words: str) -> LinkError:
        if self._uri.socket:
            remedy = "is this the socket of a libvirt daemon?"
        elif self._is_session:
            remedy = "install libvirt-daemon, or use qemu:///system"
        else:
            remedy = "sudo systemctl start libvirtd (or virtqemud.socket); is libvirt installed?"
        return LinkError(
            "libvirt does not answer here", LinkState.NO_LIBVIRT, where=self.name, words=clean(words), remedy=remedy
        )


def _is_denial(error: OSError) -> bool:
    return isinstance(error, PermissionError)


def _is_absence(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
