"""The worker stays within its share, whatever the fleet costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.pace import CORES, MOST, Pace


@given(st.floats(0.001, 3.0), st.booleans())
def test_a_steady_fleet_is_asked_as_often_as_its_share_allows(cores: float, bursts: bool) -> None:
    """At the config's periods it would take `cores`; stretched it takes its share, and does not swing."""
    pace = Pace()
    factors = []
    for step in range(60):
        cost = cores if not bursts else 2 * cores * (step % 2)
        factors.append(pace.measured(cost / pace.factor * 5, 5))
    wanted = min(MOST, max(1.0, cores / CORES))
    assert all(wanted / 1.2 - 0.1 <= factor <= wanted * 1.2 + 0.1 for factor in factors[-10:])


@given(st.floats(1.0, 60.0))
def test_what_it_takes_once_does_not_last(burst: float) -> None:
    """After a burst (all hosts connecting at once) the config's periods hold again."""
    pace = Pace()
    pace.measured(burst, 5)
    for _ in range(60):
        pace.measured(0.0, 5)
    assert pace.factor == 1.0
