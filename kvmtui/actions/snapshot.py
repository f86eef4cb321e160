"""Keep what the VM is now."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from kvmtui.actions.parameter import Parameter
from kvmtui.actions.verb import Verb
from kvmtui.model.seen import Fact
from kvmtui.model.vm import ACTIVE, VmState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kvmtui.model.seen import Seen
    from kvmtui.model.vm import Vm

NAME = Parameter(
    id="name",
    help="what the snapshot is called",
    pattern=r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}",
    form="up to 64 letters, digits and _ . : + -, a letter or digit first",
    example="before-upgrade",
    is_needed=True,
)


def _tells(vms: Sequence[Vm], given: Mapping[str, str]) -> tuple[str, ...]:
    lines = [f"snapshot {given['name']}, inside the disks' own images: all that can be written to must be qcow2"]
    active = sum(vm.state in ACTIVE for vm in vms)
    if active:
        which = "memory is" if active == len(vms) else f"of {active} that run memory is"
        lines.append(f"{which} kept too; the guest stands still while it is written")
    if active < len(vms):
        lines.append(
            "disks only: off, there is no memory to keep" if not active else "of those that are off: disks only"
        )
    return tuple(lines)


def _is_there(seen: Seen, given: Mapping[str, str]) -> bool:
    return seen.snapshots is not None and given["name"] in seen.snapshots


SNAPSHOT = Verb(
    id="snapshot",
    title="new snapshot",
    key="n",
    help="Keep disks, and memory if it runs, in its qcow2 images.",
    call="snapshotCreateXML",
    parameters=(NAME,),
    applies=frozenset({VmState.RUNNING, VmState.PAUSED, VmState.OFF}),
    shows=_is_there,
    fact=Fact.SNAPSHOTS,
    so_already="left alone: it has a snapshot of that name",
    deadline_s=1_800.0,
    asks=True,
    tells=_tells,
    virsh="snapshot-create-as",
    virsh_tail=lambda given: shlex.quote(given["name"]),
    also=("checkpoint", "snapshot-create", "snap"),
)
