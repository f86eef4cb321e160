"""What deserves a look before some VMs are acted on, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.guard.gate import named
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.actions import Verb
    from kvmtui.model.vm import Vm


def unread(vms: Sequence[Vm]) -> list[str]:
    """Name the VMs of which nobody has looked yet whether another manager owns them."""
    names = [vm.name for vm in vms if vm.owner is None]
    return [f"not read yet, another manager may own it: {named(names)}"] if names else []


def paused_by_others(verb: Verb, vms: Sequence[Vm]) -> list[str]:
    """Name the VMs that no user has paused: what paused them may be there still."""
    if VmState.PAUSED not in verb.applies or VmState.RUNNING not in verb.goal:
        return []
    others: dict[str, list[str]] = {}
    for vm in vms:
        if vm.state is VmState.PAUSED and vm.state_reason != "user":
            others.setdefault(vm.state_reason or "unknown", []).append(vm.name)
    return [f"not paused by a user ({reason}): {named(names)}" for reason, names in others.items()]


def under_way(vms: Sequence[Vm], holder: Callable[[str, str], tuple[str, str] | None]) -> list[str]:
    """Name the VMs on which a verb is under way, with who asked for it."""
    held: dict[tuple[str, str], list[str]] = {}
    for vm in vms:
        if (holding := holder(vm.host, vm.uuid)) is not None:
            held.setdefault(holding, []).append(vm.name)
    return [
        f"{VERBS[verb].title} is under way, asked for by {who}: {named(names)}" for (verb, who), names in held.items()
    ]


def busy(
    verb: Verb,
    vms: Sequence[Vm],
    holder: Callable[[str, str], tuple[str, str] | None],
    job: Callable[[str, str], str | None],
) -> list[str]:
    """Name the VMs with which libvirt is busy, and nobody here asked for it."""
    found: dict[str, list[str]] = {}
    for vm in vms:
        if (doing := job(vm.host, vm.uuid)) and holder(vm.host, vm.uuid) is None:
            found.setdefault(doing, []).append(vm.name)
    then = ", and left alone meanwhile" if verb.minds_jobs else ""
    return [f"{doing} is under way, not by kvmtui{then}: {named(names)}" for doing, names in found.items()]
