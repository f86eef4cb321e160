"""Lines for virsh, to be pasted into a shell."""

from __future__ import annotations

import re
import shlex

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:+@-]*")
_LIKE_UUID = re.compile(r"[0-9A-Fa-f-]{32,36}")


def connected(uri: str) -> str:
    """Return how virsh is called for the libvirt of a URI."""
    return f"virsh -c {shlex.quote(uri)}"


def vm_word(name: str, uuid: str) -> str:
    """Return what virsh finds a VM by. It takes numbers for ids and some names for UUIDs before it takes names."""
    plain = _PLAIN_NAME.fullmatch(name) and not _LIKE_UUID.fullmatch(name)
    return shlex.quote(name if plain else uuid)


def snapshot_word(name: str) -> str:
    """Return what virsh finds a snapshot by, whatever it is called."""
    return shlex.quote(f"--snapshotname={name}" if name.startswith("-") else name)
