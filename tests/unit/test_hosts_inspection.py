"""A host's clock, the programs its QEMUs run; whatever a host answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.inspection import offset, qemus

A = "00000001-0000-4000-8000-000000000000"
B = "00000002-0000-4000-8000-000000000000"
SAID = f"""/proc/10/comm
/proc/11/comm
/proc/12/comm
/proc/10 /usr/bin/qemu-system-x86_64 (deleted)
/proc/11 /usr/bin/qemu-system-x86_64
/proc/13 /usr/bin/qemu-img
/proc/10/cmdline:{A}
/proc/11/cmdline:{B}
"""


@given(st.floats(-1e6, 1e6), st.floats(0, 20), st.floats(0, 1))
def test_the_offset_is_as_true_as_it_says(ahead_s: float, trip_s: float, share: float) -> None:
    """Whenever on the way the clock was read: the truth lies within what is told."""
    before = 1_790_000_000.0
    said = f"{before + trip_s * share + ahead_s:.9f}\n"
    found = offset(said, before, before + trip_s)
    assert found is not None
    assert abs(found.ahead_s - ahead_s) <= found.error_s + 1e-5


def test_a_date_without_nanoseconds_is_less_sure() -> None:
    """Some say whole seconds only, or the letters as they are."""
    for said in ("1000", "1000.%N", "1000.N"):
        found = offset(said, 1000.0, 1000.2)
        assert found is not None
        assert abs(found.ahead_s) <= found.error_s
    assert offset("Mon Jan 1", 0, 1) is None
    assert offset("1000", 5, 4) is None


def test_who_runs_what_was_replaced() -> None:
    """By its UUID; whose program may not be seen is counted, not guessed."""
    known, unread = qemus(SAID)
    assert dict(known) == {A: True, B: False}
    assert unread == "this login may not see which program 1 of its QEMUs run"
    assert qemus("") == ((), "")


@given(st.text(max_size=300) | st.text(st.sampled_from("/proc10 comdlinexe:-\n()"), max_size=300))
def test_any_answer_is_survived(said: str) -> None:
    known, _ = qemus(said)
    assert all(len(uuid) == 36 for uuid, _ in known)
    offset(said, 1.0, 2.0)
