"""``kvmtui [HOST…]``: opens the console."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmtui.cli.source import Source, check_config, check_same, source

if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> int:
    """Show the console until the user leaves."""
    where = source(options)
    check_config(where)
    if options.socket or os.environ.get("KVMTUI_SOCKET"):
        _check_there(where, read_only=options.read_only)
    from kvmtui.console.start import run as open_console

    return open_console(where.paths, read_only=options.read_only)


def _check_there(where: Source, *, read_only: bool) -> None:
    """The socket was chosen by hand: whoever listens there must be the worker that is meant."""
    from kvmtui.wire.line import Line, greeting

    if where.paths.socket.exists():
        line = Line(where.paths.socket)
        try:
            check_same(where, line.greet(greeting("console", read_only=read_only)))
        finally:
            line.close()
