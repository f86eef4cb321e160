"""Do not start with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.actions.transient import not_if_transient
from kvmtui.actions.verb import Verb
from kvmtui.model.seen import Fact
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from kvmtui.model.vm import Vm

_SO_ALREADY = "already stays off when its host starts"


def _objects(vm: Vm) -> str:
    return not_if_transient(vm) or (_SO_ALREADY if not vm.autostart else "")


AUTOSTART_OFF = Verb(
    id="autostart-off",
    title="autostart off",
    key="-",
    help="Let it stay off when its host starts.",
    call="setAutostart",
    args=(0,),
    applies=frozenset(VmState) - {VmState.UNKNOWN},
    objects=_objects,
    shows=lambda seen, _: seen.autostart is False,
    fact=Fact.AUTOSTART,
    so_already=_SO_ALREADY,
    inverse="autostart-on",
    virsh="autostart --disable",
    also=("disable", "no-autostart", "noautostart"),
)
