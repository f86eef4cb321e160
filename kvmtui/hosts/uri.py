"""A host's URI in libvirt's own syntax.

The forms understood: ``qemu:///system``, ``qemu:///session``, ``qemu+unix:///system?socket=PATH``,
``qemu+ssh://[user@]host[:port]/system?keyfile=…&socket=…``, ``test:///default``, ``test:///path.xml``.
See https://libvirt.org/uri.html; what kvmtui cannot do, or will not do, is refused with a remedy.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from kvmtui.errors import UsageError

LENGTH_MAX = 4_096
"""Characters of a URI."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.-]*)(?:\+([A-Za-z0-9]+))?://")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_USER = re.compile(r"(?!-)[^\s'\"`$;&<>|(){}\x00-\x20\x7f]{1,128}(?<!\\)")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")

_REFUSED_TRANSPORTS = {
    "tls": "TLS certificates are not supported",
    "tcp": "TCP without encryption is not supported",
    "ext": "an external program as transport is not supported",
    "libssh": "libssh is not needed: kvmtui speaks SSH itself",
    "libssh2": "libssh2 is not needed: kvmtui speaks SSH itself",
}
_SSH_ONLY = ("keyfile", "known_hosts", "netcat", "proxy")
_FLAGS = ("no_tty", "no_sanity")
"""Parameters that ask for what is so anyway: no password is ever asked for on a terminal."""


@dataclass(frozen=True)
class HostUri:
    """A URI that kvmtui can use. Strings are "" and ``port`` is 0 where the URI does not say."""

    driver: str
    """"qemu" or "test"."""
    transport: str
    """"ssh", "unix" (this machine) or "test" (libvirt's test driver, in process)."""
    user: str = ""
    host: str = ""
    """Name, alias of the ssh config, or address; IPv6 without brackets."""
    port: int = 0
    scope: str = ""
    """"system" or "session"; "" for the test driver."""
    path: str = ""
    """Of the test driver: "default", or the absolute path of its XML."""
    socket: str = ""
    """Path of libvirt's socket on the host, instead of the usual ones."""
    keyfile: str = ""
    known_hosts: str = ""
    netcat: str = ""
    mode: str = ""
    """"legacy" (libvirtd), "direct" (virtqemud) or "auto"."""
    proxy: str = ""
    """What may stand in where sshd forwards no sockets: "native" (virt-ssh-helper), "netcat" or "auto"."""


def parse(uri: str) -> HostUri:
    """Return what ``uri`` says. Raises UsageError, and nothing else, with the reason and a remedy."""
    if len(uri) > LENGTH_MAX:
        _refuse(uri, "the URI is too long", f"{LENGTH_MAX} characters are enough for any host")
    if not uri.isprintable() or " " in uri:
        _refuse(uri, "the URI contains a space or a control character", "write %20 for a space in a path")
    match = _SCHEME.match(uri)
    if match is None:
        _refuse(uri, "this is not a URI", "write qemu+ssh://root@HOST/system, or qemu:///system for this machine")
    driver, transport = match[1].lower(), (match[2] or "").lower()
    rest, fragment_mark, _ = uri[match.end() :].partition("#")
    if fragment_mark:
        _refuse(uri, "a fragment (#…) means nothing here", "write %23 for # in a path")
    place, _, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    if driver == "test":
        return _test(uri, transport, authority, path, query)
    if driver != "qemu":
        _refuse(uri, f"the driver {driver!r} is not supported", "kvmtui knows KVM hosts: qemu:///system and the like")
    if transport in _REFUSED_TRANSPORTS:
        _refuse(uri, _REFUSED_TRANSPORTS[transport], "write qemu+ssh://root@HOST/system")
    if transport not in {"", "unix", "ssh"}:
        _refuse(uri, f"the transport {transport!r} is not known", "write qemu+ssh://root@HOST/system")
    if not transport and authority:
        _refuse(uri, "without a transport this means TLS, which is not supported", "write qemu+ssh://root@HOST/system")
    if not slash or path not in {"system", "session"}:
        what = "the path is missing" if not path else f"the path /{path} is not known"
        _refuse(uri, what, "it ends in /system, or in /session for the user's own VMs")
    user, host, port = _authority(uri, authority)
    if transport == "ssh" and not host:
        _refuse(uri, "the host is missing", "write qemu+ssh://root@HOST/system, or qemu:///system for this machine")
    if transport != "ssh" and (host or user or port):
        _refuse(uri, "a Unix socket has no host", "write qemu+ssh://root@HOST/system, or qemu:///system")
    return HostUri(
        driver="qemu",
        transport=transport or "unix",
        user=user,
        host=host,
        port=port,
        scope=path,
        **_parameters(uri, query, transport or "unix"),
    )


def format_uri(uri: HostUri) -> str:
    """Return ``uri`` as text. ``parse`` gives the same back."""
    if uri.transport == "test":
        return f"test:///{quote(uri.path)}" if not uri.path.startswith("/") else f"test://{quote(uri.path)}"
    authority = ""
    if uri.transport == "ssh":
        host = f"[{uri.host.replace('%', '%25')}]" if ":" in uri.host else uri.host
        user = f"{quote(uri.user, safe='')}@" if uri.user else ""
        authority = f"{user}{host}" + (f":{uri.port}" if uri.port else "")
    scheme = "qemu+ssh" if uri.transport == "ssh" else "qemu"
    values = {name: getattr(uri, name) for name in ("keyfile", "known_hosts", "mode", "netcat", "proxy", "socket")}
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items() if value)
    return f"{scheme}://{authority}/{uri.scope}" + (f"?{query}" if query else "")


def check_host(host: str) -> bool:
    """Whether ``host`` can be the name or address of a host: nothing a shell or an option parser would take apart."""
    if ":" in host:
        address, percent, zone = host.partition("%")
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return False
        return not percent or _ZONE.fullmatch(zone) is not None
    return _HOST.fullmatch(host) is not None


def check_user(user: str) -> bool:
    """Whether ``user`` can be a login name, by the same rule as OpenSSH's client."""
    return _USER.fullmatch(user) is not None and user.isprintable()


def _refuse(uri: str, why: str, remedy: str) -> NoReturn:
    shown = uri if len(uri) <= 200 else uri[:199] + "…"
    raise UsageError(why, where="".join(c if c.isprintable() else "\ufffd" for c in shown), remedy=remedy)


def _decode(uri: str, text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:
        _refuse(uri, "a part of the URI is not UTF-8", "write it in UTF-8, or percent-encoded")
    if not decoded.isprintable():
        _refuse(uri, "a part of the URI stands for a control character", "leave it out")
    return decoded


def _test(uri: str, transport: str, authority: str, path: str, query: str) -> HostUri:
    if transport or authority or query:
        _refuse(
            uri, "the test driver has no transport, host or parameters", "write test:///default or test:///PATH.xml"
        )
    name = _decode(uri, path)
    if not name:
        _refuse(uri, "the path is missing", "write test:///default or test:///PATH.xml")
    return HostUri(driver="test", transport="test", path=name if name == "default" else f"/{name}")


def _authority(uri: str, authority: str) -> tuple[str, str, int]:
    login, at, place = authority.rpartition("@")
    if at and ":" in login:
        _refuse(uri, "a password in a URI is not supported", "use a key: ssh-copy-id, then leave the password out")
    user = _decode(uri, login)
    if at and not check_user(user):
        _refuse(uri, "this user name cannot be", "write qemu+ssh://USER@HOST/system")
    if place.startswith("["):
        inner, bracket, tail = place[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            _refuse(uri, "the address in brackets does not end", "write [2001:db8::1] or [2001:db8::1]:22")
        host, port = _decode(uri, inner), tail[1:]
        if ":" not in host:
            _refuse(uri, "brackets are for IPv6 addresses", "write [2001:db8::1], or a name without brackets")
        colon = bool(tail)
    else:
        name, mark, port = place.partition(":")
        host, colon = _decode(uri, name), bool(mark)
        if ":" in port or ":" in host:
            _refuse(uri, "an IPv6 address needs brackets", "write [2001:db8::1] or [2001:db8::1]:22")
    if host and not check_host(host):
        _refuse(uri, "this host name cannot be", "letters, digits, '.', '-' and '_'; or an address")
    if not colon:
        return user, host, 0
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65_535:
        _refuse(uri, "the port is not a number from 1 to 65535", "leave it out for the usual one")
    return user, host, int(port)


def _parameters(uri: str, query: str, transport: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in re.split(r"[&;]", query):
        if not part:
            continue
        name, _, raw = part.partition("=")
        name, value = _decode(uri, name), _decode(uri, raw)
        if name in found:
            _refuse(uri, f"the parameter {name} is given twice", "give it once")
        found[name] = value
    return {name: value for name, value in found.items() if _keep(uri, name, value, transport)}


def _keep(uri: str, name: str, value: str, transport: str) -> bool:
    """Whether the parameter says something. Refuses what cannot be."""
    trust = "host keys are always checked; `kvmtui trust HOST` accepts a new one"
    if name == "no_verify":
        if value != "0":
            _refuse(uri, "no_verify would switch the check of host keys off", trust)
        return False
    if name == "known_hosts_verify":
        if value != "normal":
            _refuse(uri, f"known_hosts_verify={value} would weaken the check of host keys", trust)
        return False
    if name == "command":
        _refuse(uri, "command= would run another program than ssh", "use ProxyCommand in ~/.ssh/config")
    if name in _FLAGS:
        return False
    if name in _SSH_ONLY and transport != "ssh":
        _refuse(uri, f"{name}= is for qemu+ssh", "leave it out")
    if name in {"keyfile", "known_hosts", "socket"}:
        if not value.startswith("/") and not (value.startswith("~/") and name != "socket"):
            _refuse(uri, f"{name}= needs an absolute path", f"write {name}=/PATH")
        return True
    if name == "netcat":
        if not re.fullmatch(r"[A-Za-z0-9/][A-Za-z0-9/_.+-]*", value):
            _refuse(uri, "netcat= needs the name or path of a program", "write netcat=nc")
        return True
    choices = {"mode": ("auto", "legacy", "direct"), "proxy": ("auto", "netcat", "native")}.get(name)
    if choices is None:
        known = sorted({"socket", "mode", *_FLAGS, *(_SSH_ONLY if transport == "ssh" else ())})
        _refuse(uri, f"the parameter {name!r} is not known", f"known here: {', '.join(known)}")
    if value not in choices:
        _refuse(uri, f"{name}={value} is not known", f"one of {', '.join(choices)}")
    return True
