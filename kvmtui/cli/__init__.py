"""The command line."""

from __future__ import annotations

from kvmtui.cli.entry import main

__all__ = ["main"]
