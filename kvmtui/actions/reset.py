"""Press the reset button."""

from __future__ import annotations

from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

RESET = Verb(
    id="reset",
    title="reset",
    key="R",
    help="Press reset, unasked; what is not on disk yet is lost.",
    call="reset",
    args=(0,),
    applies=frozenset({VmState.RUNNING}),
    proof="rebooted",
    destructive=True,
    stops=True,
    virsh="reset",
    also=("hard-reset", "hardreset", "powercycle", "power-cycle"),
)
