"""Cut the power."""

from __future__ import annotations

from kvmtui.actions.verb import Lane, Verb
from kvmtui.model.vm import VmState

OFF = Verb(
    id="off",
    title="force off",
    key="F",
    help="Cut its power at once; what is not on disk yet is lost.",
    call="destroy",
    applies=frozenset({VmState.RUNNING, VmState.PAUSED, VmState.IN_SHUTDOWN, VmState.CRASHED, VmState.SUSPENDED}),
    already=frozenset({VmState.OFF, VmState.SAVED}),
    goal=frozenset({VmState.OFF, VmState.SAVED}),
    lane=Lane.CONTROL,
    destructive=True,
    stops=True,
    virsh="destroy",
    also=("stop", "kill", "poweroff", "power-off", "force-off", "forceoff", "terminate"),
)
