"""``kvmtui check``: says what a config holds, or everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.cli import exits
from kvmtui.cli.source import source
from kvmtui.config.read import load
from kvmtui.text import clean, plural

if TYPE_CHECKING:
    import argparse

NAMED = 10
"""Hosts that a note names."""


def run(options: argparse.Namespace) -> int:
    """Check the config that is meant, without touching a host."""
    config = load(source(options).paths.config)
    print(f"{clean(config.path)}: fine, {plural(len(config.hosts), 'host')}")
    names: dict[str, list[str]] = {}
    for host in config.hosts:
        names.setdefault(host.uri, []).append(host.name)
    for same in names.values():
        if len(same) > 1:
            more = f" and {len(same) - NAMED} more" if len(same) > NAMED else ""
            print(f"note: {', '.join(same[:NAMED])}{more} have the same uri; as one host they are acted on once")
    return exits.DONE
