"""The one verdict: verb times reach, levels, owners, what may run elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.config import Config, GuardConfig, HostConfig
from kvmtui.config.structs import RoleConfig
from kvmtui.guard import gate
from kvmtui.guard.client import ClientId, from_peer, this_process
from kvmtui.guard.gate import Census, Rules
from kvmtui.guard.roles import Role
from kvmtui.model.job import Danger, Verdict
from kvmtui.model.vm import ACTIVE, Vm, VmState

FREE = Rules()


def a_vm(number: int, host: str = "kvm1", state: VmState = VmState.RUNNING, **more: object) -> Vm:
    """Return a VM."""
    fields = {"host": host, "uuid": f"uuid-{number}", "name": f"vm-{number}", "state": state, "seen": 100.0, **more}
    return Vm(**fields)  # type: ignore[arg-type]


def fleet_of(running: int, off: int = 0, host: str = "kvm9") -> list[Vm]:
    """Return VMs that are not touched."""
    bystanders = [a_vm(1_000 + number, host) for number in range(running)]
    return bystanders + [a_vm(5_000 + number, host, VmState.OFF) for number in range(off)]


def judged(verb: str, touched: Sequence[Vm], others: Sequence[Vm] = (), rules: Rules = FREE) -> gate.Judgement:
    """Judge a verb over some VMs of a fleet."""
    return gate.judge(VERBS[verb], touched, Census([*touched, *others]), rules)


MANY = fleet_of(100, 20)


@pytest.mark.parametrize(
    ("verb", "touched", "danger", "phrase"),
    [
        ("shutdown", [a_vm(1)], Danger.NORMAL, "y"),
        ("shutdown", [a_vm(number) for number in range(10)], Danger.WIDE, "10"),
        ("shutdown", [a_vm(number) for number in range(11)], Danger.WIDE, "11"),
        ("shutdown", [a_vm(1), a_vm(1_000, "kvm9")], Danger.NORMAL, "y"),
        ("off", [a_vm(1)], Danger.DESTRUCTIVE, "vm-1"),
        ("off", [a_vm(1), a_vm(2)], Danger.DESTRUCTIVE, "off 2"),
        ("off", [a_vm(1, name="вм")], Danger.DESTRUCTIVE, "off 1"),
        ("off", [a_vm(1, name=" vm")], Danger.DESTRUCTIVE, "off 1"),
        ("off", [a_vm(1, name="n" * 65)], Danger.DESTRUCTIVE, "off 1"),
        ("pause", [a_vm(1, owner="nova")], Danger.DESTRUCTIVE, "vm-1"),
        ("shutdown", [a_vm(1, owner="Pacemaker"), a_vm(2)], Danger.DESTRUCTIVE, "shutdown 2"),
    ],
)
def test_danger_is_verb_times_reach(verb: str, touched: list[Vm], danger: Danger, phrase: str) -> None:
    """What has to be typed grows with what is touched. (kvm1 has no other VMs here: ten are all of it.)"""
    found = judged(verb, touched, MANY)
    assert (found.verdict, found.danger, found.phrase) == (Verdict.ASKS, danger, phrase)


def test_reach_is_told_in_words() -> None:
    """The whole host, the quarter, the number, the careful host, the owner: each with its figure or name."""
    on_two = [a_vm(number) for number in range(12)]
    found = judged("shutdown", on_two, [*fleet_of(20), a_vm(77, state=VmState.OFF)], Rules(careful=frozenset({"kvm1"})))
    assert found.why == (
        "kvm1 is careful (guard: careful) · more than 10 VMs · all of kvm1 · over a quarter of what is on (12 of 32)"
    )
    found = judged("shutdown", [a_vm(1, owner="Pacemaker")], MANY)
    assert found.why == "owned by Pacemaker, which may start it again: vm-1"
    assert found.looks == (found.why,)


def test_one_vm_alone_is_never_wide_but_on_a_careful_host() -> None:
    """In a fleet of one or two, each is all of its host and over a quarter."""
    assert judged("shutdown", [a_vm(1)]).phrase == "y"
    careful = judged("start", [a_vm(1, state=VmState.OFF)], rules=Rules(careful=frozenset({"kvm1"})))
    assert (careful.verdict, careful.danger, careful.phrase) == (Verdict.ASKS, Danger.WIDE, "1")


def test_only_what_stops_nothing_goes_without_a_question() -> None:
    """Start or resume of one VM may; of two it asks; what takes a VM out of service always asks."""
    off = [a_vm(number, state=VmState.OFF) for number in range(2)]
    assert judged("start", off[:1], MANY).verdict is Verdict.MAY
    assert judged("resume", [a_vm(1, state=VmState.PAUSED)], MANY).verdict is Verdict.MAY
    assert judged("start", off, [*MANY, a_vm(9, state=VmState.OFF)]).verdict is Verdict.ASKS
    for verb in VERBS.values():
        if verb.stops:
            assert judged(verb.id, [a_vm(1)], MANY).verdict is Verdict.ASKS


@given(
    st.sampled_from(sorted(VERBS)),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(VmState), st.booleans()), min_size=1, max_size=30),
    st.integers(0, 60),
)
def test_more_reach_never_asks_for_less(verb: str, shapes: list[tuple[int, VmState, bool]], others: int) -> None:
    """Taking one more VM in never lowers the danger."""
    order = list(Danger)
    vms = [a_vm(n, f"kvm{host}", state, owner="nova" if owned else "") for n, (host, state, owned) in enumerate(shapes)]
    fleet = [*vms, *fleet_of(others)]
    less = gate.judge(VERBS[verb], vms[:-1] or vms, Census(fleet), FREE)
    more = gate.judge(VERBS[verb], vms, Census(fleet), FREE)
    assert order.index(more.danger) >= order.index(less.danger)


def test_no_and_why() -> None:
    """Read-only clients and configs, locked and watched hosts."""
    config = Config(
        name="test",
        hosts=(
            HostConfig(name="kvm1", uri="test:///default", guard="locked"),
            HostConfig(name="kvm2", uri="test:///default", access="ro"),
            HostConfig(name="kvm3", uri="test:///default", guard="careful"),
        ),
        guard=GuardConfig(start="read-only"),
    )
    rules = gate.rules_of(config)
    assert gate.client_refusal(ClientId("anna", 1, 2), FREE) is None
    assert "--read-only" in gate.client_refusal(ClientId("anna", 1, 2, True), FREE).why  # type: ignore[union-attr]
    assert "guard.start" in gate.client_refusal(ClientId("anna", 1, 2), rules).why  # type: ignore[union-attr]
    for host, why in (("kvm1", "locked"), ("kvm2", "access: ro"), ("kvm3", "")):
        refusal = gate.refusal(VERBS["shutdown"], a_vm(1, host), rules, (), 100.0)
        assert why in refusal
        assert bool(why) is bool(refusal)


@given(st.sampled_from(sorted(VERBS)), st.sampled_from(VmState), st.none() | st.sampled_from(VmState))
def test_nothing_is_made_to_run_twice(verb: str, state: VmState, was: VmState | None) -> None:
    """Refused while its UUID runs elsewhere, or did when that host was last heard: what ends running, or is deleted."""
    me = a_vm(1, "kvm1", next(iter(VERBS[verb].applies)), autostart=verb == "autostart-off")
    other = a_vm(1, "kvm7", state, was=was)
    may_run = state in ACTIVE or (state is VmState.UNKNOWN and was in ACTIVE)
    refusal = gate.refusal(VERBS[verb], me, FREE, [other], 220.0)
    assert bool(refusal) is (may_run and (VmState.RUNNING in VERBS[verb].goal or verb == "delete"))
    if refusal:
        assert "kvm7" in refusal
    if refusal and state is VmState.UNKNOWN:
        assert refusal.startswith("may still run on kvm7: was ")
        assert refusal.endswith(" 2m ago")


def test_unknown_is_never_eligible() -> None:
    """VMs of lost hosts are refused by every verb, in words."""
    for verb in VERBS.values():
        assert gate.refusal(verb, a_vm(1, state=VmState.UNKNOWN), FREE, (), 100.0).startswith("state unknown")


def test_a_client_is_who_the_kernel_says() -> None:
    """Its name from the password database, the number where there is none, its claims made safe to show."""
    assert this_process() == from_peer(os.getuid(), os.getpid())
    nobody = from_peer(4_000_000_000, 1, origin="ssh\x1b[31m from\u202e here")
    assert nobody.user == "4000000000"
    assert nobody.origin.isprintable()


PEOPLE = ("anna", "ben", "cleo")
TAGS = ("web", "db")
HOSTS = ("kvm1", "kvm2")
ROLES = ("viewer", "operator", "admin")


def some(words: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Any of some words."""
    return st.lists(st.sampled_from(words), unique=True).map(tuple)


GRANTS = st.builds(
    RoleConfig,
    role=st.sampled_from(ROLES),
    users=some(PEOPLE),
    groups=some(("ops", "dev")),
    tags=some(TAGS),
    hosts=some(HOSTS),
)
CONFIGS = st.builds(
    lambda levels, access, start, roles: Config(
        name="test",
        hosts=tuple(
            HostConfig(name=name, uri="test:///default", guard=level, access=way)
            for name, level, way in zip(HOSTS, levels, access, strict=True)
        ),
        guard=GuardConfig(start=start, roles=tuple(roles)),
    ),
    st.tuples(*[st.sampled_from(("normal", "careful", "locked"))] * 2),
    st.tuples(*[st.sampled_from(("rw", "ro"))] * 2),
    st.sampled_from(("read-write", "read-only")),
    st.lists(GRANTS, max_size=4),
)
CLIENTS = st.builds(
    ClientId,
    user=st.sampled_from(PEOPLE),
    uid=st.just(1),
    pid=st.just(2),
    read_only=st.booleans(),
    groups=some(("ops", "dev")).map(frozenset),
    is_owner=st.booleans(),
    unlocked=st.booleans(),
)


def granted(client: ClientId, config: Config, host: str = "", tags: Sequence[str] = ()) -> int:
    """The place in ROLES of a client's role on a VM, told anew from the config; host "": on every VM there may be."""
    best = 0 if config.guard.roles and not client.is_owner else 2
    for rule in config.guard.roles:
        named = client.user in rule.users or any(group in rule.groups for group in client.groups)
        fits = (not rule.hosts or host in rule.hosts) and (not rule.tags or any(tag in rule.tags for tag in tags))
        if named and fits:
            best = max(best, ROLES.index(rule.role))
    return best


@given(CONFIGS, CLIENTS, st.sampled_from(sorted(VERBS)), st.sampled_from(HOSTS), some(TAGS))
def test_nothing_gets_through_that_any_rule_forbids(
    config: Config, client: ClientId, verb: str, host: str, tags: tuple[str, ...]
) -> None:
    """Whatever role, scope, level, read-only say no to is no; what none of them says no to is not refused."""
    rules = gate.rules_of(config)
    level, access = next((each.guard, each.access) for each in config.hosts if each.name == host)
    applies = next(iter(VERBS[verb].applies))
    vm = a_vm(1, host, applies, tags=tags, autostart=verb == "autostart-off")
    allowed = (
        not client.read_only
        and (config.guard.start == "read-write" or client.unlocked)
        and level != "locked"
        and access == "rw"
        and granted(client, config, host, tags) >= (2 if VERBS[verb].destructive else 1)
    )
    may = gate.client_refusal(client, rules) is None and not gate.refusal(VERBS[verb], vm, rules, (), 100.0, client)
    assert may is allowed


@given(CONFIGS, CLIENTS, st.lists(st.tuples(st.sampled_from(HOSTS), some(TAGS)), min_size=1, max_size=4), st.booleans())
def test_steering_takes_operators_of_all_that_is_steered(
    config: Config, client: ClientId, places: list[tuple[str, tuple[str, ...]]], is_own: bool
) -> None:
    """A viewer stops nobody's job, somebody with a scope no job that reaches out of it, but for his own."""
    rules = gate.rules_of(config)
    vms = [a_vm(number, host, tags=tags) for number, (host, tags) in enumerate(places)]
    is_operator = [granted(client, config, vm.host, vm.tags) >= 1 for vm in vms]
    refusal = gate.steering_refusal(client, rules, vms, is_own=is_own)
    if client.read_only or not (all(is_operator) or is_own):
        assert refusal is not None
    elif all(is_operator):
        assert refusal is None
    if granted(client, config) < 1:
        assert is_own or gate.steering_refusal(client, rules, [*vms, None], is_own=False) is not None


@given(CONFIGS, CLIENTS)
def test_what_is_about_no_vm_takes_the_role_everywhere(config: Config, client: ClientId) -> None:
    """A scope never reaches the worker itself: to stop it, to trust a key."""
    refusal = gate.session_refusal(client, Role.ADMIN, gate.rules_of(config))
    assert (refusal is None) is (not client.read_only and granted(client, config) == 2)


def test_who_is_refused_hears_his_role() -> None:
    """In the words that the menu shows."""
    roles = (RoleConfig(role="operator", users=("anna",), tags=("web",)),)
    rules = gate.rules_of(Config(name="t", hosts=(), guard=GuardConfig(roles=roles)))
    anna, ben = ClientId("anna", 1, 2), ClientId("ben", 3, 4)
    web, db = a_vm(1, tags=("web",)), a_vm(2, tags=("db",))
    assert gate.client_refusal(ben, rules).why == "your role here is viewer, it takes operator"  # type: ignore[union-attr]
    assert gate.refusal(VERBS["off"], web, rules, (), 1.0, anna) == "your role here is operator, it takes admin"
    assert gate.refusal(VERBS["pause"], web, rules, (), 1.0, anna) == ""
    assert gate.refusal(VERBS["pause"], db, rules, (), 1.0, anna) == "your role here is viewer, it takes operator"
