"""Configs that are written for what was typed: a worker always has a config file of its own."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING

from kvmtui import paths, text
from kvmtui.config.entries import NAME
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from kvmtui.hosts.uri import HostUri

HOSTS_MAX = 1_000
"""Hosts that may be typed."""


def uri_of(word: str) -> str:
    """Return the URI that a typed host means, as virsh would take it.

    A URI is one; then the aliases of libvirt's own configuration; anything else is a host to log in to by SSH. Raises
    UsageError if that is no URI that kvmtui can use.
    """
    from kvmtui.hosts.libvirt_conf import aliases
    from kvmtui.hosts.uri import parse

    uri = word if "://" in word else aliases().get(word)
    if uri is None:
        place = f"[{word}]" if word.count(":") > 1 and "[" not in word else word
        uri = f"qemu+ssh://{place}/system"
        if "/" in word or "?" in word:
            raise UsageError("no host is called so", where=text.clean(word, 100), remedy="write HOST, or a whole URI")
    parse(uri)
    return uri


def is_alias(word: str) -> bool:
    """Return whether libvirt's own configuration has a URI of that name."""
    from kvmtui.hosts.libvirt_conf import aliases

    return word in aliases()


def for_hosts(words: Sequence[str]) -> Path:
    """Return a config over the hosts that were typed: written below the state directory, the same for the same words.

    Raises UsageError for what names no host, WorkerError if the state directory cannot be used.
    """
    if len(words) > HOSTS_MAX:
        raise UsageError(f"more than {HOSTS_MAX} hosts", remedy="write a config: --config FILE")
    from kvmtui.hosts.uri import parse

    named: dict[str, str] = {}
    for word in words:
        uri = uri_of(word)
        if uri not in named.values():
            named[_name(word, parse(uri), named)] = uri
    lines = ["# written by kvmtui for the hosts that were typed", f"name: {quoted(text.clean(' '.join(named), 40))}"]
    lines.append("hosts:")
    for name, uri in named.items():
        lines += [f"  - name: {quoted(name)}", f"    uri: {quoted(uri)}"]
    written = "\n".join(lines) + "\n"
    digest = hashlib.sha256(written.encode()).hexdigest()[:12]
    return write(paths.state_home() / "adhoc" / f"{digest}.yaml", written)


def _name(word: str, uri: HostUri, taken: Iterable[str]) -> str:
    """Return a name that a config accepts: the word that was typed if it is one, the host's, or that of the place."""
    place = uri.host or ("test" if uri.driver == "test" else "local")
    said = word if NAME.fullmatch(word) else place
    if uri.scope == "session":
        said += "-session"
    kept = "".join(letter if NAME.fullmatch(f"a{letter}") else "-" for letter in said)[:50].strip("-._") or "host"
    name, number = kept, 2
    while name in taken:
        name, number = f"{kept}-{number}", number + 1
    return name


def quoted(value: str) -> str:
    """Return a text as a scalar that YAML reads back unchanged."""
    return json.dumps(value, ensure_ascii=False)


def write(path: Path, content: str) -> Path:
    """Write a file of the user's own (0600) whole or not at all; leave one alone that says the same already.

    Raises WorkerError if its folder cannot be used, OSError if the file cannot be written.
    """
    paths.make_private(path.parent)
    wanted = content.encode()
    try:
        if path.read_bytes() == wanted:
            return path
    except FileNotFoundError:
        pass
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(wanted)
        os.replace(name, path)  # noqa: PTH105 - both are names here
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise
    return path
