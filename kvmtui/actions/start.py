"""Power on."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

START = Verb(
    id="start",
    title="start",
    key="s",
    help="Start the VM; a saved one goes on where it was saved.",
    call="create",
    applies=frozenset({VmState.OFF, VmState.SAVED, VmState.CRASHED}),
    already=frozenset({VmState.RUNNING}),
    goal=frozenset({VmState.RUNNING}),
    inverse="shutdown",
    virsh="start",
    also=("boot", "run", "on", "poweron", "power-on", "up", "create"),
)
