"""What is wrong, in words: one case a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet import trouble
from kvmtui.fleet.trouble import HOST_RULES, VM_RULES, HostFacts, Twin, VmFacts
from kvmtui.model.host import Host, LinkState
from kvmtui.model.vm import Vm, VmState

RUNNING, PAUSED, OFF, UNKNOWN = VmState.RUNNING, VmState.PAUSED, VmState.OFF, VmState.UNKNOWN
_TWICE = VmFacts(twins=(Twin("kvm2", RUNNING, None, 50.0, confirmed=True),))
_MOVING = VmFacts(twins=(Twin("kvm2", RUNNING, None, 50.0, confirmed=False),))
_SPLIT = VmFacts(twins=(Twin("kvm7", UNKNOWN, RUNNING, 50.0, confirmed=False),))
_IDLE = VmFacts(twins=(Twin("kvm2", OFF, None, 50.0, confirmed=False),))
_LOST = VmFacts(link=LinkState.LOST)


def _vm(state: VmState, reason: str = "", was: VmState | None = None, **figures: float) -> Vm:
    return Vm(host="kvm1", uuid="u", name="web-01", state=state, state_reason=reason, was=was, **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vm", "facts", "words", "severity"),
    [
        (_vm(RUNNING, "booted"), VmFacts(), "", 0),
        (_vm(PAUSED, "user"), VmFacts(), "", 0),
        (_vm(OFF, "shutdown"), VmFacts(), "", 0),
        (_vm(VmState.SUSPENDED), VmFacts(), "", 0),
        (_vm(RUNNING, "booted"), _TWICE, "RUNS TWICE: here and on kvm2", 4),
        (_vm(RUNNING, "booted"), _MOVING, "", 0),
        (_vm(PAUSED, "post-copy failed"), VmFacts(), "memory on two hosts", 4),
        (_vm(RUNNING, "post-copy failed"), VmFacts(), "memory on two hosts", 4),
        (_vm(PAUSED, "I/O error"), VmFacts(io_error="vda: no space left"), "I/O error vda: no space left", 3),
        (_vm(PAUSED, "I/O error"), VmFacts(), "I/O error", 3),
        (_vm(VmState.CRASHED, "panicked"), VmFacts(), "crashed: panicked", 3),
        (_vm(OFF, "crashed"), VmFacts(), "crashed, now shut off", 3),
        (_vm(PAUSED, "crashed"), VmFacts(), "crashed, now paused", 3),
        (_vm(PAUSED, "watchdog"), VmFacts(), "watchdog", 3),
        (_vm(PAUSED, "API error"), VmFacts(), "libvirt", 3),
        (_vm(RUNNING), VmFacts(stuck="monitor stuck for 40s"), "monitor stuck for 40s", 3),
        (_vm(OFF), VmFacts(stuck="monitor stuck for 40s"), "", 0),
        (_vm(RUNNING), _SPLIT, "may still run on kvm7", 3),
        (_vm(UNKNOWN, was=RUNNING), _LOST, "host lost", 2),
        (_vm(UNKNOWN, was=RUNNING), VmFacts(link=LinkState.NEEDS_YOU), "host needs you", 2),
        (_vm(UNKNOWN, was=RUNNING), VmFacts(link=LinkState.CONNECTING), "", 0),
        (_vm(UNKNOWN, was=OFF), _LOST, "", 0),
        (_vm(UNKNOWN, was=RUNNING), VmFacts(LinkState.LOST, twins=_MOVING.twins), "now on kvm2", 1),
        (_vm(PAUSED, "migrating"), VmFacts(), "paused by a migration", 1),
        (_vm(PAUSED, "migrating"), VmFacts(is_lasting=True), "left over by a migration", 2),
        (_vm(PAUSED, "migrating", since=60.0), _MOVING, "arrives from kvm2", 1),
        (_vm(PAUSED, "starting up", since=60.0), _MOVING, "arrives from kvm2", 1),
        (_vm(PAUSED, "migrating", since=60.0), VmFacts(twins=_MOVING.twins, is_lasting=True), "arrives from kvm2", 1),
        (_vm(PAUSED, "migrating", since=40.0), VmFacts(twins=_MOVING.twins, is_lasting=True), "left over", 2),
        (_vm(PAUSED, ""), VmFacts(), "nobody says why", 2),
        (_vm(OFF, "failed"), VmFacts(), "start failed", 2),
        (_vm(RUNNING, mem_pct=97.0), VmFacts(), "memory", 2),
        (_vm(RUNNING, steal_pct=40.0), VmFacts(), "waits for CPUs", 1),
        (_vm(RUNNING), VmFacts(is_late=True), "old", 1),
        (_vm(PAUSED, "saving"), VmFacts(), "being saved", 1),
        (_vm(OFF), _MOVING, "runs on kvm2", 1),
        (_vm(OFF), _SPLIT, "may still run on kvm7", 1),
        (_vm(OFF), _IDLE, "defined on kvm2 too", 1),
        (_vm(RUNNING), _IDLE, "", 0),
    ],
)
def test_a_vm(vm: Vm, facts: VmFacts, words: str, severity: int) -> None:
    found = trouble.of_vm(vm, facts)
    assert found.severity == severity
    assert words in found.trouble
    assert bool(words) == bool(found.trouble)


@pytest.mark.parametrize(
    ("link", "figures", "facts", "words", "severity"),
    [
        (LinkState.UP, {}, HostFacts(), "", 0),
        (LinkState.CONNECTING, {}, HostFacts(is_late=True), "", 0),
        (LinkState.LOST, {"link_reason": "no answer"}, HostFacts(), "lost: no answer", 3),
        (LinkState.NO_LIBVIRT, {}, HostFacts(), "no libvirt", 3),
        (
            LinkState.NEEDS_YOU,
            {"link_reason": "its host key is unknown", "link_remedy": "kvmtui trust kvm1"},
            HostFacts(),
            "needs you: its host key is unknown · kvmtui trust kvm1",
            3,
        ),
        (LinkState.UP, {}, HostFacts(is_late=True), "answers late", 2),
        (LinkState.UP, {}, HostFacts(same_as="kvm2"), "same host as kvm2", 2),
        (LinkState.UP, {"mem_pct": 97.0}, HostFacts(), "memory nearly full", 2),
        (LinkState.UP, {"pressure_mem_pct": 30.0}, HostFacts(), "wait for memory", 2),
    ],
)
def test_a_host(link: LinkState, figures: dict[str, str | float], facts: HostFacts, words: str, severity: int) -> None:
    found = trouble.of_host(Host(name="kvm1", uri="u", link=link, **figures), facts)  # type: ignore[arg-type]
    assert found.severity == severity
    assert words in found.trouble
    assert bool(words) == bool(found.trouble)


@given(
    st.builds(
        _vm,
        st.sampled_from(list(VmState)),
        st.sampled_from(
            ["", "user", "I/O error", "crashed", "migrating", "post-copy failed", "failed", "new in libvirt"]
        ),
        st.none() | st.sampled_from(list(VmState)),
    ),
    st.builds(
        VmFacts,
        st.sampled_from(list(LinkState)),
        st.sampled_from(["", "monitor stuck"]),
        st.just(""),
        st.sampled_from([(), _TWICE.twins, _SPLIT.twins, _IDLE.twins]),
        st.booleans(),
    ),
)
def test_the_worst_rule_is_the_one_that_is_told(vm: Vm, facts: VmFacts) -> None:
    said = [rule for rule in VM_RULES if vm.state in rule.when and rule.says(vm, facts)]
    found = trouble.of_vm(vm, facts)
    assert found.severity == max((rule.severity for rule in said), default=0)
    assert bool(found.trouble) == bool(said)


def test_rules_have_names_of_their_own() -> None:
    for rules in (VM_RULES, HOST_RULES):
        assert len({rule.id for rule in rules}) == len(rules)
        assert all(1 <= rule.severity <= 4 and rule.when for rule in rules)
