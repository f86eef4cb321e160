"""A host's clock, the programs its QEMUs run; whatever a host answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.contract import Link, Ran
from kvmtui.hosts.inspection import inspect, offset, qemus

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


class Host:
    """A link whose commands take as long as the test says, on a clock that only they move."""

    def __init__(self, *took_s: float, ahead_s: float = 0.0) -> None:
        self.now = 1_790_000_000.0
        self.asked = 0
        self._took_s = iter(took_s)
        self._ahead_s = ahead_s

    def clock(self) -> float:
        return self.now

    async def run(self, argv: Sequence[str], **_: object) -> Ran:
        if argv[0] == "sh":
            return Ran(0, SAID, "")
        self.asked += 1
        self.now += next(self._took_s)
        return Ran(0, f"{self.now + self._ahead_s:.9f}\n", "")


async def test_the_quickest_answer_tells_the_time() -> None:
    """A slow one is asked again, not for ever; a quick one is enough."""
    for took_s, asked, error_s in (((0.8, 0.02), 2, 0.01), ((0.8, 0.4, 0.6, 0.1), 3, 0.2), ((0.01,), 1, 0.005)):
        host = Host(*took_s, ahead_s=5.0)
        told = await inspect("kvm1", cast("Link", host), host.clock)
        assert (host.asked, round(told.error_s, 6)) == (asked, error_s)
        assert told.ahead_s is not None
        assert abs(told.ahead_s - 5.0) <= told.error_s + 1e-5
        assert told.qemus == ((A, True), (B, False))


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
