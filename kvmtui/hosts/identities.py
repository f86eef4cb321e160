"""The keys that are offered at a login, in ssh's order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh

from kvmtui.hosts.ssh_config import Target, expand_home
from kvmtui.text import clean

LIST_S = 2.0
"""For an agent to list its keys: one that hangs must not hold up the login."""
SIGN_S = 20.0
"""For an agent to sign: it may ask its user to confirm, or to touch a token."""
KEY_FILE_MAX = 262_144
"""Bytes of a file that may be a key."""
OFFERED_MAX = 24
"""Keys that are offered at most; sshd ends a login after six by default."""


class Identities:
    """The keys for one login: of agents, and of files. Used once, then closed."""

    def __init__(
        self,
        target: Target,
        agents: Sequence[str],
        *,
        configured: str = "",
        waiting: Callable[[float], None],
    ) -> None:
        """``agents`` are the sockets of agents that are offered, ``configured`` a key file named for this very host.

        ``waiting`` is told how long a signature may take right before it is asked for, and 0 when that is over.
        """
        self._target = target
        self._configured = str(expand_home(configured)) if configured else ""
        if target.identity_agent:
            agents = () if target.identity_agent == "none" else (target.identity_agent,)
        self._paths = tuple(dict.fromkeys(agents))
        self._waiting = waiting
        self._queue: list[tuple[asyncssh.SSHKeyPair, str]] | None = None
        self._agents: list[asyncssh.SSHAgentClient] = []
        self.tried: list[str] = []
        """What was offered, in words."""
        self.locked: list[str] = []
        """Key files that need a passphrase, and that no agent holds."""
        self.problems: list[str] = []
        """What is wrong with keys that were named for this host, in words."""

    async def next(self) -> asyncssh.SSHKeyPair | None:
        """Return the next key to offer, None after the last one."""
        if self._queue is None:
            self._queue = await self._collect()
        if not self._queue:
            return None
        pair, words = self._queue.pop(0)
        self.tried.append(words)
        return pair

    def close(self) -> None:
        """Hang up on the agents."""
        for agent in self._agents:
            agent.close()
        self._agents.clear()

    async def _collect(self) -> list[tuple[asyncssh.SSHKeyPair, str]]:
        """The order of ssh: keys of agents that a file names, other keys of agents, keys of files. Before them all the
        file that was named for this host, if it can be used as it is: sshd's patience ends after a few keys."""
        files = tuple(dict.fromkeys(((self._configured,) if self._configured else ()) + self._target.identity_files))
        loaded, held = await asyncio.gather(
            asyncio.to_thread(_load_all, files, self._target.certificate_files, self._configured), self._ask_agents()
        )
        named: list[tuple[asyncssh.SSHKeyPair, str]] = []
        rest: list[tuple[asyncssh.SSHKeyPair, str]] = []
        first: list[tuple[asyncssh.SSHKeyPair, str]] = []
        for file in loaded:
            if file.problem:
                self.problems.append(file.problem)
            mine = [held.pop(blob) for blob in file.blobs if blob in held]
            if mine:
                place = first if file.path == self._configured else named
                place += [(pair, f"{file.shown} by the agent") for pair in mine]
            elif file.locked:
                self.locked.append(file.shown)
            else:
                keys = [(pair, file.shown) for pair in file.pairs]
                if file.path == self._configured:
                    first += keys
                else:
                    rest += keys
        others = [(pair, f"the agent's {_name(pair)}") for pair in held.values()]
        if self._target.identities_only:
            others = []
        return [*first, *named, *others, *rest][:OFFERED_MAX]

    async def _ask_agents(self) -> dict[bytes, asyncssh.SSHKeyPair]:
        """Keys of all agents by their public half; those of the first agent win."""
        answers = await asyncio.gather(*(self._ask(path) for path in self._paths))
        return {pair.public_data: pair for answer in reversed(answers) for pair in answer}

    async def _ask(self, path: str) -> list[asyncssh.SSHKeyPair]:
        agent = asyncssh.SSHAgentClient(path)
        self._agents.append(agent)
        try:
            async with asyncio.timeout(LIST_S):
                pairs = await agent.get_keys()
        except (OSError, ValueError, asyncssh.Error):
            return []
        return [_AgentKey(agent, pair, self._waiting) for pair in pairs[:OFFERED_MAX]]


class _AgentKey(asyncssh.SSHAgentKeyPair):
    """A key of an agent that has a deadline."""

    def __init__(
        self, agent: asyncssh.SSHAgentClient, pair: asyncssh.SSHKeyPair, waiting: Callable[[float], None]
    ) -> None:
        super().__init__(agent, pair.algorithm, pair.public_data, pair.get_comment_bytes() or b"")
        self._waiting = waiting

    async def sign_async(self, data: bytes) -> bytes:
        """Sign. Raises ValueError, after which the next key is offered."""
        self._waiting(SIGN_S)
        try:
            async with asyncio.timeout(SIGN_S):
                return await super().sign_async(data)
        except TimeoutError:
            raise ValueError("the agent did not sign in time") from None
        finally:
            self._waiting(0.0)


class _File:
    """What a file named as an identity holds."""

    def __init__(self, path: str) -> None:
        self.path = path
        home = str(expand_home("~"))
        self.shown = clean(f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path, 200)
        self.pairs: list[asyncssh.SSHKeyPair] = []
        self.blobs: list[bytes] = []
        """Public halves, of certificates too, under which an agent may hold it."""
        self.locked = False
        self.problem = ""


def _load_all(files: Sequence[str], certificates: Sequence[str], configured: str) -> list[_File]:
    loaded = [_load(path, certificates) for path in files]
    for file in loaded:
        if file.path != configured and not file.pairs and not file.locked:
            file.problem = ""  # ssh passes over what its configuration names in vain, and so do we
    return loaded


def _load(path: str, certificates: Sequence[str]) -> _File:
    file = _File(path)
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(KEY_FILE_MAX)
    except OSError as error:
        file.problem = f"key {file.shown}: {error.strerror or error}"
        return file
    try:
        file.pairs = list(asyncssh.load_keypairs(path, certlist=_present(certificates)))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError, ValueError) as error:
        file.locked = b"PRIVATE KEY" in data and _is_encrypted(error, data)
        if not file.locked and b"PRIVATE KEY" in data:
            file.problem = f"key {file.shown}: {clean(str(error), 120)}"
    file.blobs = [pair.public_data for pair in file.pairs]
    for public in (f"{path}-cert.pub", f"{path}.pub", path):
        with contextlib.suppress(asyncssh.KeyImportError, OSError, ValueError):
            read = asyncssh.read_certificate if public.endswith("-cert.pub") else asyncssh.read_public_key
            file.blobs.append(read(public).public_data)
    file.blobs = list(dict.fromkeys(file.blobs))
    return file


def _present(certificates: Sequence[str]) -> list[str]:
    return [path for path in certificates if Path(path).is_file()]


def _is_encrypted(error: Exception, data: bytes) -> bool:
    return isinstance(error, asyncssh.KeyEncryptionError) or "assphrase" in str(error) or b"ENCRYPTED" in data


def _name(pair: asyncssh.SSHKeyPair) -> str:
    comment = pair.get_comment_bytes()
    return clean(comment.decode(errors="replace"), 60) if comment else pair.get_algorithm()
