"""What becomes of the worker when its user logs out."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LINGERING = Path("/var/lib/systemd/linger")
"""logind keeps the user manager of the users named here."""
LOGIND_PLACES = (
    Path("/usr/lib/systemd/logind.conf.d"),
    Path("/etc/systemd/logind.conf"),
    Path("/run/systemd/logind.conf.d"),
    Path("/etc/systemd/logind.conf.d"),
)
"""Files, and folders of files; what is read later wins."""


def user_name() -> str:
    """Return the name of the user this process runs as, or the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def lingers() -> bool:
    """Whether the user's manager stays when the last session ends (loginctl enable-linger)."""
    return (LINGERING / user_name()).exists()


def login_kills() -> bool:
    """Whether logind ends what a session of this user leaves behind; root is exempt."""
    return kills_processes(LOGIND_PLACES) and os.getuid() != 0


def kills_processes(places: Iterable[Path]) -> bool:
    """Return what logind's files say of KillUserProcesses."""
    kills = False
    for place in places:
        for file in sorted(place.glob("*.conf")) if place.is_dir() else [place]:
            try:
                lines = file.read_text(errors="replace")[:65_536].splitlines()
            except OSError:
                continue
            for line in lines:
                key, equals, value = line.partition("=")
                if equals and key.strip() == "KillUserProcesses":
                    kills = value.strip().lower() in {"yes", "true", "1", "on"}
    return kills


def warning() -> str:
    """Return in words what logging out does to this process, or "" if it stays."""
    try:
        group = Path("/proc/self/cgroup").read_text()
    except OSError:
        return ""
    in_manager = "/user@" in group
    in_session = "/session-" in group
    if (in_manager and not lingers()) or (in_session and login_kills()):
        return "logging out ends the worker and its jobs (loginctl enable-linger keeps it)"
    return ""
