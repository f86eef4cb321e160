"""Start with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions.transient import not_if_transient
from kvmtui.actions.verb import Verb
from kvmtui.model.seen import Fact
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from kvmtui.model.vm import Vm

_SO_ALREADY = "already starts with its host"


def _objects(vm: Vm) -> str:
    return not_if_transient(vm) or (_SO_ALREADY if vm.autostart else "")


AUTOSTART_ON = Verb(
    id="autostart-on",
    title="autostart on",
    key="+",
    help="Let it start with its host.",
    call="setAutostart",
    args=(1,),
    applies=frozenset(VmState) - {VmState.UNKNOWN},
    objects=_objects,
    shows=lambda seen, _: seen.autostart is True,
    fact=Fact.AUTOSTART,
    so_already=_SO_ALREADY,
    inverse="autostart-off",
    virsh="autostart",
    also=("enable", "onboot"),
)
