"""Which host keys are known, in the files that OpenSSH keeps them in (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import enum
import fcntl
import hashlib
import hmac
import os
import re
import stat
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncssh

from kvmtui.hosts.ssh_config import Target, expand_home

FILE_MAX = 16 * 1024 * 1024
"""Bytes of a known_hosts file that are read; what comes after is not known."""
SHOWN_MAX = 1_024
"""Keys that hosts have shown lately, and that may be trusted."""


class Verdict(enum.Enum):
    """How a key that a host shows stands to what is known of that host."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    """Nothing is known of this host."""
    CHANGED = "changed"
    """Other keys are known of this host."""
    REVOKED = "revoked"


class Entry(NamedTuple):
    """One line of a known_hosts file."""

    marker: str
    """"", "cert-authority" or "revoked"."""
    patterns: str
    algorithm: str
    blob: str
    """The key, base64."""
    file: str
    line: int

    @property
    def place(self) -> str:
        """Where it stands, as "FILE:LINE"."""
        return f"{self.file}:{self.line}"

    def key(self) -> asyncssh.SSHKey | None:
        """The key, or None if it is of a kind that asyncssh does not know."""
        try:
            return asyncssh.import_public_key(f"{self.algorithm} {self.blob}")
        except (asyncssh.KeyImportError, ValueError):
            return None


class Found(NamedTuple):
    """What is known of one host."""

    keys: tuple[tuple[asyncssh.SSHKey, str], ...] = ()
    """Keys, each with its "FILE:LINE"."""
    authorities: tuple[tuple[asyncssh.SSHKey, str], ...] = ()
    revoked: tuple[tuple[asyncssh.SSHKey, str], ...] = ()
    elsewhere: tuple[tuple[asyncssh.SSHKey, str], ...] = ()
    """Keys of the name alone, where the host's own port has none: good if they match, no sign of change if not."""

    def judge(self, key: asyncssh.SSHKey) -> tuple[Verdict, str]:
        """Return the verdict on a key, with the place of the entry that decided, "" for none."""
        for other, place in self.revoked:
            if other == key:
                return Verdict.REVOKED, place
        for other, place in (*self.keys, *self.elsewhere):
            if other == key:
                return Verdict.KNOWN, place
        if not self.keys:
            return Verdict.UNKNOWN, ""
        same = [place for other, place in self.keys if other.algorithm == key.algorithm]
        return Verdict.CHANGED, (same or [place for _, place in self.keys])[0]


def parse(text: str, file: str) -> Iterator[Entry]:
    """Yield the entries of a known_hosts file; lines that are none are passed over, as ssh does."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        marker = words.pop(0)[1:] if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in {"", "cert-authority", "revoked"}:
            continue
        yield Entry(marker, words[0], words[1], words[2], file, number)


def matches(patterns: str, name: str) -> bool:
    """Whether an entry's first field is for ``name``: plain or hashed names, * and ?, exceptions with "!"."""
    if patterns.startswith("|"):
        return _hash_matches(patterns, name)
    hit = False
    for raw in patterns.lower().split(","):
        negated = raw.startswith("!")
        pattern = raw[1:] if negated else raw
        if pattern == name or (("*" in pattern or "?" in pattern) and _glob(pattern).fullmatch(name)):
            if negated:
                return False
            hit = True
    return hit


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.DOTALL)


def _hash_matches(field: str, name: str) -> bool:
    parts = field.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, digest = base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), hashlib.sha1), digest)


class KnownHosts:
    """Our own known_hosts file, with those of the user and of the machine beside it.

    Its methods read files: call them in a thread. What a host has shown is remembered, so that it can be trusted.
    """

    def __init__(self, own: Path) -> None:
        """``own`` need not exist; it is made when the first key is trusted."""
        self._own = own
        self._read: dict[str, tuple[tuple[int, int, int], tuple[Entry, ...]]] = {}
        self._shown: OrderedDict[tuple[str, int, str], tuple[str, asyncssh.SSHKey]] = OrderedDict()

    def find(self, target: Target, configured: str = "", *, beside: bool = False) -> Found:
        """Return what is known of ``target``. ``configured`` is read instead of the user's own files, or ``beside``.

        A host on another port than 22 is also known by its name alone, as for ssh. Files named "none" or /dev/null
        in ssh's configuration hold no keys; they switch nothing off.
        """
        user = (configured,) if configured and not beside else (configured, *target.user_known_hosts)
        entries = [
            e for file in (str(self._own), *user, *target.global_known_hosts) if file for e in self._entries(file)
        ]
        found = _sort(entries, target.known_as)
        if found.keys or target.host_key_alias or target.port == 22:
            return found
        plain = _sort(entries, target.host.lower())
        authorities, revoked = found.authorities + plain.authorities, found.revoked + plain.revoked
        return Found(authorities=authorities, revoked=revoked, elsewhere=plain.keys)

    def show(self, target: Target, key: asyncssh.SSHKey) -> None:
        """Remember that ``target`` showed this key."""
        self._shown[target.host_key_alias or target.host.lower(), target.port, key.get_fingerprint()] = (
            target.known_as,
            key.convert_to_public(),
        )
        if len(self._shown) > SHOWN_MAX:
            self._shown.popitem(last=False)

    def trust(self, address: str, port: int, fingerprint: str) -> None:
        """Add a key that was shown to our own file, in place of what that file had of this host.

        Raises KeyError if no such key was shown lately, OSError if the file cannot be written.
        """
        name, key = self._shown[address, port, fingerprint]
        line = f"{name} {key.export_public_key('openssh').decode().strip()}"
        self._own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            try:
                old = self._own.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            except FileNotFoundError:
                old = []
            _replace(self._own, [*(text for text in old if text.split(" ", 1)[0] != name), line])

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Workers of several configs share the file."""
        with open(f"{self._own}.lock", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _entries(self, file: str) -> tuple[Entry, ...]:
        try:
            path = expand_home(file)
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return ()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            kept = self._read.get(file)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            with path.open("rb") as stream:
                text = stream.read(FILE_MAX).decode(errors="replace")
        except OSError:
            return ()
        entries = tuple(parse(text, file))
        self._read[file] = (stamp, entries)
        return entries


def _sort(entries: Sequence[Entry], name: str) -> Found:
    sorts: dict[str, list[tuple[asyncssh.SSHKey, str]]] = {"": [], "cert-authority": [], "revoked": []}
    for entry in entries:
        if matches(entry.patterns, name) and (key := entry.key()) is not None:
            sorts[entry.marker].append((key, entry.place))
    return Found(tuple(sorts[""]), tuple(sorts["cert-authority"]), tuple(sorts["revoked"]))


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.writelines(f"{line}\n" for line in lines)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
