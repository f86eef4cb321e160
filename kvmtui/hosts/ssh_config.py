"""What the user's ssh configuration says of a host, as ssh itself reads it."""

from __future__ import annotations

import os
import pwd
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kvmtui.errors import LinkError
from kvmtui.hosts.process import TooLongError, run_here
from kvmtui.hosts.uri import check_host, check_user
from kvmtui.model.host import LinkState
from kvmtui.text import clean

DEADLINE_S = 5.0
"""For one `ssh -G`, which may run commands of the user's own (Match exec)."""
OUTPUT_MAX = 262_144
"""Bytes of its output."""
KEPT_S = 60.0
"""How long an answer is used again."""
ANSWERS_MAX = 4_096
"""Answers kept at once."""
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
_JUMP = re.compile(r"(?:ssh://)?(?:(.+)@)?(\[[^]]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?/?")


@dataclass(frozen=True)
class Target:
    """One sshd to log in to, everything resolved. Paths are absolute, tokens expanded."""

    alias: str
    """As it was asked for."""
    host: str
    """Name or address to connect to."""
    port: int
    user: str
    identity_files: tuple[str, ...] = ()
    certificate_files: tuple[str, ...] = ()
    identity_agent: str = ""
    """Path of the agent to use instead of those offered, "none" for none at all, "" for those offered."""
    identities_only: bool = False
    jump: tuple[str, ...] = ()
    """Jump hosts, the first to log in to first, each as "[user@]host[:port]"."""
    proxy_command: str = ""
    """A line for the shell that gives a connection on its standard input and output."""
    user_known_hosts: tuple[str, ...] = ()
    global_known_hosts: tuple[str, ...] = ()
    host_key_alias: str = ""
    host_key_algorithms: tuple[str, ...] = ()
    family: int = socket.AF_UNSPEC
    bind_address: str = ""

    @property
    def known_as(self) -> str:
        """The name under which known_hosts files have it, with its port if that is not 22."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.host.lower() if self.port == 22 else f"[{self.host.lower()}]:{self.port}"


class SshConfig:
    """Resolves aliases by `ssh -G`; without an ssh binary by ssh's own defaults."""

    def __init__(
        self, program: str = "ssh", clock: Callable[[], float] = time.monotonic, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._program = program
        self._clock = clock
        self._environ = environ
        self._answers: dict[tuple[str, ...], tuple[float, dict[str, list[str]]]] = {}

    async def resolve(self, host: str, *, user: str = "", port: int = 0, identity_file: str = "") -> Target:
        """Return what to log in to. ``user``, ``port`` and ``identity_file`` go before what the configuration says.

        Raises LinkError: NEEDS_YOU if the configuration cannot be read or asks for what cannot be done.
        """
        if not check_host(host) or (user and not check_user(user)):
            raise LinkError(f"{clean(host, 80)!r} cannot be the name of a host", LinkState.NEEDS_YOU)
        options = [*(["-l", user] if user else []), *(["-p", str(port)] if port else [])]
        options += ["-i", identity_file] if identity_file else []
        said = await self._ask((*options, "--", host))
        return _target(host, said, self._environ)

    async def _ask(self, arguments: tuple[str, ...]) -> dict[str, list[str]]:
        now = self._clock()
        kept = self._answers.get(arguments)
        if kept is not None and now - kept[0] < KEPT_S:
            return kept[1]
        try:
            env = {**self._environ, "LC_ALL": "C"}
            argv = [self._program, "-G", *arguments]
            done = await run_here(argv, deadline_s=DEADLINE_S, limit_bytes=OUTPUT_MAX, env=env)
        except TooLongError as error:
            text, remedy = "ssh's configuration gives no answer", f"try: ssh -G {arguments[-1]}"
            raise LinkError(text, LinkState.LOST, words=str(error), remedy=remedy) from None
        except OSError:
            return _defaults(arguments)
        if done.status != 0:
            words = clean(done.err.strip().splitlines()[0] if done.err.strip() else f"exit {done.status}")
            remedy = f"mend it, and try: ssh -G {arguments[-1]}"
            raise LinkError("ssh's configuration cannot be read", LinkState.NEEDS_YOU, words=words, remedy=remedy)
        said = parse(done.out)
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        self._answers[arguments] = (now, said)
        return said


def parse(text: str) -> dict[str, list[str]]:
    """Return what `ssh -G` wrote: keyword in lower case -> its values, one a line of output."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        if keyword:
            said.setdefault(keyword.lower(), []).append(value.strip())
    return said


def parse_jump(word: str) -> tuple[str, str, int]:
    """Return (user, host, port) of one word of ProxyJump; "" and 0 where it does not say. Raises LinkError."""
    match = _JUMP.fullmatch(word)
    user, host, port = match.groups() if match is not None else (None, "", None)
    host = host.removeprefix("[").removesuffix("]")
    if not check_host(host) or (user and not check_user(user)) or (port and not 1 <= int(port) <= 65_535):
        remedy = "write [user@]host[:port], several with commas"
        raise LinkError(f"the jump host {clean(word, 80)!r} cannot be", LinkState.NEEDS_YOU, remedy=remedy)
    return user or "", host, int(port or 0)


def _defaults(arguments: tuple[str, ...]) -> dict[str, list[str]]:
    """What ssh would say of a host without any configuration."""
    given = dict(zip(arguments[:-2:2], arguments[1:-2:2], strict=True))
    files = [given["-i"]] if "-i" in given else [f"~/.ssh/{name}" for name in _DEFAULT_KEYS]
    return {
        "hostname": [arguments[-1]],
        "user": [given.get("-l") or login_name()],
        "port": [given.get("-p") or "22"],
        "identityfile": files,
        "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
        "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
    }


def _target(alias: str, said: Mapping[str, list[str]], environ: Mapping[str, str]) -> Target:
    def one(keyword: str) -> str:
        return said.get(keyword, [""])[0]

    def given(keyword: str) -> str:
        value = one(keyword)
        return "" if value.lower() == "none" else value

    host, user, port = one("hostname") or alias, one("user") or login_name(), int(one("port") or 22)
    if not check_host(host) or not check_user(user):
        where = clean(f"{user}@{host}", 120)
        raise LinkError(f"ssh's configuration leads to {where}, which cannot be", LinkState.NEEDS_YOU)
    tokens = _tokens(alias, host, user, port, one("hostkeyalias"))

    def paths(values: list[str]) -> tuple[str, ...]:
        return tuple(_path(value, tokens, environ) for value in values if value.lower() not in {"", "none"})

    proxy_command = given("proxycommand")
    if proxy_command and one("proxyusefdpass") == "yes":
        remedy = "use a ProxyCommand that carries the bytes itself, or ProxyJump"
        raise LinkError("ProxyUseFdpass is not supported", LinkState.NEEDS_YOU, remedy=remedy)
    return Target(
        alias=alias,
        host=host,
        port=port,
        user=user,
        identity_files=paths(said.get("identityfile", [])),
        certificate_files=paths(said.get("certificatefile", [])),
        identity_agent=_agent(one("identityagent"), tokens, environ),
        identities_only=one("identitiesonly") == "yes",
        jump=tuple(word for word in given("proxyjump").split(",") if word),
        proxy_command=_expand(proxy_command, tokens),
        user_known_hosts=paths(one("userknownhostsfile").split()),
        global_known_hosts=paths(one("globalknownhostsfile").split()),
        host_key_alias=given("hostkeyalias").lower(),
        host_key_algorithms=tuple(name for name in one("hostkeyalgorithms").split(",") if name),
        family=_FAMILIES.get(one("addressfamily"), socket.AF_UNSPEC),
        bind_address=given("bindaddress"),
    )


def _tokens(alias: str, host: str, user: str, port: int, key_alias: str) -> dict[str, str]:
    """ssh_config(5), TOKENS; `ssh -G` prints most values with theirs unexpanded."""
    name = socket.gethostname()
    return {
        "%": "%", "h": host, "n": alias, "p": str(port), "r": user, "k": key_alias or alias, "u": login_name(),
        "d": str(expand_home("~")), "i": str(os.getuid()), "l": name, "L": name.partition(".")[0],
    }  # fmt: skip


def _expand(text: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)


def _path(text: str, tokens: Mapping[str, str], environ: Mapping[str, str]) -> str:
    path = re.sub(r"\$\{(\w+)\}", lambda match: environ.get(match[1], match[0]), _expand(text, tokens))
    return str(expand_home(path))


def expand_home(path: str) -> Path:
    """Return ``path`` with a leading ~ or ~user expanded, if there is such a user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def login_name() -> str:
    """Return who we are, for logins that do not say who they are for."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _agent(text: str, tokens: Mapping[str, str], environ: Mapping[str, str]) -> str:
    if text in {"", "SSH_AUTH_SOCK"}:
        return ""
    if text.lower() == "none":
        return "none"
    if re.fullmatch(r"\$\w+", text):
        return environ.get(text[1:], "none")
    return _path(text, tokens, environ)
