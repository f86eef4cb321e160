"""The user's config: what it may say, what is wrong with it."""

from __future__ import annotations

from kvmtui.config.demo import demo
from kvmtui.config.find import find
from kvmtui.config.made import for_hosts
from kvmtui.config.read import load, read
from kvmtui.config.structs import Config, GuardConfig, HostConfig, Limits, Periods

__all__ = ["Config", "GuardConfig", "HostConfig", "Limits", "Periods", "demo", "find", "for_hosts", "load", "read"]
