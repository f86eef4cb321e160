"""A change of a VM's state told as an event: its kind, its words."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.model.event import EventKind
from kvmtui.model.vm import Vm, VmState
from kvmtui.text import duration

_KINDS = {
    VmState.RUNNING: EventKind.STARTED,
    VmState.PAUSED: EventKind.PAUSED,
    VmState.IN_SHUTDOWN: EventKind.SHUTDOWN,
    VmState.OFF: EventKind.STOPPED,
    VmState.SAVED: EventKind.SAVED,
    VmState.CRASHED: EventKind.CRASHED,
    VmState.SUSPENDED: EventKind.SUSPENDED,
}
_STILL = frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SUSPENDED})
"""States from which running is going on, not a start."""
_BEGINS = frozenset({"booted", "restored", "from snapshot"})
"""Reasons of running that are a start, whatever was before."""
_STEPS = frozenset({"starting up", "migrating", "post-copy", "saving", "dumping", "creating snapshot", "shutting down"})
"""Reasons of a pause that is a step of something: what came of it is worth telling."""
_PLAIN = "unpaused"
"""What libvirt says of every VM that runs on, one that has just been started too."""


class Step(NamedTuple):
    """A state that is a step of something under way."""

    before: Vm | None
    """What was before; None: nothing."""
    vm: Vm
    at: float


def is_step(vm: Vm) -> bool:
    """Whether the state of ``vm`` is a step of something: a start, a move, a shutdown."""
    return vm.state is VmState.IN_SHUTDOWN or (vm.state is VmState.PAUSED and vm.state_reason in _STEPS)


def kind(before: Vm, vm: Vm) -> EventKind:
    """Return what it is called that a VM, which was as ``before``, is as ``vm``."""
    goes_on = before.state in _STILL and vm.state_reason not in _BEGINS
    return EventKind.RESUMED if goes_on and vm.state is VmState.RUNNING else _KINDS[vm.state]


def words(before: Vm, vm: Vm, step: Step | None = None, at: float = 0.0) -> str:
    """Return that in words: "running → paused: I/O error vda …". ``step`` lay between, until ``at``."""
    now = in_words(vm, is_plain=step is not None or kind(before, vm) is EventKind.STARTED)
    was = before.was if before.state is VmState.UNKNOWN else before.state
    if was is vm.state and step is not None:
        why = f": {step.vm.state_reason}" if step.vm.state_reason else ""
        return f"{now}; was {step.vm.state.value} for {duration(at - step.at)}{why}"
    return f"{was.value if was is not None else VmState.UNKNOWN.value} → {now}"


def in_words(vm: Vm, *, is_plain: bool = False) -> str:
    """Return a state with its reason, and what is known of that: "paused: I/O error vda …".

    With ``is_plain`` it goes without saying that a VM that runs is not paused.
    """
    says_nothing = vm.state_reason == vm.state.value or (is_plain and vm.state_reason == _PLAIN)
    reason = "" if says_nothing else vm.state_reason
    why = vm.trouble if reason and vm.trouble.startswith(reason) else reason
    return f"{vm.state.value}: {why}" if why else vm.state.value
