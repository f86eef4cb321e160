"""The one gate in front of every act: may, asks or no, with the reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from kvmtui import text
from kvmtui.guard.roles import Grant, GrantRule, Role, grants_of, role_everywhere, role_on, role_somewhere
from kvmtui.model.job import Danger, Verdict
from kvmtui.model.vm import ACTIVE, Vm, VmState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.actions.verb import Verb
    from kvmtui.guard.client import ClientId

NORMAL_MAX = 10
"""Most VMs that one key may confirm."""
UNLOCK = ":rw 15m (kvmtui do --rw)"
"""How a session that starts read-only is unlocked."""
_PHRASE_MAX = 64
"""Longest name that a human is asked to type."""
_NAMED = 5
"""Names that are listed before "…"."""


class HostRule(Protocol):
    """What the gate reads of a host's entry in the config."""

    @property
    def name(self) -> str: ...
    @property
    def guard(self) -> str: ...
    @property
    def access(self) -> str: ...


class GuardRule(Protocol):
    """What the gate reads of the config's ``guard``."""

    @property
    def start(self) -> str: ...
    @property
    def roles(self) -> Sequence[GrantRule]: ...


class GuardedConfig(Protocol):
    """What the gate reads of the config."""

    @property
    def hosts(self) -> Sequence[HostRule]: ...
    @property
    def guard(self) -> GuardRule: ...


class Rules(msgspec.Struct, frozen=True):
    """What the config allows."""

    read_only: bool = False
    """``guard.start: read-only``."""
    locked: frozenset[str] = frozenset()
    careful: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    """Hosts with ``access: ro``."""
    grants: tuple[Grant, ...] = ()
    """``guard.roles``; none: everybody who reaches the worker is admin."""


def rules_of(config: GuardedConfig) -> Rules:
    """Return what ``config`` allows."""
    return Rules(
        config.guard.start == "read-only",
        frozenset(host.name for host in config.hosts if host.guard == "locked"),
        frozenset(host.name for host in config.hosts if host.guard == "careful"),
        frozenset(host.name for host in config.hosts if host.access == "ro"),
        grants_of(config.guard.roles),
    )


class Refusal(NamedTuple):
    """No, and why."""

    why: str
    remedy: str


def client_refusal(client: ClientId, rules: Rules) -> Refusal | None:
    """Return why nothing may be changed for ``client``, whichever VM it is about, or None."""
    refusal = session_refusal(client, Role.OPERATOR, rules, anywhere=True)
    if refusal is None and rules.read_only and not client.unlocked:
        return Refusal("read-only: guard.start says so", f"{UNLOCK} unlocks it for a while")
    return refusal


def session_refusal(client: ClientId, least: Role, rules: Rules, *, anywhere: bool = False) -> Refusal | None:
    """Return why ``client`` may not do what takes the role ``least``, and no unlocking (abort, stop, trust), or None.

    The role must hold everywhere, or with ``anywhere`` on some VM.
    """
    if client.read_only:
        return Refusal("read-only: this client was started with --read-only", "start it without")
    return role_short_of(least, client, rules, anywhere=anywhere)


def role_short_of(least: Role, client: ClientId, rules: Rules, *, anywhere: bool = False) -> Refusal | None:
    """Return that the role of ``client`` is less than ``least``, or None; ``anywhere`` as in session_refusal()."""
    role = (role_somewhere if anywhere else role_everywhere)(client, rules.grants)
    return None if role.reaches(least) else Refusal(_your_role(role, least), "guard.roles in the config gives it")


def unlock_refusal(client: ClientId, rules: Rules) -> Refusal | None:
    """Return why ``client`` may not unlock its session, or None."""
    return session_refusal(client, Role.OPERATOR, rules, anywhere=True)


def steering_refusal(
    client: ClientId, rules: Rules, vms: Iterable[Vm | None], least: Role = Role.OPERATOR, *, is_own: bool
) -> Refusal | None:
    """Return why ``client`` may not steer a job of which ``vms`` are left (None: one that is gone), or None.

    Who asked for it may stop it, whatever his scope is now; else it takes the role ``least`` on all of them.
    """
    refusal = session_refusal(client, least, rules, anywhere=True)
    if refusal is not None or is_own or session_refusal(client, least, rules) is None:
        return refusal
    for vm in vms:
        role = role_on(client, rules.grants, vm) if vm is not None else role_everywhere(client, rules.grants)
        if not role.reaches(least):
            name = vm.name if vm is not None else "a VM that is gone"
            return Refusal(f"{name}: {_your_role(role, least)}", "somebody whose role holds for all its VMs may")
    return None


def least_role(verb: Verb) -> Role:
    """Return the role that ``verb`` takes."""
    return Role.ADMIN if verb.destructive else Role.OPERATOR


def role_refusal(client: ClientId, verb: Verb, vm: Vm, rules: Rules) -> str:
    """Return why the role of ``client`` does not allow ``verb`` on ``vm``, or ""."""
    if not rules.grants or client.is_owner:
        return ""  # what role_on() would say, of every VM of a large fleet times every verb
    role = role_on(client, rules.grants, vm)
    return "" if role.reaches(least_role(verb)) else _your_role(role, least_role(verb))


def _your_role(role: Role, least: Role) -> str:
    return f"your role here is {role.value}, it takes {least.value}"


def host_refusal(host: str, rules: Rules) -> str:
    """Return why nothing may be changed on ``host``, or ""."""
    if host in rules.locked:
        return f"{host} is locked (guard: locked)"
    if host in rules.watched:
        return f"{host} is only watched (access: ro)"
    return ""


def twice_refusal(verb: Verb, vm: Vm, namesakes: Iterable[Vm], now: float) -> str:
    """Return why ``verb`` could make ``vm`` run twice, or take away what it runs with elsewhere, or "".

    ``namesakes`` are what else is known under its UUID; one on a host that does not answer counts as it was last seen.
    """
    if VmState.RUNNING not in verb.goal and not verb.minds_namesakes:
        return ""
    for other in namesakes:
        if other.host == vm.host:
            continue
        if other.state in ACTIVE:
            return f"is {other.state.value} on {other.host}"
        if other.state is VmState.UNKNOWN and other.was in ACTIVE:
            return f"may still run on {other.host}: was {other.was.value} {text.duration(now - other.seen)} ago"
    return ""


def refusal(
    verb: Verb, vm: Vm, rules: Rules, namesakes: Iterable[Vm], now: float, client: ClientId | None = None
) -> str:
    """Return why ``verb`` may not touch ``vm`` now, or "".

    ``client`` is who asks; None for a step of a job, whose client was judged when the job was confirmed.
    """
    role = role_refusal(client, verb, vm, rules) if client is not None else ""
    return role or verb.objection(vm) or host_refusal(vm.host, rules) or twice_refusal(verb, vm, namesakes, now)


class Census:
    """How many VMs there are and how many of them run, by host."""

    def __init__(self, vms: Iterable[Vm]) -> None:
        self.known: Counter[str] = Counter()
        self.active: Counter[str] = Counter()
        for vm in vms:
            self.known[vm.host] += 1
            if vm.state in ACTIVE:
                self.active[vm.host] += 1


class Judgement(NamedTuple):
    """What the gate says to a set of VMs that may be touched one by one."""

    verdict: Verdict
    danger: Danger
    phrase: str
    """What must be typed."""
    why: str
    """What makes it more than normal, or ""."""
    looks: tuple[str, ...]
    """What deserves a look first."""


def judge(verb: Verb, vms: Sequence[Vm], census: Census, rules: Rules) -> Judgement:
    """Judge verb times reach. ``vms`` are one or more, each of them not refused.

    Normal: ``y``; for one VM, where it stops nothing and need not be asked, no question at all. Wide (more than 10 VMs,
    all of a host, over a quarter of what runs, a careful host): the count. Destructive, or owned by another manager:
    the VM's name, or the verb with the count. One VM alone is never wide for its share of a small fleet.
    """
    looks = _owners(verb, vms)
    reach = _reach(vms, census, rules)
    if verb.destructive or looks:
        why = [*([f"{verb.title} is destructive"] if verb.destructive else []), *looks, *reach]
        return Judgement(Verdict.ASKS, Danger.DESTRUCTIVE, _hard_phrase(verb, vms), " · ".join(why), looks)
    if reach:
        return Judgement(Verdict.ASKS, Danger.WIDE, str(len(vms)), " · ".join(reach), looks)
    verdict = Verdict.MAY if len(vms) == 1 and not (verb.stops or verb.asks) else Verdict.ASKS
    return Judgement(verdict, Danger.NORMAL, "y", "", looks)


def _reach(vms: Sequence[Vm], census: Census, rules: Rules) -> list[str]:
    touched = Counter(vm.host for vm in vms)
    reach = [f"{host} is careful (guard: careful)" for host in touched if host in rules.careful]
    if len(vms) == 1:
        return reach
    if len(vms) > NORMAL_MAX:
        reach.append(f"more than {NORMAL_MAX} VMs")
    running = Counter(vm.host for vm in vms if vm.state in ACTIVE)
    whole = [host for host in touched if _is_whole(host, touched, running, census)]
    if whole:
        reach.append(f"all of {named(whole)}")
    if running.total() > census.active.total() / 4:
        reach.append(f"over a quarter of what is on ({running.total()} of {census.active.total()})")
    return reach


def _is_whole(host: str, touched: Counter[str], running: Counter[str], census: Census) -> bool:
    if touched[host] < 2:
        return False
    return touched[host] == census.known[host] or (running[host] > 1 and running[host] == census.active[host])


def _owners(verb: Verb, vms: Sequence[Vm]) -> tuple[str, ...]:
    owned: dict[str, list[str]] = {}
    for vm in vms:
        if vm.owner:
            owned.setdefault(vm.owner, []).append(vm.name)
    again = ", which may start it again" if verb.stops else ", which may undo it"
    return tuple(f"owned by {owner}{again}: {named(names)}" for owner, names in owned.items())


def _hard_phrase(verb: Verb, vms: Sequence[Vm]) -> str:
    name = vms[0].name
    can_be_typed = name.isascii() and name.isprintable() and name == name.strip() and 0 < len(name) <= _PHRASE_MAX
    return name if len(vms) == 1 and can_be_typed else f"{verb.id} {len(vms)}"


def named(names: Sequence[str]) -> str:
    """Return names in a row, the first few of them."""
    row = ", ".join(names[:_NAMED])
    return f"{row}, … ({len(names)})" if len(names) > _NAMED else row
