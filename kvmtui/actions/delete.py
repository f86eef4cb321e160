"""Take the definition away."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from kvmtui.actions.parameter import Parameter
from kvmtui.actions.transient import not_if_transient
from kvmtui.actions.verb import Verb
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kvmtui.model.vm import Vm

DISKS = Parameter(
    id="disks",
    help="disks to delete with it, each by its name in the VM; none unless named",
    pattern=r"[A-Za-z0-9]{1,16}(,[A-Za-z0-9]{1,16}){0,31}",
    form="names of disks with commas between them",
    example="vda,vdb",
)
FORGET = Parameter(
    id="forget",
    help="what else goes: nvram (the firmware's variables), snapshots (what libvirt knows of them)",
    pattern=r"(nvram|snapshots)(,(nvram|snapshots))?",
    form="nvram, snapshots, or both with a comma between them",
    example="nvram",
)


def _tells(_: Sequence[Vm], given: Mapping[str, str]) -> tuple[str, ...]:
    disks = given.get("disks")
    lines = ["its definition goes; every disk stays"]
    if disks:
        lines = [f"its definition goes, and for good what is on {disks.replace(',', ', ')}; other disks stay"]
        lines.append("whether a VM of another host uses these disks too, nobody here can tell")
    if "nvram" in given.get("forget", ""):
        lines.append("the variables of its firmware go too")
    return tuple(lines)


def _unseen(given: Mapping[str, str]) -> str:
    return f"whether {given['disks']} went too, nobody saw" if given.get("disks") else ""


def _virsh_tail(given: Mapping[str, str]) -> str:
    forget = given.get("forget", "")
    words = ["--nvram" if "nvram" in forget else "--keep-nvram"]
    words += ["--snapshots-metadata"] if "snapshots" in forget else []
    words += ["--storage", shlex.quote(given["disks"])] if given.get("disks") else []
    return " ".join(words)


DELETE = Verb(
    id="delete",
    title="delete",
    key="D",
    help="Remove its definition; a disk only where it is named.",
    call="undefineFlags",
    parameters=(DISKS, FORGET),
    applies=frozenset({VmState.OFF}),
    objects=not_if_transient,
    one_only=True,
    shows=lambda seen, _: not seen.exists,
    unseen=_unseen,
    deadline_s=120.0,
    destructive=True,
    stops=True,
    tells=_tells,
    minds_namesakes=True,
    virsh="undefine",
    virsh_tail=_virsh_tail,
    also=("remove", "rm", "destroy-vm", "purge"),
)
