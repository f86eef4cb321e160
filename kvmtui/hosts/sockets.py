"""Where libvirt listens (libvirt's src/remote/remote_sockets.c)."""

from __future__ import annotations

from kvmtui.hosts.uri import HostUri

SYSTEM_FOLDER = "/run/libvirt"


def names(uri: HostUri, read_only: bool) -> tuple[str, ...]:
    """Return the names of the sockets to try in libvirt's folder: the modular daemon's, the monolithic one's.

    A session's daemon has no socket for reading only; it is told when the connection is opened.
    """
    end = "-ro" if read_only and uri.scope == "system" else ""
    modular, legacy = f"virtqemud-sock{end}", f"libvirt-sock{end}"
    return {"direct": (modular,), "legacy": (legacy,)}.get(uri.mode, (modular, legacy))


def system_paths(uri: HostUri, read_only: bool) -> tuple[str, ...]:
    """Return the paths to try for a system's daemon; the URI's own socket instead, if it names one."""
    if uri.socket:
        return (uri.socket,)
    return tuple(f"{SYSTEM_FOLDER}/{name}" for name in names(uri, read_only))
