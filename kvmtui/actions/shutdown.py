"""Ask the guest to power off."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

SHUTDOWN = Verb(
    id="shutdown",
    title="shut down",
    key="d",
    help="Ask the guest to shut down (agent, ACPI); it may refuse.",
    call="shutdown",
    applies=frozenset({VmState.RUNNING}),
    already=frozenset({VmState.OFF, VmState.SAVED}),
    goal=frozenset({VmState.OFF}),
    patience_s=120.0,
    ignored="no reaction to the request",
    stops=True,
    inverse="start",
    next_step="off",
    virsh="shutdown",
    also=("stop", "halt", "poweroff", "power-off", "down", "acpi"),
)
