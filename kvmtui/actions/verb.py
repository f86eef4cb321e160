"""What the declaration of a verb consists of."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kvmtui.actions.parameter import Parameter
    from kvmtui.model.seen import Fact, Seen
    from kvmtui.model.vm import Vm


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
    parameters: tuple[Parameter, ...] = ()
    """What it is given beyond its VMs; the values follow ``args``, in this order, "" for what was not given."""
    applies: frozenset[VmState]
    """States in which it can be done."""
    already: frozenset[VmState] = frozenset()
    """States in which there is nothing to do; skipped with "already …", not refused."""
    objects: Callable[[Vm], str] | None = None
    """Why it cannot be done to a VM in such a state all the same, "" if it can; ALREADY is no refusal."""
    one_only: bool = False
    """It is done to one VM at a time."""
    goal: frozenset[VmState] = frozenset()
    """States that prove it is done. Empty: ``shows`` or ``proof`` does."""
    shows: Callable[[Seen, Mapping[str, str]], bool] | None = None
    """Whether a look proves that it is done, where no state does; told what the verb was given."""
    fact: Fact | None = None
    """What that look is asked for."""
    so_already: str = ""
    """What is said where the look right before it proves that already."""
    proof: str = ""
    """Kind of the domain event that proves it, where neither state nor look does ("rebooted")."""
    unseen: Callable[[Mapping[str, str]], str] | None = None
    """What of it no later look proves, "" if it does."""
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
    asks: bool = False
    """A question is asked even where it stops nothing."""
    tells: Callable[[Sequence[Vm], Mapping[str, str]], tuple[str, ...]] | None = None
    """What the question says of it, a line each."""
    minds_namesakes: bool = False
    """Not where the same VM is on, or may be, on another host: it could take away what that one needs."""
    minds_jobs: bool = True
    """Not where libvirt is busy with the VM on somebody else's behalf."""
    inverse: str = ""
    """Id of the verb that undoes it, or ""."""
    next_step: str = ""
    """Id of the verb to offer when this one is ignored, or ""."""
    virsh: str
    """virsh's own command for it ("shutdown")."""
    virsh_tail: Callable[[Mapping[str, str]], str] | None = None
    """What of virsh's line comes behind the VM."""
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

    def objection(self, vm: Vm) -> str:
        """Return why it cannot be done to ``vm``, or "" if it can."""
        return self.refusal(vm.state) or (self.objects(vm) if self.objects is not None else "")

    def arguments(self, given: Mapping[str, str]) -> tuple[int | str, ...]:
        """Return what the call is made with."""
        return (*self.args, *(given.get(parameter.id, "") for parameter in self.parameters))

    def is_proved_by(self, seen: Seen, given: Mapping[str, str]) -> bool:
        """Return whether a look shows that it is done."""
        if self.shows is not None:
            return self.shows(seen, given)
        return seen.exists and seen.state in self.goal

    @property
    def can_be_looked_at(self) -> bool:
        """Whether a look can prove it at all."""
        return self.shows is not None or bool(self.goal)
