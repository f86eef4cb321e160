"""Whatever comes in whatever order: no row goes back to a state that was over when the report was asked for."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.model.vm import ACTIVE, VmState
from tests.unit.fleet_world import World, counters, listed

_STATES = (VmState.RUNNING, VmState.PAUSED, VmState.OFF)
_HOST, _VM = "kvm1", 1


class _Asked(NamedTuple):
    """A poll under way."""

    kind: str
    at: float
    read: tuple[float, VmState] | None = None


class _Truth:
    """One VM as it really is, over a connection that delivers events and answers in the order they were made."""

    def __init__(self) -> None:
        self.world = World(_HOST).up(_HOST, listed(_VM, VmState.RUNNING, ""))
        self.history = [(self.world.now, VmState.RUNNING)]
        self.untold: list[tuple[float, VmState]] = []
        self.poll: _Asked | None = None
        self.listed = (self.world.now, VmState.RUNNING)
        """The last listing: when it was asked for, what it said."""
        self.known_at = self.world.now
        """From when on the row's state must have been true."""

    def change(self, state: VmState, *, is_told: bool) -> None:
        self.history.append((self.world.now, state))
        if is_told:
            self.untold.append((self.world.now, state))

    def hear(self, until: float) -> None:
        """Events come that happened by then; what they are stamped with is when they are heard."""
        for at, state in [each for each in self.untold if each[0] <= until]:
            self.untold.remove((at, state))
            self.world.tells(_HOST, _VM, "resumed", state)
            self.known_at = max(self.known_at, at)

    def step(self, what: str) -> None:
        poll = self.poll
        match what:
            case "list" | "sample" if poll is None:
                self.poll = _Asked(what, self.world.now)
            case "read" if poll is not None and poll.read is None:
                self.poll = poll._replace(read=(self.world.now, self.history[-1][1]))
            case "answer" if poll is not None and poll.read is not None:
                self.answer(poll, *poll.read)
                self.poll = None
            case "invent" if poll is None:
                asked, state = self.listed
                if state in ACTIVE:
                    self.world.samples(_HOST, counters(_VM, state, "", cpu_ns=1), states_at=asked)
            case "hear":
                self.hear(self.world.now)

    def answer(self, poll: _Asked, read_at: float, state: VmState) -> None:
        self.hear(read_at)
        if poll.kind == "list":
            self.world.lists(_HOST, listed(_VM, state, ""), at=poll.at)
            self.listed = (poll.at, state)
        else:
            self.world.samples(_HOST, counters(_VM, state, "", cpu_ns=1), at=poll.at)
        if poll.kind == "list" or state in ACTIVE:
            self.known_at = max(self.known_at, poll.at)

    def possible(self) -> set[VmState]:
        """The states it was in from ``known_at`` on."""
        ends = [at for at, _ in self.history[1:]] + [float("inf")]
        return {state for (_, state), end in zip(self.history, ends, strict=True) if end > self.known_at}


_steps = st.lists(
    st.one_of(
        st.sampled_from(["list", "sample", "read", "answer", "invent", "hear"]),
        st.tuples(st.sampled_from(_STATES), st.booleans()),
    ),
    max_size=40,
)


@given(_steps)
@example([(VmState.PAUSED, False), "list", "read", (VmState.RUNNING, True), "hear", "answer"])
@example(["hear", (VmState.PAUSED, True), "hear", "invent"])
def test_a_row_never_goes_back_to_a_state_that_was_over_when_the_report_was_asked_for(
    steps: list[str | tuple[VmState, bool]],
) -> None:
    """Events may be lost; a poll takes time between question, look, answer; invented figures go with a listing."""
    truth = _Truth()
    for step in steps:
        truth.world.wait(1)
        if isinstance(step, str):
            truth.step(step)
        else:
            truth.change(step[0], is_told=step[1])
        assert truth.world.state(_HOST, _VM) in truth.possible()


def test_a_bulk_pause_is_told_once_though_figures_are_made_up_from_before() -> None:
    """The demo samples between the event and the next listing: what it samples is as old as the last one."""
    world = World(_HOST).up(_HOST, listed(_VM))
    asked = world.now
    world.wait(1).tells(_HOST, _VM, "suspended", VmState.PAUSED, "user")
    before = list(world.fleet.events.rows)
    world.wait(1).samples(_HOST, counters(_VM, cpu_ns=1), states_at=asked)
    assert world.state(_HOST, _VM) is VmState.PAUSED
    world.wait(1).lists(_HOST, listed(_VM, VmState.PAUSED, "user"))
    assert list(world.fleet.events.rows) == before


def test_what_no_longer_runs_uses_nothing_from_that_moment_on() -> None:
    """Its memory stays taken; what is measured from then on counts, and nothing that was measured across the pause."""
    world = World(_HOST).up(_HOST, listed(_VM))
    for second in range(2):
        ran = counters(_VM, cpu_ns=second * 10**9, read_bytes=second * 4096, requests=second, request_ns=second)
        world.wait(1).samples(_HOST, replace(ran, mem_available_bytes=100, mem_usable_bytes=40))
    vm = world.vm(_HOST, _VM)
    assert (vm.cpu_pct, vm.disk_read_bps, vm.mem_used_bytes) == (50.0, 4096.0, 60)
    world.wait(1).tells(_HOST, _VM, "paused", VmState.PAUSED, "user")
    for samples in range(3):
        if samples:
            paused = counters(_VM, VmState.PAUSED, "user", cpu_ns=2 * 10**9, read_bytes=2 * 4096)
            world.wait(1).samples(_HOST, replace(paused, mem_available_bytes=100, mem_usable_bytes=40))
        vm = world.vm(_HOST, _VM)
        assert (vm.cpu_pct, vm.cores, vm.disk_read_bps, vm.disk_latency_ms, vm.mem_used_bytes) == (0, 0, 0, None, 60)
