"""``kvmtui check``: says what a config holds, or everything that is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmtui.cli import exits
from kvmtui.cli.complaint import complain
from kvmtui.cli.source import source
from kvmtui.config.read import load
from kvmtui.errors import ConfigError, UsageError
from kvmtui.text import clean, plural

if TYPE_CHECKING:
    import argparse

    from kvmtui.config.structs import Config

NAMED = 10
"""Hosts that a note names."""


def run(options: argparse.Namespace) -> int:
    """Check the config that is meant, without touching a host, then the keys and themes of one's own."""
    wrong: list[UsageError] = []
    try:
        _tell(load(source(options).paths.config))
    except UsageError as error:
        wrong.append(error)
    wrong += _own_files()
    for each in wrong:
        complain(each)
    return exits.USAGE if wrong else exits.DONE


def _tell(config: Config) -> None:
    print(f"{clean(config.path)}: fine, {plural(len(config.hosts), 'host')}")
    names: dict[str, list[str]] = {}
    for host in config.hosts:
        names.setdefault(host.uri, []).append(host.name)
    for same in names.values():
        if len(same) > 1:
            more = f" and {len(same) - NAMED} more" if len(same) > NAMED else ""
            print(f"note: {', '.join(same[:NAMED])}{more} have the same uri; as one host they are acted on once")
    if config.guard.roles:
        print("note: guard: roles bind in a worker that a team shares (kvmtui worker run --shared), not in your own")


def _own_files() -> list[UsageError]:
    """Return what is wrong with the files that are of the console alone."""
    from kvmtui.console import keymap, theme

    wrong: list[UsageError] = []
    path = keymap.place()
    if os.path.lexists(path):
        _, problems = keymap.read(path)
        if problems:
            wrong.append(ConfigError(str(path), problems))
        else:
            print(f"{clean(str(path))}: fine")
    for name in theme.own():
        try:
            weak = theme.hard_to_see(theme.check(name))
        except ConfigError as error:
            wrong.append(error)
            continue
        print(f"{clean(str(theme.own_folder() / name))}.yaml: fine")
        for line in weak:
            print(f"note: {line}")
    return wrong
