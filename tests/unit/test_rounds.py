"""Rounds of figures that make a rate."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from kvmtui.fleet.rates import figures
from kvmtui.hosts.reports import Counters, Listed, Listing, Sampling
from kvmtui.model.vm import Vm, VmState
from kvmtui.worker.rounds import Rounds

VM = Vm(host="a", uuid="u", name="v", state=VmState.RUNNING)


def counters(at: float) -> Counters:
    return Counters(uuid="u", state=VmState.RUNNING, reason="", vcpus=1, cpu_ns=int(at * 1e8))


@given(st.lists(st.floats(0.01, 3.0), max_size=6))
@example([0.3, 0.1])
def test_two_rounds_are_in_only_when_they_make_a_rate(pauses: list[float]) -> None:
    """Who waits for a second sample is never given none: one that comes too soon after the first does not count."""
    rounds = Rounds()
    listed = Listed(
        uuid="u", name="v", state=VmState.RUNNING, reason="", persistent=True, autostart=False, has_snapshot=False
    )
    rounds.take(Listing(host="a", at=0.0, vms=(listed,)))
    at, first, rate = 1.0, counters(1.0), None
    rounds.take(Sampling(host="a", at=at, vms=(first,)))
    for pause in pauses:
        at += pause
        rounds.take(Sampling(host="a", at=at, vms=(counters(at),)))
        rate = rate if rate is not None else figures(first, 1.0, counters(at), at, 1).cpu_pct
        assert (rounds.lacking([VM], 2) == []) == (rate is not None)
    assert rounds.lacking([VM], 1) == []
