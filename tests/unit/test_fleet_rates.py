"""Figures are what the counters say, or None: never a wrong number."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet.rates import GAP_S, NO_FIGURES, Figures, figures, host_figures
from kvmtui.hosts.reports import Counters, Vitals
from tests.unit.fleet_world import GIB, START, counters

COUNTED = ("cpu_ns", "delay_ns", "read_bytes", "write_bytes", "requests", "request_ns", "rx_bytes", "tx_bytes")
_count = st.none() | st.integers(0, 2**63)
_anything = st.builds(
    counters,
    st.just(1),
    vcpus=st.none() | st.integers(0, 512),
    mem_available_bytes=_count,
    mem_usable_bytes=_count,
    mem_reported=st.none() | st.integers(0, 2**40),
    **dict.fromkeys(COUNTED, _count),
)
FIRST = counters(
    1,
    cpu_ns=10**12,
    delay_ns=10**9,
    read_bytes=10**6,
    write_bytes=0,
    requests=50,
    request_ns=10**9,
    rx_bytes=7,
    tx_bytes=9,
)


def _later(seconds: float, **rates: float) -> Counters:
    """Return FIRST, ``seconds`` later, each counter grown by that much a second."""
    grown = {name: getattr(FIRST, name) + round(rates.get(name, 0) * seconds) for name in COUNTED}
    return msgspec.structs.replace(FIRST, **grown)


@given(
    seconds=st.floats(0.5, GAP_S),
    cores=st.floats(0, 2),
    delay=st.floats(0, 2),
    bps=st.floats(0, 1e10),
    requests=st.integers(1, 10**5),
    latency_ms=st.floats(0.01, 1e4),
)
def test_rates_are_growth_over_elapsed_time(
    seconds: float, cores: float, delay: float, bps: float, requests: int, latency_ms: float
) -> None:
    later = _later(seconds, cpu_ns=cores * 1e9, delay_ns=delay * 1e9, read_bytes=bps, tx_bytes=bps)
    took = round(requests * latency_ms * 1e6)
    later = msgspec.structs.replace(
        later, requests=(later.requests or 0) + requests, request_ns=(later.request_ns or 0) + took
    )
    found = figures(FIRST, START, later, START + seconds, host_cpus=2)
    assert found.cores == pytest.approx(cores, abs=0.01)
    assert found.cpu_pct == pytest.approx(cores * 50, abs=0.1)
    assert found.steal_pct == pytest.approx(delay * 50, abs=0.1)
    assert found.disk_read_bps == pytest.approx(bps, rel=1e-6, abs=2)
    assert found.net_tx_bps == pytest.approx(bps, rel=1e-6, abs=2)
    assert found.disk_write_bps == found.net_rx_bps == 0
    assert found.disk_latency_ms == pytest.approx(latency_ms, abs=0.01, rel=1e-3)


@given(
    before=st.none() | _anything,
    now=_anything,
    before_at=st.floats(0, 2e9),
    at=st.floats(0, 2e9),
    cpus=st.none() | st.integers(0, 1024),
)
def test_whatever_is_read_a_figure_is_possible_or_none(
    before: Counters | None, now: Counters, before_at: float, at: float, cpus: int | None
) -> None:
    found = figures(before, before_at, now, at, cpus)
    for name, value in zip(Figures._fields, found, strict=True):
        assert value is None or (math.isfinite(value) and value >= 0), name
        assert value is None or not name.endswith("_pct") or value <= 100, name


@given(now=_anything, elapsed=st.sampled_from([0.0, 5e-324, 0.1, -1.0, -3600.0, GAP_S + 1, 86_400.0]))
def test_no_rate_without_a_reading_shortly_before(now: Counters, elapsed: float) -> None:
    for before in (None, msgspec.structs.replace(now, cpu_ns=0)):
        found = figures(before, START, now, START + elapsed, 8)
        assert found._replace(mem_pct=None, mem_used_bytes=None) == NO_FIGURES


def test_a_restarted_qemu_has_no_rates_at_all() -> None:
    found = figures(FIRST, START, _later(10, cpu_ns=-1e9, read_bytes=10**6, rx_bytes=10**6), START + 10, 8)
    assert found == NO_FIGURES


@pytest.mark.parametrize("counter", [name for name in COUNTED if name != "cpu_ns"])
def test_a_counter_that_went_back_costs_its_own_figure_only(counter: str) -> None:
    rates = dict.fromkeys(COUNTED, 1000.0) | {"cpu_ns": 1e9, "delay_ns": 1e8}
    whole = figures(FIRST, START, _later(10, **rates), START + 10, 8)
    later = msgspec.structs.replace(_later(10, **rates), **{counter: -1})
    missing = {
        "delay_ns": "steal_pct",
        "read_bytes": "disk_read_bps",
        "write_bytes": "disk_write_bps",
        "requests": "disk_latency_ms",
        "request_ns": "disk_latency_ms",
        "rx_bytes": "net_rx_bps",
        "tx_bytes": "net_tx_bps",
    }[counter]
    assert None not in whole._replace(mem_pct=0, mem_used_bytes=0)
    assert figures(FIRST, START, later, START + 10, 8) == whole._replace(**{missing: None})


def test_more_cpu_time_than_the_host_has_is_a_clock_that_was_set() -> None:
    assert figures(FIRST, START, _later(10, cpu_ns=100e9), START + 10, host_cpus=8) == NO_FIGURES
    assert figures(FIRST, START, _later(10, cpu_ns=2.2e9), START + 10, host_cpus=8).cpu_pct == 100


def test_vcpus_plugged_in_between_leave_no_percentage() -> None:
    later = msgspec.structs.replace(_later(10, cpu_ns=1e9, delay_ns=1e9), vcpus=4)
    found = figures(FIRST, START, later, START + 10, 8)
    assert (found.cores, found.cpu_pct, found.steal_pct) == (1.0, None, None)


@pytest.mark.parametrize(
    ("available", "usable", "reported_ago", "expected"),
    [
        (4 * GIB, GIB, 5, (75.0, 3 * GIB)),
        (4 * GIB, 4 * GIB, 5, (0.0, 0)),
        (4 * GIB, GIB, 3600, (None, None)),
        (4 * GIB, 5 * GIB, 5, (None, None)),
        (4 * GIB, None, 5, (None, None)),
        (0, 0, 5, (None, None)),
    ],
)
def test_memory_is_what_the_guest_reports_while_it_reports(
    available: int | None, usable: int | None, reported_ago: int, expected: tuple[float | None, int | None]
) -> None:
    reading = counters(
        1, mem_available_bytes=available, mem_usable_bytes=usable, mem_reported=int(START) - reported_ago
    )
    found = figures(None, 0.0, reading, START, 8)
    assert (found.mem_pct, found.mem_used_bytes) == expected


def test_host_figures_survive_a_reboot_as_none() -> None:
    def vitals(at: float, busy: int, total: int, stolen: int = 0) -> Vitals:
        return Vitals(
            host="kvm1",
            at=at,
            busy_ticks=busy,
            total_ticks=total,
            steal_ticks=stolen,
            mem_total_bytes=8 * GIB,
            mem_available_bytes=2 * GIB,
        )

    first = vitals(START, 1000, 10_000)
    assert host_figures(None, first) == (None, None, 75.0, 6 * GIB)
    assert host_figures(first, vitals(START + 2, 1050, 10_200, 20))[:2] == (25.0, 10.0)
    assert host_figures(first, vitals(START + 2, 10, 100))[:2] == (None, None)
    assert host_figures(first, vitals(START + 2, 1000, 10_000))[:2] == (None, None)
    assert host_figures(first, vitals(START - 2, 1050, 10_200))[:2] == (None, None)
