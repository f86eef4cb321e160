"""Plans: what a verb would touch, readable before anything is."""

from __future__ import annotations

import hashlib
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvmtui.actions import VERBS
from kvmtui.actions.parameter import checked
from kvmtui.errors import RefusedError, UsageError
from kvmtui.guard import gate
from kvmtui.jobs import limits, looks
from kvmtui.model import virsh
from kvmtui.model.host import LinkState
from kvmtui.model.job import Danger, How, Order, Plan, Skip, Target, Verdict, counted
from kvmtui.model.seen import Fact
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.messages import Eligible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kvmtui.actions import Verb
    from kvmtui.guard.client import ClientId
    from kvmtui.guard.gate import Rules
    from kvmtui.jobs.around import FleetView

GOOD_FOR_S = 120.0
"""How long a plan may be confirmed."""
PLANS_MAX = 64
"""Plans that are kept."""
TARGETS_MAX = 200_000
"""VMs that all kept plans name together, but for the newest."""

AGAIN = "make a new plan"
ONE_ONLY = "one VM only"
NAMED = 5
"""VMs that a refusal names."""


class Wish(NamedTuple):
    """What was asked for: VMs by address, by filter, or all."""

    verb: Verb
    targets: tuple[tuple[str, str], ...] = ()
    filter: str = ""
    all: bool = False
    left_out: tuple[Skip, ...] = ()
    """What was asked for too, and is not to be touched."""
    how: How = How()
    parameters: dict[str, str] = {}  # noqa: RUF012 - a wish is never changed


def wish(
    verb: str,
    targets: Sequence[tuple[str, str]],
    filter_text: str,
    *,
    everything: bool,
    left_out: Sequence[Skip] = (),
    how: How | None = None,
    parameters: Mapping[str, str] = MappingProxyType({}),
) -> Wish:
    """Return what a client asks for. Raises UsageError."""
    if verb not in VERBS:
        raise UsageError("there is no such verb", where=verb, remedy=f"one of {', '.join(VERBS)}")
    if sum((bool(targets or left_out), bool(filter_text.strip()), everything)) != 1:
        raise UsageError(f"{verb} what? Either VMs, or a filter, or all of them")
    way = limits.checked(how or How())
    given = checked(verb, VERBS[verb].parameters, parameters)
    return Wish(VERBS[verb], tuple(dict.fromkeys(targets)), filter_text, everything, tuple(left_out), way, given)


class _Offer(NamedTuple):
    wish: Wish
    plan: Plan


class Plans:
    """The plans that may be confirmed.

    ``holder`` tells which verb is under way on a VM, and who asked for it; ``job`` what libvirt is busy with on it, ""
    for nothing, None where that is not known.
    """

    def __init__(
        self,
        fleet: FleetView,
        clock: Callable[[], float],
        holder: Callable[[str, str], tuple[str, str] | None],
        job: Callable[[str, str], str | None],
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._holder = holder
        self._job = job
        self._offers: dict[str, _Offer] = {}
        self._taken: dict[str, str] = {}

    def make(self, wanted: Wish, client: ClientId, rules: Rules) -> Plan:
        """Return what ``wanted`` would touch now, and keep it. Raises FilterError."""
        plan = self._compose(wanted, client, rules)
        self._offers.pop(plan.id, None)
        self._offers[plan.id] = _Offer(wanted, plan)
        self._taken.pop(plan.id, None)
        self._forget()
        return plan

    def eligible(self, targets: Sequence[tuple[str, str]], client: ClientId, rules: Rules) -> Eligible:
        """Return to how many of some VMs each verb could be done now, and why it can be done to none."""
        vms = [vm for target in dict.fromkeys(targets) if (vm := self._fleet.find(*target)) is not None]
        refusal = gate.client_refusal(client, rules)
        if refusal is not None:
            return Eligible(total=len(vms), why=dict.fromkeys(VERBS, refusal.why))
        now = self._clock()
        ready: dict[str, int] = {}
        why: dict[str, str] = {}
        for verb in VERBS.values():
            if verb.one_only and len(vms) > 1:
                why[verb.id] = ONE_ONLY
                continue
            reasons = Counter(self._refusal(verb, vm, client, rules, now) for vm in vms)
            if reasons[""]:
                ready[verb.id] = reasons[""]
            else:
                why[verb.id] = _reasons(reasons) if vms else "gone"
        return Eligible(total=len(vms), ready=ready, why=why)

    def take(self, ident: str, typed: str, client: ClientId, rules: Rules, job: str) -> Plan:
        """Return a plan that is confirmed, and may be done, as ``job``: nobody else can take it then.

        Raises RefusedError if it is unknown, taken or expired, if what it touches has changed, if the gate says no, or
        if ``typed`` is not what it asks for.
        """
        if ident in self._taken:
            raise RefusedError(f"this plan is job {self._taken[ident]} already", where=ident, remedy=AGAIN)
        if ident not in self._offers:
            raise RefusedError("this plan is not known any more", where=ident, remedy=AGAIN)
        wanted, plan = self._offers[ident]
        if self._clock() >= plan.expires:
            raise RefusedError(f"this plan was good for {GOOD_FOR_S:.0f} s", where=ident, remedy=AGAIN)
        now = self._compose(wanted, client, rules)
        if now.id != plan.id:
            raise RefusedError(f"changed since it was planned: {_changes(plan, now)}", where=ident, remedy=AGAIN)
        if now.verdict is Verdict.NO:
            raise RefusedError(now.why, where=ident)
        if now.phrase != plan.phrase:
            raise RefusedError(f"it asks for more now: {now.why}", where=ident, remedy=AGAIN)
        given = typed.strip()
        if given != plan.phrase and not (given == "" and plan.verdict is Verdict.MAY):
            raise RefusedError(
                f"not confirmed: {plan.why or 'it is asked for'}", where=ident, remedy=f"type {plan.phrase}"
            )
        self._taken[ident] = job
        return plan

    def give_back(self, ident: str) -> None:
        """Offer a plan again: its job did not come about."""
        self._taken.pop(ident, None)

    def _forget(self) -> None:
        now = self._clock()
        held = 0
        for place, (ident, offer) in enumerate(reversed(list(self._offers.items()))):
            held += len(offer.plan.targets) + len(offer.plan.skipped)
            if place and (place >= PLANS_MAX or held > TARGETS_MAX or now >= offer.plan.expires):
                del self._offers[ident]
                self._taken.pop(ident, None)

    def _compose(self, wanted: Wish, client: ClientId, rules: Rules) -> Plan:
        verb, now = wanted.verb, self._clock()
        chosen, skipped, unsure = self._choose(wanted)
        eligible: list[Vm] = []
        for vm in chosen:
            reason = ONE_ONLY if verb.one_only and len(chosen) > 1 else self._refusal(verb, vm, client, rules, now)
            if reason:
                skipped.append(Skip(_target(vm), reason))
            else:
                eligible.append(vm)
        targets = _in_order(eligible, wanted.how)
        refusal = gate.client_refusal(client, rules)
        judgement = gate.judge(verb, eligible, gate.Census(self._fleet.vms.values()), rules) if eligible else None
        if refusal is not None:
            verdict, why = Verdict.NO, f"{refusal.why} · {refusal.remedy}"
        elif judgement is None:
            verdict, why = Verdict.NO, _nothing(skipped)
        else:
            verdict, why = judgement.verdict, judgement.why
        return Plan(
            id=_digest(wanted, targets),
            verb=verb.id,
            targets=targets,
            skipped=tuple(skipped),
            danger=judgement.danger if judgement else Danger.NORMAL,
            verdict=verdict,
            why=why,
            looks=(
                *(judgement.looks if judgement else ()),
                *self._looks(verb, eligible, wanted.parameters),
                *unsure,
                *looks.unread(eligible),
                *self._unheard(verb, eligible),
            ),
            phrase=judgement.phrase if judgement else "y",
            undo=_undo(verb, targets),
            virsh=self._virsh(verb, targets, wanted.parameters),
            how=wanted.how,
            parameters=wanted.parameters,
            made=now,
            expires=now + GOOD_FOR_S,
        )

    def _choose(self, wanted: Wish) -> tuple[list[Vm], list[Skip], list[str]]:
        """Return the VMs that are meant, those that cannot be meant, and what deserves a look about the choice."""
        if wanted.all:
            everything = [vm for vm in self._fleet.vms.values() if not self._fleet.same_as(vm.host)]
            return sorted(everything, key=_place), [], []
        if not wanted.targets and not wanted.left_out:
            sieve = self._fleet.filter(wanted.filter, for_act=True)
            unsure = self._fleet.undecided(sieve)
            told = [f"{unsure} more may match: what the filter asks is not known of them"] if unsure else []
            return sorted(self._fleet.matching(sieve), key=_place), [], told
        chosen: list[Vm] = []
        skipped = list(wanted.left_out)
        for host, uuid in wanted.targets:
            vm = self._fleet.find(host, uuid)
            if vm is None:
                skipped.append(Skip(Target(host, uuid, uuid, VmState.UNKNOWN), f"not on {host}"))
            elif (first := self._fleet.same_as(host)) and (first, uuid) in wanted.targets:
                skipped.append(Skip(_target(vm), f"{host} is {first} by another name"))
            else:
                chosen.append(vm)
        return chosen, skipped, []

    def _refusal(self, verb: Verb, vm: Vm, client: ClientId, rules: Rules, now: float) -> str:
        held = self._holder(vm.host, vm.uuid)
        if held is not None and held[0] == verb.id:
            return f"{verb.title} is under way already, asked for by {held[1]}"
        if verb.fact is Fact.JOB and vm.state in verb.applies and self._job(vm.host, vm.uuid) == "":
            return verb.so_already
        return gate.refusal(verb, vm, rules, self._fleet.elsewhere(vm.host, vm.uuid), now, client)

    def _looks(self, verb: Verb, vms: Sequence[Vm], given: Mapping[str, str]) -> list[str]:
        if not vms:
            return []
        told = list(verb.tells(vms, given)) if verb.tells is not None else []
        told += looks.under_way(vms, self._holder)
        told += looks.busy(verb, vms, self._holder, self._job)
        return told + looks.paused_by_others(verb, vms)

    def _unheard(self, verb: Verb, vms: Sequence[Vm]) -> list[str]:
        """Name the hosts on which the VMs could be running without anyone here knowing."""
        if VmState.RUNNING not in verb.goal or not vms:
            return []
        unheard = [host.name for host in self._fleet.hosts.values() if host.link is not LinkState.UP and not host.seen]
        return [f"never heard of yet, so it may run there: {gate.named(unheard)}"] if unheard else []

    def _virsh(self, verb: Verb, targets: Sequence[Target], given: Mapping[str, str]) -> tuple[str, ...]:
        hosts = self._fleet.hosts
        names = {target.host for target in targets}
        calls = {name: virsh.connected(hosts[name].uri if name in hosts else name) for name in names}
        tail = f" {verb.virsh_tail(given)}" if verb.virsh_tail is not None else ""
        return tuple(f"{calls[each.host]} {verb.virsh} {virsh.vm_word(each.name, each.uuid)}{tail}" for each in targets)


def _place(vm: Vm) -> tuple[str, str, str]:
    return vm.host, vm.name, vm.uuid


def _target(vm: Vm, rank: int = 0) -> Target:
    return Target(vm.host, vm.uuid, vm.name, vm.state, rank)


def _in_order(vms: Sequence[Vm], how: How) -> tuple[Target, ...]:
    """Return the VMs as a plan has them: with the rank of their tags, where it goes by that."""
    if how.order is not Order.TAGS:
        return tuple(_target(vm) for vm in vms)
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(how.ranks)))}
    last = len(how.ranks)
    targets = [_target(vm, min((ranks.get(tag, last) for tag in vm.tags), default=last)) for vm in vms]
    return tuple(sorted(targets, key=lambda target: target.rank))


def _digest(wanted: Wish, targets: Sequence[Target]) -> str:
    """Return what names a plan: the same verb over the same VMs in the same states in the same way is the same plan."""
    each = [(target.host, target.uuid, target.state, target.rank) for target in targets]
    told = msgspec.json.encode((wanted.verb.id, each, wanted.how, wanted.parameters))
    return hashlib.sha256(told).hexdigest()[:16]


def _undo(verb: Verb, targets: Sequence[Target]) -> str:
    if not verb.inverse or not targets:
        return ""
    return f"{VERBS[verb.inverse].title} {targets[0].name if len(targets) == 1 else f'the same {len(targets)}'}"


def _nothing(skipped: Sequence[Skip]) -> str:
    if not skipped:
        return "no VM matches"
    if len(skipped) == 1:
        return f"{skipped[0].target.name}: {skipped[0].reason}"
    return _reasons(Counter(skip.reason for skip in skipped))


def _reasons(found: Counter[str]) -> str:
    if len(found) == 1:
        return next(iter(found))
    return " · ".join(counted(reason, count) for reason, count in found.most_common(NAMED))


def _changes(plan: Plan, now: Plan) -> str:
    """Say what is not as it was planned."""
    before = {(target.host, target.uuid): target for target in plan.targets}
    after = {(target.host, target.uuid): target for target in now.targets}
    left = {(skip.target.host, skip.target.uuid): skip.reason for skip in now.skipped}
    told: list[str] = []
    for address, target in before.items():
        if address not in after:
            told.append(f"{target.name} is out ({left.get(address, 'no longer matches')})")
        elif after[address].state is not target.state:
            told.append(f"{target.name} was {target.state.value}, is {after[address].state.value}")
    told += [f"{target.name} is new" for address, target in after.items() if address not in before]
    more = f", … ({len(told)})" if len(told) > NAMED else ""
    return (", ".join(told[:NAMED]) or "the order") + more
