"""What cannot be done to VMs without a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmtui.model.vm import Vm


def not_if_transient(vm: Vm) -> str:
    """Return why it cannot be done to a VM that is forgotten when it stops, "" for others."""
    return "" if vm.persistent else "transient: it has no definition on its host"
