"""Write the memory to disk."""

from __future__ import annotations

from kvmtui.actions.transient import not_if_transient
from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

SAVE = Verb(
    id="save",
    title="write to disk",
    key="w",
    help="Save its memory on disk, and stop; start goes on there.",
    call="managedSave",
    args=(0,),
    applies=frozenset({VmState.RUNNING, VmState.PAUSED}),
    already=frozenset({VmState.SAVED}),
    objects=not_if_transient,
    goal=frozenset({VmState.SAVED}),
    deadline_s=1_800.0,
    stops=True,
    inverse="start",
    virsh="managedsave",
    also=("hibernate", "suspend-to-disk", "managed-save"),
)
