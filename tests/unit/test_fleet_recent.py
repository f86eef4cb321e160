"""The last quarter of an hour: bounded, in order, with its gaps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet import recent
from kvmtui.fleet.recent import COARSE_S, FINE_TRACKS, SPAN_S, TRACKS_MAX, Recent, Track
from kvmtui.model.host import Host
from kvmtui.model.vm import Vm, VmState
from tests.unit.fleet_world import START


def _vm(at: float, cpu: float | None = 1.0, uuid: str = "u", host: str = "kvm1") -> Vm:
    return Vm(host=host, uuid=uuid, name="web-01", state=VmState.RUNNING, sampled=at, cpu_pct=cpu)


@given(st.integers(1, 9), st.lists(st.tuples(st.floats(0.2, 50), st.none() | st.floats(0, 100, width=32)), max_size=40))
def test_a_track_holds_the_newest_points_in_order(size: int, steps: list[tuple[float, float | None]]) -> None:
    track, at, added = Track(size), START, []
    for pause, value in steps:
        at += pause
        track.add(at, (value, None))
        added.append((at, value))
    found = list(track.points())
    assert len(found) == len(track) == min(size, len(steps))
    for (got_at, got, nothing), (put_at, put) in zip(found, added[len(added) - len(found) :], strict=True):
        assert got_at == pytest.approx(put_at, abs=0.06)
        assert got == (None if put is None else pytest.approx(put, abs=0.01))
        assert nothing is None
    if found:
        assert (track.first_at, track.last_at) == (found[0][0], found[-1][0])


@given(st.lists(st.sampled_from([1.0, 2.0, 10.0, 60.0, 2000.0, -5.0, -2000.0]), max_size=80), st.booleans())
def test_points_are_in_order_within_the_span_and_losses_are_gaps(pauses: list[float], is_followed: bool) -> None:
    found, at = Recent(), START
    if is_followed:
        found.follow("kvm1", "u")
    for pause in pauses:
        at += pause
        found.add_vm(_vm(at))
    points = found.points("kvm1", "u", 0.0, at)
    times = [point[0] or 0.0 for point in points]
    assert times == sorted(set(times))
    assert all(time > at - SPAN_S for time in times)
    for before, after in pairwise(points):
        is_far = (after[0] or 0) - (before[0] or 0) > COARSE_S * recent.GAP_POINTS
        assert not is_far or before[1] is None or after[1] is None


def test_what_is_followed_keeps_every_point_and_what_is_not_one_in_ten_seconds() -> None:
    found = Recent()
    for second in range(0, 600, 2):
        found.add_vm(_vm(START + second, float(second % 100)))
        if second == 298:
            found.follow("kvm1", "u")
    points = found.points("kvm1", "u", 0.0, START + 600)
    early = [point for point in points if (point[0] or 0) < START + 300]
    late = [point for point in points if (point[0] or 0) >= START + 300]
    assert len(early) == pytest.approx(30, abs=8)
    assert len(late) == 150
    newest = found.points("kvm1", "u", START + 590, START + 600)
    assert [point[0] for point in newest] == [START + second for second in (592, 594, 596, 598)]


def test_a_track_goes_on_where_its_vm_moved_to() -> None:
    found = Recent()
    found.add_vm(_vm(START, 10.0, host="kvm1"))
    found.add_vm(_vm(START + 10, 20.0, host="kvm2"))
    assert [point[1] for point in found.points("kvm2", "u", 0.0, START + 10)] == [10.0, 20.0]


def test_hosts_have_tracks_too() -> None:
    found = Recent()
    found.add_host(Host(name="kvm1", uri="u", sampled=START, cpu_pct=40.0, load_1m=1.5))
    assert found.points("kvm1", "", 0.0, START) == [(START, 40.0, None, 1.5, None, None, None)]
    assert found.points("kvm2", "", 0.0, START) == []


def test_nothing_grows_without_bound() -> None:
    found = Recent()
    for number in range(FINE_TRACKS * 2):
        found.follow("kvm1", str(number))
        for step in range(200):
            found.add_vm(_vm(START + step * 10, uuid=str(number)))
    assert len(found._fine) == FINE_TRACKS
    assert max(len(track) for track in found._coarse.values()) == SPAN_S / COARSE_S
    found.forget_old(START + 4 * SPAN_S)
    assert not found._coarse
    for number in range(TRACKS_MAX + 10):
        found.add_vm(_vm(START, uuid=str(number)))
    assert len(found._coarse) == TRACKS_MAX
    found.add_vm(_vm(START + 2 * SPAN_S, uuid="late"))
    assert len(found._coarse) == 1, "what nobody has heard of gives way"
