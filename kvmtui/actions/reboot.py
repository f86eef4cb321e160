"""Ask the guest to restart."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

REBOOT = Verb(
    id="reboot",
    title="reboot",
    key="b",
    help="Ask the guest to reboot (agent, ACPI); it may refuse.",
    call="reboot",
    args=(0,),
    applies=frozenset({VmState.RUNNING}),
    proof="rebooted",
    patience_s=120.0,
    ignored="no reaction to the request",
    stops=True,
    virsh="reboot",
    also=("restart", "cycle"),
)
