"""The far end of a libvirt connection over SSH: a forwarded socket, or a program on the host in its place."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts import sockets
from kvmtui.hosts.channel import ChannelDuplex
from kvmtui.hosts.login import WINDOW_BYTES
from kvmtui.hosts.opening import opened
from kvmtui.hosts.remote import Shell
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState
from kvmtui.text import clean

OPEN_S = 5.0
"""For the host to open one socket, or to begin a program."""
_HELPER = "virt-ssh-helper"
_LOOK = (
    # one line, no single quotes: it passes through whatever shell the login has. Arguments: netcat, then sockets
    'n=$1; shift; for s; do if [ -S "$s" ]; then if [ -w "$s" ]; then echo "may $s"; else echo "maynot $s"; fi; '
    'if "$n" -zU "$s" </dev/null >/dev/null 2>&1; then echo "netcat $s"; fi; fi; done; '
    f"if command -v {_HELPER} >/dev/null 2>&1; then echo helper; fi"
)


class FarEnd:
    """Opens libvirt connections on one host. What worked once is tried first from then on."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, shell: Shell, uri: HostUri, host: str, user: str
    ) -> None:
        """``host`` is the host's name in the config, ``user`` whom we are there."""
        self._connection = connection
        self._shell = shell
        self._uri = uri
        self._host = host
        self._user = user
        self._program: dict[bool, tuple[str, ...]] = {}
        """Read only or not -> the program that stands in for forwarding."""
        self._path: dict[bool, str] = {}
        self._open: weakref.WeakSet[ChannelDuplex] = weakref.WeakSet()

    async def open(self, read_only: bool) -> ChannelDuplex:
        """Open one connection. Raises LinkError: NO_LIBVIRT, NEEDS_YOU if we may not, LOST."""
        duplex = await self._open_one(read_only)
        self._open.add(duplex)
        return duplex

    def break_off(self, error: LinkError) -> None:
        """End all that was opened, now."""
        for duplex in tuple(self._open):
            duplex.break_off(error)

    async def _open_one(self, read_only: bool) -> ChannelDuplex:
        if read_only in self._program:
            return await self._shell.stream(self._program[read_only], deadline_s=OPEN_S)
        paths = self._paths(read_only)
        if (duplex := await self._forward_one(read_only, paths)) is not None:
            return duplex
        program = await self._find_program(read_only, paths)
        if (duplex := await self._forward_one(read_only, paths)) is not None:
            return duplex  # libvirt was only just starting
        duplex = await self._shell.stream(program, deadline_s=OPEN_S)
        self._program[read_only] = program
        return duplex

    async def _forward_one(self, read_only: bool, paths: Sequence[str]) -> ChannelDuplex | None:
        for path in paths:
            duplex = await self._forwarded(path)
            if duplex is not None:
                self._path[read_only] = path
                return duplex
        return None

    def _paths(self, read_only: bool) -> tuple[str, ...]:
        if self._uri.scope == "session" and not self._uri.socket:
            return ()  # a session's folder depends on the user's id there, and its daemon may have to be started
        paths = sockets.system_paths(self._uri, read_only)
        worked = self._path.get(read_only)
        return (worked, *(path for path in paths if path != worked)) if worked else paths

    async def _forwarded(self, path: str) -> ChannelDuplex | None:
        """A socket forwarded by sshd; None if it refuses, for whatever reason: it does not tell."""
        try:
            async with asyncio.timeout(OPEN_S):
                _, duplex = await opened(
                    self._connection.create_unix_connection(
                        lambda: ChannelDuplex(self._host), path, encoding=None, window=WINDOW_BYTES
                    )
                )
        except asyncssh.ChannelOpenError as error:
            if self._connection.is_closed() or "closed" in error.reason:
                raise self._error("the link is lost", LinkState.LOST, error.reason) from None
            return None
        except TimeoutError:
            raise self._error(f"sshd opens no socket within {OPEN_S:g} s", LinkState.LOST) from None
        except (OSError, asyncssh.Error) as error:
            raise self._error("the link is lost", LinkState.LOST, str(error)) from None
        assert isinstance(duplex, ChannelDuplex)
        return duplex

    async def _find_program(self, read_only: bool, paths: Sequence[str]) -> tuple[str, ...]:
        """Look why nothing could be forwarded, and give back what stands in if that is all there is to it."""
        uri = self._uri
        try:
            ran = await self._shell.run(
                ["sh", "-c", _LOOK, "sh", uri.netcat or "nc", *paths], deadline_s=OPEN_S, limit_bytes=8_192
            )
        except LinkError as error:
            if error.state is LinkState.LOST:
                raise
            remedy = f"is libvirt running, {self._user} in the group libvirt, AllowStreamLocalForwarding yes there?"
            text = f"sshd opens none of libvirt's sockets for {self._user}"
            raise self._error(text, LinkState.NO_LIBVIRT, f"{error.text}: {error.words}", remedy) from None
        told = [line.split(" ", 1) for line in ran.out.splitlines()]
        found = {
            word: [rest[0] for name, *rest in told if name == word and rest] for word in ("may", "maynot", "netcat")
        }
        helper = ["helper"] in told
        if found["maynot"] and not found["may"]:
            raise self._forbidden(found["maynot"][0], read_only)
        words = ""
        if helper and not uri.socket and uri.proxy != "netcat":
            program = (_HELPER, *(["-r"] if read_only else []), f"qemu:///{uri.scope}")
            words = await self._try_helper(program)
            if not words:
                return ("env", "LC_ALL=C", *program)
            if "ermission denied" in words:
                raise self._forbidden(words, read_only)
        elif found["netcat"] and uri.proxy != "native":
            return (uri.netcat or "nc", "-U", found["netcat"][0])
        if paths and not found["may"]:
            words = words or f"no {' or '.join(paths)}"
        elif found["may"] and not words:
            words = f"nobody listens at {found['may'][0]}"
        raise self._missing(words, helper=helper, listening=bool(found["netcat"]))

    async def _try_helper(self, program: Sequence[str]) -> str:
        """Run the helper with its input at an end: what keeps it from libvirt, in its words, "" if nothing does."""
        ran = await self._shell.run(["env", "LC_ALL=C", *program], deadline_s=OPEN_S, limit_bytes=8_192)
        if not ran.status or "cannot connect" not in ran.err:
            return ""
        return clean(ran.err[ran.err.find("Failed to") :].strip() if "Failed to" in ran.err else ran.err.strip(), 300)

    def _forbidden(self, words: str, read_only: bool) -> LinkError:
        text = f"{self._user} may not use libvirt there"
        remedy = f"there: usermod -aG libvirt {self._user}" + ("" if read_only else "; or access: ro in the config")
        return self._error(text, LinkState.NEEDS_YOU, words, remedy)

    def _missing(self, words: str, *, helper: bool, listening: bool) -> LinkError:
        if self._uri.scope == "session" and not helper:
            text, remedy = (
                "its session daemon cannot be reached",
                f"{_HELPER} is needed there (package libvirt-clients)",
            )
        elif listening:
            text = "sshd forwards no sockets, and what could stand in is missing"
            remedy = f"AllowStreamLocalForwarding yes in its sshd_config, or {_HELPER} there"
        else:
            text, remedy = "libvirt does not answer there", "there: systemctl start libvirtd (or virtqemud.socket)"
        return self._error(text, LinkState.NO_LIBVIRT, words, remedy)

    def _error(self, text: str, state: LinkState, words: str = "", remedy: str = "") -> LinkError:
        return LinkError(text, state, where=self._host, words=clean(words, 300), remedy=remedy)
