"""Stop the CPUs."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

PAUSE = Verb(
    id="pause",
    title="pause",
    key="p",
    help="Stop the VM's CPUs; its memory stays.",
    call="suspend",
    applies=frozenset({VmState.RUNNING}),
    already=frozenset({VmState.PAUSED}),
    goal=frozenset({VmState.PAUSED}),
    stops=True,
    inverse="resume",
    virsh="suspend",
    also=("freeze", "hold"),
)
