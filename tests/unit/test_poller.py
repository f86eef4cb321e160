"""The laws of polling, held against a libvirtd that is simulated: workers, monitors that hang, time that passes."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from kvmtui.config import Periods
from kvmtui.hosts.held import MOST, HeldCalls
from kvmtui.hosts.hypervisor import ALL_GROUPS, Control
from kvmtui.hosts.poller import SHARE, Kind, Poller, Task

OK, OCCUPIED = 0, 2


class Daemon:
    """libvirtd as far as polls go: a call asks one monitor after the other; one that hangs keeps the worker."""

    def __init__(self, vms: list[str], vm_s: float, trip_s: float, patience: int = 1000) -> None:
        """It tells of ``patience`` monitors in one go."""
        self.patience = patience
        self.vms = vms
        self.vm_s = vm_s
        self.trip_s = trip_s
        self.stopped: set[str] = set()
        self.workers: list[list[str]] = []
        """Of each worker that was left behind: the VMs it has still to ask, the one it waits for first."""
        self.since: dict[str, float] = {}
        """VM -> when its monitor became occupied."""
        self.busy_s = 0.0
        self.locked_until = 0.0
        """One of the VMs is held by something else until then: whatever touches it waits."""
        self.waiting = 0
        """Calls that wait there and were left behind."""

    def lock(self, until: float) -> None:
        """A VM is held until then; what waited for an earlier holder has returned."""
        self.locked_until, self.waiting = until, 0

    def go_on(self, stopped: set[str], now: float) -> None:
        """Other QEMUs are stopped from now on; workers whose monitor answers go on to the next that does not."""
        self.stopped = stopped
        for worker in self.workers:
            while worker and worker[0] not in stopped:
                self.since.pop(worker.pop(0), None)
            if worker:
                self.since.setdefault(worker[0], now)
        self.workers = [worker for worker in self.workers if worker]

    def sample(self, task: Task, now: float) -> tuple[float, int]:
        """How long the call takes, how many VMs it tells of; infinity if it never returns."""
        uuids = [vm for vm in self.vms if task.uuids is None or vm in task.uuids]
        if not task.waits:
            self.busy_s += 1e-5 * len(uuids)
            return self.trip_s + 1e-5 * len(uuids), len(uuids)
        for number, vm in enumerate(uuids):
            self.busy_s += self.vm_s
            if vm in self.stopped and vm not in self.since:  # NOWAIT: where a call waits already, ours does not
                self.workers.append(uuids[number:])
                self.since[vm] = now + number * self.vm_s
                return float("inf"), 0
        return self.trip_s + self.vm_s * len(uuids), len(uuids)

    def control(self, vm: str, now: float) -> Control:
        return Control(OCCUPIED, int((now - self.since[vm]) * 1000)) if vm in self.since else Control(OK, 0)


class Run:
    """A poller at work on a simulated host; what happened is kept."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.now = 1000.0
        self.poller = Poller(Periods(), HeldCalls())
        self.poller.restart(self.now)
        self.listed: list[float] = []
        self.full: dict[str, list[float]] = {vm: [] for vm in daemon.vms}
        self.most_held = 0

    def until(self, end: float) -> None:
        while self.now < end:
            task = self.poller.next(self.now)
            if isinstance(task, float):
                assert task > self.now, "the poller spins"
                self.now = min(task, end)
            else:
                self.do(task)
            waiting = self.daemon.waiting if self.now < self.daemon.locked_until else 0
            self.most_held = max(self.most_held, len(self.daemon.workers) + waiting)

    def do(self, task: Task) -> None:
        began, daemon = self.now, self.daemon
        if began < daemon.locked_until:
            self.now = min(began + task.deadline_s, daemon.locked_until)
            if self.now < daemon.locked_until:
                daemon.waiting += 1
                self.poller.ended(task, began, self.now)
                return
        if task.kind is Kind.LIST:
            self.now += 5 * daemon.trip_s + 0.001
            daemon.busy_s += 0.001
            self.listed.append(began)
            self.poller.listed(began, self.now - began - 5 * daemon.trip_s, daemon.trip_s, daemon.vms)
        elif task.kind is Kind.CHECK:
            asked = self.poller.held.to_ask()[: daemon.patience]
            self.now += daemon.trip_s * (1 + len(asked))
            answers = {vm: daemon.control(vm, self.now) for vm in asked}
            self.poller.checked(answers, began, self.now)
        else:
            took_s, count = daemon.sample(task, began)
            if took_s > task.deadline_s:
                self.now += task.deadline_s
                self.poller.ended(task, began, self.now)
                return
            self.now += took_s
            self.poller.sampled(task, began, self.now - began, count)
            if task.groups == ALL_GROUPS:
                for vm in daemon.vms:
                    if task.uuids is None or vm in task.uuids:
                        self.full[vm].append(began)


@st.composite
def hosts(draw: st.DrawFn) -> Daemon:
    count = draw(st.integers(1, 60))
    vm_s = draw(st.sampled_from([0.0005, 0.004, 0.02]))
    vms = [f"vm{number:02d}" for number in range(count)]
    return Daemon(vms, vm_s, draw(st.sampled_from([0.0002, 0.03])), draw(st.sampled_from([4, 1000])))


@settings(max_examples=60, deadline=None)
@given(hosts(), st.data())
def test_never_more_than_two_workers_are_held_whoever_gets_stuck(daemon: Daemon, data: st.DataObject) -> None:
    """However QEMUs stop and go on, and VMs are held; and when all go on, all figures come back by themselves."""
    run = Run(daemon)
    run.poller.watch(frozenset(data.draw(st.sets(st.sampled_from(daemon.vms)))), run.now)
    for _ in range(data.draw(st.integers(1, 6))):
        stopped = data.draw(st.sets(st.sampled_from(daemon.vms)))
        daemon.go_on(stopped, run.now)
        daemon.lock(run.now + data.draw(st.sampled_from([0.0, 0.0, 11.0, 200.0])))
        run.until(run.now + data.draw(st.sampled_from([0.7, 5.0, 21.0, 90.0])))
        assert run.most_held <= MOST
    run.until(daemon.locked_until)
    daemon.go_on(set(), run.now)
    healed = run.now
    run.until(healed + 150)
    assert not run.poller.held
    assert all(times and times[-1] > healed for times in run.full.values())


@given(hosts(), st.data())
def test_healthy_vms_keep_their_figures_while_one_is_stuck(daemon: Daemon, data: st.DataObject) -> None:
    """One stuck VM costs the others one call that was cut, and the list no more than that call's deadline."""
    run = Run(daemon)
    run.until(run.now + 30)
    stuck = data.draw(st.sampled_from(daemon.vms))
    daemon.go_on({stuck}, run.now)
    began = run.now
    run.until(began + 60)
    healthy = [vm for vm in daemon.vms if vm != stuck]
    assert all(sum(time > began for time in run.full[vm]) >= 2 for vm in healthy)
    assert not any(began + 20 < time for time in run.full[stuck])
    assert [uuid for uuid, _ in run.poller.held.stuck(run.now)] == [stuck]
    assert max(later - earlier for earlier, later in itertools.pairwise(run.listed)) < 8


@given(hosts(), st.lists(st.tuples(st.floats(0, 60), st.floats(0, 600)), min_size=1, max_size=5))
def test_a_vm_that_is_held_by_something_else_costs_two_calls(daemon: Daemon, locks: list[tuple[float, float]]) -> None:
    """However long it is held: two calls are left behind, the third one is waited for; then all is as before."""
    run = Run(daemon)
    for pause_s, lock_s in locks:
        run.until(run.now + pause_s)
        daemon.lock(run.now + lock_s)
        run.until(daemon.locked_until)
        assert run.most_held <= MOST
    began = run.now
    run.until(began + 45)
    assert not run.poller.is_blind
    assert all(times and times[-1] > began for times in run.full.values())


@given(hosts(), st.data())
def test_a_tenth_of_libvirtds_time_is_ours(daemon: Daemon, data: st.DataObject) -> None:
    """However slow its monitors are, and however many VMs are watched; yet everyone gets its turn."""
    run = Run(daemon)
    run.poller.watch(frozenset(data.draw(st.sets(st.sampled_from(daemon.vms)))), run.now)
    run.until(run.now + 300)
    slack_s = 3 * 60 * daemon.vm_s  # what the last calls took ahead of their share
    assert daemon.busy_s <= SHARE * 300 + slack_s
    assert all(len(times) >= 2 for times in run.full.values())


def test_periods_are_kept_where_nothing_is_in_the_way() -> None:
    """On a quick host: list and watched every two seconds, the others every ten, the second sample after one."""
    daemon = Daemon(["a", "b"], 0.0001, 0.0002)
    run = Run(daemon)
    run.poller.watch(frozenset({"a"}), run.now)
    run.until(run.now + 61)
    watched, others = run.full["a"], run.full["b"]
    assert 30 <= len(run.listed) <= 32
    assert 30 <= len(watched) <= 32
    assert 7 <= len(others) <= 8
    assert others[1] - others[0] < 1.5
    assert min(later - earlier for earlier, later in itertools.pairwise(watched)) > 1.9


def test_a_host_far_away_is_not_slow() -> None:
    """The way there and back is not the host's time."""
    run = Run(Daemon(["a"], 0.0001, 0.2))
    run.until(run.now + 60)
    assert len(run.listed) >= 25


def test_pace_stretches_what_nobody_looks_at() -> None:
    """A fleet that outgrows its worker is asked less often, except for what is on a screen."""
    run = Run(Daemon(["a", "b"], 0.0001, 0.0002))
    run.poller.watch(frozenset({"a"}), run.now)
    run.poller.pace = 3.0
    run.until(run.now + 61)
    assert len(run.listed) <= 12
    assert len(run.full["b"]) <= 4
    assert len(run.full["a"]) >= 29


def test_an_event_brings_a_listing_soon_but_no_storm() -> None:
    """A thousand events in a second are a handful of listings."""
    run = Run(Daemon(["a"], 0.0001, 0.0002))
    run.until(run.now + 10)
    before = len(run.listed)
    for _ in range(1000):
        run.poller.event(run.now)
        run.until(run.now + 0.001)
    run.until(run.now + 0.4)
    assert 2 <= len(run.listed) - before <= 7


def test_what_a_sample_is_about_stays_small_on_a_slow_host() -> None:
    """A call is a few VMs long where one VM takes long, so that the list gets its turn."""
    run = Run(Daemon([f"vm{number}" for number in range(300)], 0.02, 0.0002))
    run.until(run.now + 100)
    sizes: list[int] = []
    while len(sizes) < 10:
        task = run.poller.next(run.now)
        if isinstance(task, float):
            run.now = task
            continue
        if task.kind is Kind.OTHERS:
            sizes.append(len(task.uuids or ()))
        run.do(task)
    assert max(sizes) <= 25
