"""What the declaration of a verb consists of."""

from __future__ import annotations

import enum

import msgspec

from kvmtui.model.vm import VmState


class Lane(enum.StrEnum):
    """Which of a host's connections carries the call."""

    ACTION = "action"
    CONTROL = "control"
    """Never behind a long call: force off, abort."""


class Verb(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be done to a VM."""

    id: str
    """The word on the command line, in the journal and in keymaps."""
    title: str
    """The words in menu and question."""
    key: str
    """Its letter in the ``a`` menu; the same for ever."""
    help: str
    """One sentence for ``?`` and ``--help``."""
    call: str
    """The method of libvirt's virDomain that does it."""
    args: tuple[int, ...] = ()
    applies: frozenset[VmState]
    """States in which it can be done."""
    already: frozenset[VmState] = frozenset()
    """States in which there is nothing to do; skipped with "already …", not refused."""
    goal: frozenset[VmState]
    """States that prove it is done. Empty: the event named by ``proof`` proves it."""
    proof: str = ""
    """Kind of the domain event that proves it, where no state does ("rebooted")."""
    patience_s: float = 30.0
    """How long to wait for the goal after the call returned."""
    ignored: str = ""
    """What it means when the goal does not come ("no reaction to ACPI")."""
    deadline_s: float = 60.0
    """How long the call itself may take; then the outcome is unknown."""
    lane: Lane = Lane.ACTION
    destructive: bool = False
    stops: bool = False
    """Takes the VM out of service: a question is asked in words that say so."""
    inverse: str = ""
    """Id of the verb that undoes it, or ""."""
    next_step: str = ""
    """Id of the verb to offer when this one is ignored, or ""."""
    virsh: str
    """virsh's own command for it ("shutdown")."""
    also: tuple[str, ...] = ()
    """What else people call it, who come from other tools: never understood, but told what it is here."""

    def refusal(self, state: VmState) -> str:
        """Return why it cannot be done in ``state``, or "" if it can."""
        if state in self.applies:
            return ""
        if state is VmState.UNKNOWN:
            return "state unknown: its host does not answer"
        if state in self.already:
            return f"already {state.value}"
        return f"not while {state.value}"
