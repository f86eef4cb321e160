"""The ways in which a login fails, in words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import asyncssh

from kvmtui.errors import LinkError
from kvmtui.hosts.host_keys import Found, Verdict
from kvmtui.hosts.identities import Identities
from kvmtui.hosts.ssh_config import Target
from kvmtui.model.host import LinkState
from kvmtui.text import clean


def trust_command(host: str) -> str:
    """The remedy for an unknown host key on the way to a host of the config."""
    return f"kvmtui trust {shlex.quote(host)}"


def silence(target: Target, *, reached: bool, met: bool) -> LinkError:
    """It does not answer."""
    if met:
        return LinkError("no answer to the login", LinkState.LOST, remedy="is the host overloaded, or its disk stuck?")
    if reached:
        text, remedy = "it takes the connection and says nothing", "is sshd running there, and on this port?"
        return LinkError(text, LinkState.LOST, words=f"port {target.port}", remedy=remedy)
    return LinkError("no answer", LinkState.LOST, remedy="is the host up, and the network on the way to it?")


def host_key(host: str, target: Target, shown: asyncssh.SSHKey | None, found: Found, words: str) -> LinkError:
    """Its host key is not one to trust. ``host`` is its name in the config, for the remedy."""
    if shown is None:
        text = "its host key is revoked" if "revoked" in words else "its host certificate is not good"
        remedy = "ask whoever signs the keys of your hosts"
        return LinkError(text, LinkState.NEEDS_YOU, words=words, remedy=remedy)
    trust = trust_command(host)
    verdict, place = found.judge(shown)
    print_ = f"{shown.get_algorithm()} {shown.get_fingerprint()}"
    if verdict is Verdict.CHANGED:
        file, _, line = place.rpartition(":")
        text = f"its host key has CHANGED: it is not the one in {clean(file)}:{line}"
        forget = f"ssh-keygen -R {shlex.quote(target.known_as)} -f {shlex.quote(clean(file))}"
        remedy = f"somebody may be in between: find out why first; only if the host was set up anew: {forget}; {trust}"
        return LinkError(text, LinkState.NEEDS_YOU, words=f"it shows {print_}", remedy=remedy)
    return LinkError("its host key is unknown", LinkState.NEEDS_YOU, words=f"it shows {print_}", remedy=trust)


def login(
    target: Target, identities: Identities | None, methods: Sequence[str], banner: str, error: asyncssh.DisconnectError
) -> LinkError:
    """It does not let us in."""
    tried = identities.tried if identities is not None else []
    problems = identities.problems if identities is not None else []
    locked = identities.locked if identities is not None else []
    offered = f"offered: {', '.join(tried)}" if tried else "no key to offer"
    takes = f"it takes {', '.join(methods)}" if methods else ""
    words = "; ".join(word for word in (*problems, offered, takes, banner) if word)
    user, place = target.user, f"{target.user}@{target.host}"
    if locked:
        file = locked[0]
        text = f"key {file} is locked" if len(locked) == 1 else f"keys {', '.join(locked)} are locked"
        remedy = f"ssh-add {file if file.startswith('~/') and shlex.quote(file[2:]) == file[2:] else shlex.quote(file)}"
        return LinkError(text, LinkState.NEEDS_YOU, words=f"login as {user} refused; {words}", remedy=remedy)
    if not isinstance(error, asyncssh.PermissionDenied):
        text = f"login as {user} refused: {clean(error.reason, 120)}"
        remedy = "name the key for this host: identity_file in the config" if len(tried) > 1 else ""
        return LinkError(text, LinkState.NEEDS_YOU, words=words, remedy=remedy)
    if "publickey" not in methods:
        text, remedy = f"login as {user} refused: it takes no keys", "set PubkeyAuthentication yes in its sshd_config"
        return LinkError(text, LinkState.NEEDS_YOU, words=words, remedy=remedy)
    port = "" if target.port == 22 else f"-p {target.port} "
    remedy = f"ssh-copy-id {port}{shlex.quote(place)}" + ("" if tried or problems else ", after ssh-keygen or ssh-add")
    return LinkError(f"login as {user} refused", LinkState.NEEDS_YOU, words=words, remedy=remedy)


def broken(target: Target, error: Exception, *, reached: bool, said: str) -> LinkError:
    """The connection did not come to a login. ``said`` is what its ProxyCommand had to say."""
    state, text, remedy = LinkState.LOST, "the login failed", ""
    words = error.reason if isinstance(error, (asyncssh.DisconnectError, asyncssh.ChannelOpenError)) else str(error)
    match error:
        case asyncssh.ChannelOpenError(code=asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED):
            state, text = LinkState.NEEDS_YOU, "the jump host forbids the way to it"
            remedy = "set AllowTcpForwarding yes in the jump host's sshd_config"
        case asyncssh.ChannelOpenError():
            text, remedy = "the jump host finds no way to it", "is the host up, and sshd running there?"
        case asyncssh.KeyExchangeFailed():
            state, text = LinkState.NEEDS_YOU, "no encryption in common"
            remedy = "one of the two sides is too old, or its sshd_config too narrow"
        case asyncssh.ProtocolError() | asyncssh.ProtocolNotSupported():
            text, remedy = "what answers there does not speak SSH", "is this the port of sshd?"
        case asyncssh.DisconnectError() | OSError() if target.proxy_command:
            text, remedy = "its ProxyCommand gives no connection", f"try: ssh {shlex.quote(target.alias)}"
            words = said or words
        case asyncssh.DisconnectError():
            text, remedy = (
                "it hung up before the login",
                "too many logins at once (MaxStartups), or addresses filtered?",
            )
        case OSError():
            text = "the connection broke" if reached else "no way to the host"
            words = error.strerror or str(error)
    return LinkError(text, state, words=words, remedy=remedy)
