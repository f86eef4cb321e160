"""The verbs for VMs."""

from __future__ import annotations

from kvmtui.actions.verb import Lane, Verb
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

SHUTDOWN = Verb(
    id="shutdown",
    title="shut down",
    key="d",
    help="Ask the guest to shut down (agent, ACPI); it may refuse.",
    call="shutdown",
    applies=frozenset({VmState.RUNNING}),
    already=frozenset({VmState.OFF, VmState.SAVED}),
    goal=frozenset({VmState.OFF}),
    patience_s=120.0,
    ignored="the guest did not react to the request",
    stops=True,
    inverse="start",
    next_step="off",
    virsh="shutdown",
    also=("stop", "halt", "poweroff", "power-off", "down", "acpi"),
)

REBOOT = Verb(
    id="reboot",
    title="reboot",
    key="b",
    help="Ask the guest to reboot (agent, ACPI); it may refuse.",
    call="reboot",
    args=(0,),
    applies=frozenset({VmState.RUNNING}),
    goal=frozenset(),
    proof="rebooted",
    patience_s=120.0,
    ignored="the guest did not react to the request",
    stops=True,
    virsh="reboot",
    also=("restart", "reset", "cycle"),
)

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

RESUME = Verb(
    id="resume",
    title="resume (unpause)",
    key="u",
    help="Let a paused VM's CPUs run again.",
    call="resume",
    applies=frozenset({VmState.PAUSED}),
    already=frozenset({VmState.RUNNING}),
    goal=frozenset({VmState.RUNNING}),
    inverse="pause",
    virsh="resume",
    also=("unpause", "continue", "unfreeze", "wake"),
)

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

VM_VERBS: tuple[Verb, ...] = (START, SHUTDOWN, REBOOT, PAUSE, RESUME, OFF)
