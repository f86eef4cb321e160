"""Let the CPUs go on."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

RESUME = Verb(
    id="resume",
    title="resume (unpause)",
    key="u",
    help="Let a paused VM's CPUs run again.",
    call="resume",
    applies=frozenset({VmState.PAUSED}),
    already=frozenset({VmState.RUNNING}),
    goal=frozenset({VmState.RUNNING}),
    inverse="pause",
    virsh="resume",
    also=("unpause", "continue", "unfreeze", "wake"),
)
