"""The config file, watched for changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui import config
from kvmtui.errors import ConfigError
from kvmtui.text import clean, plural

if TYPE_CHECKING:
    from pathlib import Path

    from kvmtui.config import Config

Signature = tuple[int, int, int] | None
"""Inode, size, time of change in ns; None: the file is not there."""


class Edited(NamedTuple):
    """What became of an edit."""

    config: Config | None
    """What to put in force; None: nothing, the old one stays."""
    notice: str
    """What is to be said of it until the next edit, or ""."""


class ConfigFile:
    """Looks whether the file was edited. Its methods may block on the file system: not for an event loop's thread."""

    def __init__(self, path: Path, in_force: Config) -> None:
        self._path = path
        self._digest = in_force.digest
        self._judged = self._pending = self._signature()

    def look(self) -> Edited | None:
        """Return what an edit says, or None if there is nothing new.

        A file that changed is read the next time it is found just as it was: an editor may still be writing.
        """
        found = self._signature()
        if found == self._judged:
            return None
        if found != self._pending:
            self._pending = found
            return None
        self._judged = found
        if found is None:
            return Edited(None, f"{self._path.name} is gone; what it said last stays in force")
        try:
            edited = config.load(self._path)
        except ConfigError as error:
            more = f" (and {plural(len(error.problems) - 1, 'more problem')})" if len(error.problems) > 1 else ""
            return Edited(None, f"{self._path.name} not applied: {clean(error.problems[0], 300)}{more}")
        if edited.digest == self._digest:
            return Edited(None, "")
        self._digest = edited.digest
        return Edited(edited, "")

    def _signature(self) -> Signature:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)


def difference(before: Config, after: Config) -> str:
    """Return in words which hosts two configs differ in: "+1 host −2 hosts, 1 changed", "same hosts"."""
    old = {host.name: host for host in before.hosts}
    new = {host.name: host for host in after.hosts}
    changed = sum(name in old and old[name] != host for name, host in new.items())
    words = [
        f"{sign}{plural(len(names), 'host')}"
        for sign, names in (("+", new.keys() - old), ("−", old.keys() - new))
        if names
    ]
    if changed:
        words.append(f"{plural(changed, 'host')} changed")
    return " ".join(words) or "same hosts"
