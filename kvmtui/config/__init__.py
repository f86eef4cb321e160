"""The user's config: what it may say, what is wrong with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.config.made import for_hosts
    from kvmtui.config.read import load
    from kvmtui.config.structs import Config, GuardConfig, HostConfig, Limits, Periods

__all__ = ["Config", "GuardConfig", "HostConfig", "Limits", "Periods", "for_hosts", "load"]

_ELSEWHERE = {"for_hosts": "made", "load": "read"}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is: the console only finds the file, and is not to wait for what reads it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'structs')}"), name)
