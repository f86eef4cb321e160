"""How hosts, VMs stand in the words of a finding, in its filter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmtui.model import virsh

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kvmtui.model.vm import Vm

NAMED = 3
"""Names that are listed before "…"."""
MEANT_MAX = 100
"""VMs that one filter names."""

_TO_FILL = re.compile(r"\b(virsh|VM|SNAPSHOT)\b")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def place(word: str) -> str:
    """Return a word as it stands behind a field in a filter, for exactly what it is."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(names: Sequence[str]) -> str:
    """Return names in a row, the first few of them."""
    row = ", ".join(names[:NAMED])
    return f"{row}, … ({len(names)})" if len(names) > NAMED else row


def exactly(host: str, vms: Sequence[Vm], all_vms: Collection[Vm]) -> str:
    """Return the filter for these VMs among all of a host: by name where that says it, else by UUID."""
    names = [vm.name for vm in vms]
    wanted = {name.casefold() for name in names}
    if all(map(_PLAIN.fullmatch, names)) and sum(vm.name.casefold() in wanted for vm in all_vms) == len(vms):
        return f"host:{place(host)} name:{','.join(names)}"
    return f"host:{place(host)} uuid:{','.join(vm.uuid for vm in vms)}"


def filled(remedy: str, uri: str, vm: Vm | None = None, snapshot: str = "") -> str:
    """Return what to do, its lines for virsh so that they can be pasted, as far as it is known what they are about."""
    known = {"virsh": virsh.connected(uri)}
    if vm is not None:
        known["VM"] = virsh.vm_word(vm.name, vm.uuid)
    if snapshot:
        known["SNAPSHOT"] = virsh.snapshot_word(snapshot)
    return _TO_FILL.sub(lambda found: known.get(found[1], found[1]), remedy)
