"""``kvmtui check``: says what a config holds, or everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kvmtui.cli import exits
from kvmtui.cli.source import source
from kvmtui.config.read import load
from kvmtui.text import clean, plural

if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> int:
    """Check the config that is meant, without touching a host."""
    config = load(source(options).paths.config)
    print(f"{clean(config.path)}: fine, {plural(len(config.hosts), 'host')}")
    for uri, count in Counter(host.uri for host in config.hosts).items():
        if count > 1:
            names = ", ".join(host.name for host in config.hosts if host.uri == uri)
            print(f"note: {names} have the same uri; as one host they are acted on once")
    return exits.DONE
