"""What is wrong with a VM or a host, in words.

One declaration a rule; adding a rule is adding an entry to VM_RULES or HOST_RULES. The worst rule that has something
to say is what the row says; of equals, the first. Severity: 1 a notice, 2 a warning, 3 serious, 4 critical; from 2 on
something counts as wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from kvmtui.model.host import Host, LinkState
from kvmtui.model.vm import ACTIVE, Vm, VmState

WRONG = 2
"""Severity from which something is called wrong."""
MEMORY_FULL_PCT = 95.0
STEAL_PCT = 25.0
LASTING_S = 10.0
PRESSURE_PCT = 20.0
"""PSI "some avg10" of memory from which a host counts as short of it."""


class Twin(NamedTuple):
    """The same UUID on another host."""

    host: str
    state: VmState
    was: VmState | None
    since: float | None
    """When that state began."""
    confirmed: bool
    """Both were read as running after both had begun to: a migration under way never is."""


class VmFacts(msgspec.Struct, frozen=True):
    """What a rule for VMs may know besides the row."""

    link: LinkState = LinkState.UP
    """Of its host."""
    stuck: str = ""
    """Why its figures cannot be had ("monitor stuck for 40 s")."""
    io_error: str = ""
    """Device, error and path of its last I/O error."""
    twins: tuple[Twin, ...] = ()
    is_late: bool = False
    """Its figures are older than three polls."""
    is_lasting: bool = False
    """Its state has held for LASTING_S, or nobody saw it begin: it is no step of something under way."""


class HostFacts(msgspec.Struct, frozen=True):
    """What a rule for hosts may know besides the row."""

    same_as: str = ""
    """Another entry of the config that is the same host by libvirt's UUID of it."""
    is_late: bool = False
    """It has not told its VMs' states for more than three polls."""


Row = TypeVar("Row", Vm, Host)
Facts = TypeVar("Facts", VmFacts, HostFacts)
State = TypeVar("State", VmState, LinkState)


class Rule(NamedTuple, Generic[State, Row, Facts]):
    """One thing that can be wrong."""

    id: str
    severity: int
    when: frozenset[State]
    """States (of hosts: of the link) in which it is asked at all."""
    says: Callable[[Row, Facts], str]
    """Returns what is wrong in words, or ""."""


class Verdict(NamedTuple):
    """What is wrong, and how bad it is."""

    trouble: str = ""
    severity: int = 0


_NOTHING = Verdict()

# --- VMs ----------------------------------------------------------------------------------------------------------

_RUNS = frozenset({VmState.RUNNING})
_PAUSED = frozenset({VmState.PAUSED})
_UNKNOWN = frozenset({VmState.UNKNOWN})
_IDLE = frozenset(VmState) - ACTIVE


def _because(reason: str, words: str) -> Callable[[Vm, VmFacts], str]:
    """Return what says ``words`` of a VM whose state has that reason."""
    return lambda vm, _facts: words if vm.state_reason == reason else ""


def _runs_twice(_vm: Vm, facts: VmFacts) -> str:
    twice = [twin.host for twin in facts.twins if twin.confirmed]
    return f"RUNS TWICE: here and on {', '.join(twice)} · stop one of them" if twice else ""


def _io_error(vm: Vm, facts: VmFacts) -> str:
    return f"I/O error {facts.io_error}".rstrip() if vm.state_reason == "I/O error" else ""


def _crashed(vm: Vm, _facts: VmFacts) -> str:
    return f"crashed: {vm.state_reason}" if vm.state_reason else "crashed"


def _perhaps_on(facts: VmFacts) -> list[str]:
    """Return the hosts that do not answer and had the VM running."""
    return [twin.host for twin in facts.twins if twin.state is VmState.UNKNOWN and twin.was in ACTIVE]


def _perhaps_twice(_vm: Vm, facts: VmFacts) -> str:
    lost = _perhaps_on(facts)
    return f"may still run on {', '.join(lost)} too, which does not answer" if lost else ""


def _elsewhere(vm: Vm, facts: VmFacts) -> str:
    runs = [twin.host for twin in facts.twins if twin.state in ACTIVE]
    if not runs:
        lost = _perhaps_on(facts) if vm.state is not VmState.UNKNOWN else []
        return f"may still run on {', '.join(lost)}, which does not answer" if lost else ""
    return f"now on {', '.join(runs)}" if vm.state is VmState.UNKNOWN else f"runs on {', '.join(runs)}"


def _arrives(vm: Vm, facts: VmFacts) -> str:
    """A VM that arrives by migration waits, while it runs where it comes from since before."""
    if vm.state_reason not in {"migrating", "starting up"} or vm.since is None:
        return ""
    runs = [twin for twin in facts.twins if twin.state is VmState.RUNNING]
    source = [twin.host for twin in runs if twin.since is None or twin.since < vm.since]
    return f"arrives from {source[0]}" if source else ""


def _left_migrating(vm: Vm, facts: VmFacts) -> str:
    is_left = vm.state_reason == "migrating" and facts.is_lasting and not _arrives(vm, facts)
    return "paused, left over by a migration" if is_left else ""


def _unknown(vm: Vm, facts: VmFacts) -> str:
    return _HOST_SILENT.get(facts.link, "") if vm.was in ACTIVE and not _elsewhere(vm, facts) else ""


_HOST_SILENT = {
    LinkState.LOST: "host lost",
    LinkState.NEEDS_YOU: "host needs you",
    LinkState.NO_LIBVIRT: "no libvirt on its host",
}


def _memory(vm: Vm, _facts: VmFacts) -> str:
    return "memory nearly full" if vm.mem_pct is not None and vm.mem_pct >= MEMORY_FULL_PCT else ""


def _steal(vm: Vm, _facts: VmFacts) -> str:
    return "waits for CPUs of its host" if vm.steal_pct is not None and vm.steal_pct >= STEAL_PCT else ""


def _defined_twice(_vm: Vm, facts: VmFacts) -> str:
    known = [twin.host for twin in facts.twins if twin.state is not VmState.UNKNOWN]
    return f"defined on {', '.join(known)} too" if known else ""


VM_RULES: tuple[Rule[VmState, Vm, VmFacts], ...] = (
    Rule("runs-twice", 4, _RUNS, _runs_twice),
    Rule("post-copy-failed", 4, _RUNS | _PAUSED, _because("post-copy failed", "post-copy failed: memory on two hosts")),
    Rule("io-error", 3, _PAUSED, _io_error),
    Rule("crashed", 3, frozenset({VmState.CRASHED}), _crashed),
    Rule("crashed-paused", 3, _PAUSED, _because("crashed", "crashed, now paused")),
    Rule("crashed-off", 3, frozenset({VmState.OFF}), _because("crashed", "crashed, now shut off")),
    Rule("watchdog", 3, _PAUSED, _because("watchdog", "paused by its watchdog")),
    Rule("api-error", 3, _PAUSED, _because("API error", "paused by an error of libvirt")),
    Rule("monitor-stuck", 3, ACTIVE, lambda _vm, facts: facts.stuck),
    Rule("perhaps-twice", 3, ACTIVE, _perhaps_twice),
    Rule("host-silent", 2, _UNKNOWN, _unknown),
    Rule("left-migrating", 2, _PAUSED, _left_migrating),
    Rule("paused-by-nobody", 2, _PAUSED, _because("", "paused, and nobody says why")),
    Rule("start-failed", 2, frozenset({VmState.OFF}), _because("failed", "its last start failed")),
    Rule("memory-full", 2, ACTIVE, _memory),
    Rule("steal", 1, _RUNS, _steal),
    Rule("late", 1, ACTIVE, lambda _vm, facts: "figures are old" if facts.is_late else ""),
    Rule("arrives", 1, _PAUSED, _arrives),
    Rule("migrating", 1, _PAUSED, _because("migrating", "paused by a migration")),
    Rule("left-post-copy", 1, _PAUSED, _because("post-copy", "paused: runs on where it migrates to")),
    Rule("left-starting", 1, _PAUSED, _because("starting up", "paused: starting up")),
    Rule("left-saving", 1, _PAUSED, _because("saving", "paused: being saved")),
    Rule("left-dumping", 1, _PAUSED, _because("dumping", "paused: being dumped")),
    Rule("left-snapshot", 1, _PAUSED, _because("creating snapshot", "paused: a snapshot is taken")),
    Rule("left-restored", 1, _PAUSED, _because("from snapshot", "paused, as in its snapshot")),
    Rule("left-shutting-down", 1, _PAUSED, _because("shutting down", "paused: shutting down")),
    Rule("elsewhere", 1, _IDLE, _elsewhere),
    Rule("defined-twice", 1, _IDLE - _UNKNOWN, _defined_twice),
)

# --- hosts --------------------------------------------------------------------------------------------------------

_UP = frozenset({LinkState.UP})


def _link(host: Host, _facts: HostFacts) -> str:
    return f"{host.link.value}: {host.link_reason}" if host.link_reason else host.link.value


def _needs_you(host: Host, facts: HostFacts) -> str:
    return f"{_link(host, facts)} · {host.link_remedy}" if host.link_remedy else _link(host, facts)


def _same_host(_host: Host, facts: HostFacts) -> str:
    return f"is the same host as {facts.same_as}: take one of them out of the config" if facts.same_as else ""


def _host_memory(host: Host, _facts: HostFacts) -> str:
    return "memory nearly full" if host.mem_pct is not None and host.mem_pct >= MEMORY_FULL_PCT else ""


def _host_pressure(host: Host, _facts: HostFacts) -> str:
    pressure = host.pressure_mem_pct
    return "tasks wait for memory" if pressure is not None and pressure >= PRESSURE_PCT else ""


HOST_RULES: tuple[Rule[LinkState, Host, HostFacts], ...] = (
    Rule("needs-you", 3, frozenset({LinkState.NEEDS_YOU}), _needs_you),
    Rule("lost", 3, frozenset({LinkState.LOST, LinkState.NO_LIBVIRT}), _link),
    Rule("late", 2, _UP, lambda _host, facts: "answers late" if facts.is_late else ""),
    Rule("same-host", 2, _UP, _same_host),
    Rule("memory-full", 2, _UP, _host_memory),
    Rule("memory-pressure", 2, _UP, _host_pressure),
)


# --- asking them --------------------------------------------------------------------------------------------------


def _by_state(
    rules: tuple[Rule[State, Row, Facts], ...], states: type[State]
) -> dict[State, tuple[Rule[State, Row, Facts], ...]]:
    worst_first = sorted(rules, key=lambda rule: -rule.severity)
    return {state: tuple(rule for rule in worst_first if state in rule.when) for state in states}


_OF_VMS = _by_state(VM_RULES, VmState)
_OF_HOSTS = _by_state(HOST_RULES, LinkState)


def of_vm(vm: Vm, facts: VmFacts) -> Verdict:
    """Return what is wrong with a VM."""
    for rule in _OF_VMS[vm.state]:
        if words := rule.says(vm, facts):
            return Verdict(words, rule.severity)
    return _NOTHING


def of_host(host: Host, facts: HostFacts) -> Verdict:
    """Return what is wrong with a host."""
    for rule in _OF_HOSTS[host.link]:
        if words := rule.says(host, facts):
            return Verdict(words, rule.severity)
    return _NOTHING
