"""A lost host is tried for ever, ever more seldom, never in step with the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.retry import FIRST_S, LONGEST_S, NEEDS_YOU_S, STEADY_S, Retry
from kvmtui.model.host import LinkState

DOWN = st.sampled_from([LinkState.LOST, LinkState.NO_LIBVIRT])


@given(st.lists(st.tuples(DOWN, st.floats(0, 1)), min_size=1, max_size=30))
def test_waits_grow_to_a_minute_and_no_further(tries: list[tuple[LinkState, float]]) -> None:
    """Between half and all of 2, 4, 8 … 60 seconds."""
    jitter = iter([number for _, number in tries])
    retry = Retry(lambda: next(jitter))
    for number, (state, _) in enumerate(tries, 1):
        longest_s = min(LONGEST_S, FIRST_S * 2**number)
        assert longest_s / 2 <= retry.wait_s(state, 0.0) <= longest_s


@given(st.floats(0, 3600), st.integers(0, 20))
def test_only_a_host_that_was_up_for_a_while_begins_anew(up_for_s: float, failures: int) -> None:
    """One that comes up and goes down again every second is not tried every second."""
    retry = Retry(lambda: 1.0)
    for _ in range(failures):
        retry.wait_s(LinkState.LOST, 0.0)
    wait_s = retry.wait_s(LinkState.LOST, up_for_s)
    assert wait_s == (FIRST_S if up_for_s >= STEADY_S else min(LONGEST_S, FIRST_S * 2 ** min(failures + 1, 10)))


def test_what_needs_a_human_is_left_alone() -> None:
    """Whatever happened before."""
    assert Retry().wait_s(LinkState.NEEDS_YOU, 1000.0) == NEEDS_YOU_S
