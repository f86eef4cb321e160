"""Definitions are read once, seldom again, never so fast that a host notices."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.survey import AGAIN_S, CHANGED_S, FAILED_S, PER_S, SHARE, SNAPSHOTS_AGAIN_S, Survey, Turns
from tests.unit.fleet_world import listed, uuid


def drive(survey: Survey, until: float, cost_s: float = 0.002, start: float = 0.0) -> list[tuple[float, str]]:
    """Read whoever is to be read, as a surveyor would; return when who was read."""
    now, read = start, []
    while True:
        step = survey.next(now)
        if isinstance(step, str):
            read.append((now, step))
            survey.took(step, now, cost_s)
        elif step > until:
            return read
        else:
            now = step


@given(st.integers(0, 60), st.floats(0, 5))
def test_each_once_and_never_too_fast(count: int, cost_s: float) -> None:
    """At most PER_S a second, at most SHARE of the host's time; then nobody for hours."""
    survey = Survey()
    survey.listed([listed(number) for number in range(count)], 0.0)
    read = drive(survey, AGAIN_S - 1, cost_s)
    assert sorted(who for _, who in read) == [uuid(number) for number in range(count)]
    gap_s = max(1 / PER_S, min(cost_s, 1.0) / SHARE)
    times = [at for at, _ in read]
    assert all(later - earlier >= gap_s - 1e-6 for earlier, later in itertools.pairwise(times))
    assert len(drive(survey, 3 * AGAIN_S, cost_s, AGAIN_S - 1)) >= count


def test_who_changes_is_read_again_and_storms_are_one_change() -> None:
    """A hundred events in a row are one reading; who was not told of is left alone."""
    survey = Survey()
    survey.listed([listed(1), listed(2)], 0.0)
    drive(survey, 10)
    for step in range(100):
        survey.changed(uuid(2), 20 + step / 1000)
    survey.changed(uuid(9), 20)
    assert [(round(at, 3), who) for at, who in drive(survey, 1000, start=20.1)] == [(20 + CHANGED_S, uuid(2))]


def test_a_change_while_it_is_read_counts() -> None:
    """What was read may be what was before."""
    survey = Survey()
    survey.listed([listed(1)], 0.0)
    assert survey.next(0.0) == uuid(1)
    survey.took(uuid(1), 0.0, 0.0)
    survey.changed(uuid(1), 0.1)
    assert survey.next(0.7) == uuid(1)


def test_first_snapshot_and_last_gone_are_changes() -> None:
    """No event tells of either; and while there is one it is looked for a little oftener."""
    survey = Survey()
    survey.listed([listed(1)], 0.0)
    drive(survey, 10)
    survey.listed([listed(1, has_snapshot=True)], 20.0)
    assert [at for at, _ in drive(survey, 21, start=20)] == [20.0]
    assert [at for at, _ in drive(survey, 20 + SNAPSHOTS_AGAIN_S, start=21)] == [20 + SNAPSHOTS_AGAIN_S]


def test_who_is_on_a_screen_comes_first_and_who_is_gone_never() -> None:
    survey = Survey()
    survey.listed([listed(number) for number in range(5)], 0.0)
    assert survey.next(0.0, {uuid(3), uuid(77)}) == uuid(3)
    survey.listed([listed(4)], 0.0)
    assert [who for _, who in drive(survey, 100)] == [uuid(4)]


def test_who_cannot_be_read_is_tried_ever_more_seldom_and_holds_up_nobody() -> None:
    survey = Survey()
    survey.listed([listed(1)], 0.0)
    now, tries = 0.0, []
    while now < 4 * 3600:
        step = survey.next(now)
        if isinstance(step, str):
            tries.append(now)
            survey.failed(step, now)
        else:
            now = step
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[:3] == [FAILED_S, 2 * FAILED_S, 4 * FAILED_S]
    assert max(gaps) == 3600
    survey.listed([listed(1), listed(2)], now)
    assert uuid(2) in [who for _, who in drive(survey, now + 60, start=now)]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_all_hosts_together_have_a_limit_too(gaps: list[float]) -> None:
    """However many ask at once, one passes every 1/10 s."""
    turns, now, passed = Turns(10), 0.0, []
    for gap in gaps:
        now += gap
        passed.append(now + turns.take(now))
    assert all(later - earlier >= 0.1 - 1e-9 for earlier, later in itertools.pairwise(passed))
