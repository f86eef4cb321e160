"""Windows: a client that applies what it is sent holds what a fresh page would show."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from kvmtui.errors import FilterError, UsageError
from kvmtui.fleet.windows import COUNT_MAX, Window, page
from kvmtui.model.host import LinkState
from kvmtui.model.job import Job, JobState
from kvmtui.model.vm import VmState
from kvmtui.wire.messages import Query, Rows
from tests.unit.fleet_world import World, counters, listed, uuid

HOSTS = ("kvm1", "kvm2", "kvm10")
COLUMNS = ("name", "host", "state", "cpu_pct", "seen", "tags", "severity")
FILTERS = ("", "vm-1", "state:running", "cpu>50", "!cpu>50", "host:kvm1 or state:unknown", "seen>20s", "since<30s")
SORTS = ("", "name", "host", "cpu_pct", "state", "since", "seen", "severity")
STATES = (VmState.RUNNING, VmState.PAUSED, VmState.OFF)


class Client:
    """What a console holds of a window: it applies messages and knows nothing else."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[str, tuple[Any, ...]]] = {}
        self.last: Rows | None = None

    def take(self, message: Rows | None) -> None:
        if message is None:
            return
        if message.reset:
            self.rows.clear()
        span = range(message.first, message.first + message.count)
        self.rows = {index: row for index, row in self.rows.items() if index in span}
        for index, key, cells in message.rows:
            assert index in span
            self.rows[index] = (key, cells)
        assert sorted(self.rows) == list(span)
        self.rows = dict(sorted(self.rows.items()))
        self.last = message


class WindowMachine(RuleBasedStateMachine):
    """A fleet to which anything happens, two clients that scroll, filter, sort, hold; one of them reads seldom."""

    @initialize()
    def begin(self) -> None:
        self.world = World(*HOSTS, vm_tags={"odd": "name~[13579]$"})
        self.listings: dict[str, dict[int, VmState]] = {host: {} for host in HOSTS}
        self.query = Query(resource="vms", columns=COLUMNS, count=5)
        self.window = Window(7, self.query, self.world.fleet)
        self.client = Client()
        self.order: list[str] = []

    # --- the fleet ---

    @rule(seconds=st.sampled_from([0.5, 2.0, 15.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds).fleet.tick()

    @rule(host=st.sampled_from(HOSTS), numbers=st.frozensets(st.integers(0, 13), max_size=10), data=st.data())
    def listing(self, host: str, numbers: frozenset[int], data: st.DataObject) -> None:
        states = {number: data.draw(st.sampled_from(STATES)) for number in sorted(numbers)}
        self.listings[host] = states
        self.world.wait(0.01).up(host, *[listed(number, state, "") for number, state in states.items()])

    @rule(host=st.sampled_from(HOSTS), seconds=st.sampled_from([0.1, 2.0]))
    def poll(self, host: str, seconds: float) -> None:
        vms = [listed(number, state, "") for number, state in self.listings[host].items()]
        self.world.wait(seconds).lists(host, *vms)

    @rule(host=st.sampled_from(HOSTS), data=st.data())
    def sampling(self, host: str, data: st.DataObject) -> None:
        running = [number for number, state in self.listings[host].items() if state is VmState.RUNNING]
        found = [counters(number, cpu_ns=data.draw(st.integers(0, 10)) * 10**9) for number in running]
        self.world.wait(1.0).samples(host, *found)

    @rule(host=st.sampled_from(HOSTS), number=st.integers(0, 13), state=st.sampled_from(STATES))
    def event(self, host: str, number: int, state: VmState) -> None:
        self.world.wait(0.01).tells(host, number, "changed", state)

    @rule(host=st.sampled_from(HOSTS), link=st.sampled_from([LinkState.LOST, LinkState.NEEDS_YOU, LinkState.UP]))
    def link(self, host: str, link: LinkState) -> None:
        self.world.wait(0.01).link(host, link)

    @rule(host=st.sampled_from(HOSTS))
    def config(self, host: str) -> None:
        if host in self.world.entries and len(self.world.entries) > 1:
            del self.world.entries[host]
        else:
            self.world.entries = World(*HOSTS).entries
        self.world.configure(vm_tags={"odd": "name~[13579]$"})

    @rule(host=st.sampled_from(HOSTS), number=st.integers(0, 13), verb=st.sampled_from(["start", ""]))
    def job(self, host: str, number: int, verb: str) -> None:
        self.world.fleet.set_job(host, uuid(number), verb)

    # --- the client ---

    @rule(
        text=st.sampled_from(FILTERS),
        sort=st.sampled_from(SORTS),
        descending=st.booleans(),
        scope=st.sampled_from([(), ("kvm1",), ("kvm2", "kvm10"), ("gone",)]),
        columns=st.sampled_from([COLUMNS, ("name",), ("name", "cpu_pct"), ()]),
    )
    def ask(self, text: str, sort: str, descending: bool, scope: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self._change(
            replace(self.query, filter=text, sort=sort, descending=descending, scope=scope, columns=columns, hold=False)
        )

    @rule(first=st.integers(-2, 40), count=st.integers(-1, 30))
    def scroll(self, first: int, count: int) -> None:
        self._change(replace(self.query, first=first, count=count))

    @rule(hold=st.booleans(), number=st.integers(0, 13), host=st.sampled_from(HOSTS))
    def follow(self, hold: bool, number: int, host: str) -> None:
        self._change(replace(self.query, follow=f"{host}/{uuid(number)}", hold=hold))

    @rule(times=st.integers(1, 4), sort=st.sampled_from(SORTS), text=st.sampled_from(FILTERS), data=st.data())
    def something_happens_half_way(self, times: int, sort: str, text: str, data: st.DataObject) -> None:
        """Another list is made slice by slice, and hosts tell of their VMs meanwhile."""
        self._change(replace(self.query, filter=text, sort=sort, hold=False))
        for _ in range(times):
            self.window.refresh(self.world.fleet, (), self.world.now, until=0.0)
            host = data.draw(st.sampled_from(HOSTS))
            self.listing(host, data.draw(st.frozensets(st.integers(0, 13), max_size=10)), data)
        if sort == "seen" or text.startswith(("seen", "since")):  # what changes without news is right in the end
            self.client.take(self.window.update(self.world.fleet, (), self.world.now))

    @rule()
    def look_at_all(self) -> None:
        self._change(replace(self.query, first=0, count=COUNT_MAX))

    @rule()
    def mistake(self) -> None:
        with pytest.raises(FilterError):
            self.window.change(replace(self.query, filter="cpu>"), self.world.fleet)

    def _change(self, query: Query) -> None:
        self.window.change(query, self.world.fleet)
        self.query = query

    # --- the law ---

    @invariant()
    def client_holds_what_a_page_shows(self) -> None:
        fleet, now = self.world.fleet, self.world.now
        self.client.take(self.window.update(fleet, (), now))
        assert self.window.update(fleet, (), now) is None
        last = self.client.last
        assert last is not None
        whole = page(replace(self.query, first=0, count=COUNT_MAX, hold=False), fleet, (), now)
        keys = page(replace(self.query, first=0, count=COUNT_MAX, hold=False, columns=("host", "uuid")), fleet, (), now)
        expected = [
            (f"{host}/{number}", self._live(row)) for (host, number), row in zip(keys.rows, whole.rows, strict=True)
        ]
        assert (last.matched, last.total) == (whole.matched, whole.total)
        if not self.query.hold:
            assert list(self.client.rows.values()) == expected[last.first : last.first + last.count]
            assert last.at == next((i for i, row in enumerate(expected) if row[0] == self.query.follow), None)
            self.order = [key for key, _ in expected]
            return
        contents = dict(expected)
        assert all(contents[key] == cells for key, cells in self.client.rows.values())
        if last.count == len(expected):
            held = [key for key, _ in self.client.rows.values()]
            stayed = [key for key in self.order if key in contents]
            assert held[: len(stayed)] == stayed
            assert sorted(held) == sorted(contents)
            self.order = held
        else:
            self._forget_order(contents)

    def _forget_order(self, contents: dict[str, Any]) -> None:
        """Rows that went while the client did not look at all may come back at the end."""
        self.order = [key for key in self.order if key in contents]

    def _live(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a page's row as a window gives it: without the age where it is fresh."""
        if "seen" not in self.query.columns:
            return row
        seen, state = row[COLUMNS.index("seen")], row[COLUMNS.index("state")]
        fresh = self.world.now - seen <= self.world.fleet.late_after_s and state is not VmState.UNKNOWN
        return tuple(None if name == "seen" and fresh else cell for name, cell in zip(COLUMNS, row, strict=True))


WindowMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWindows = WindowMachine.TestCase


def _filled(count: int) -> World:
    return World("kvm1").up("kvm1", *[listed(number) for number in range(count)])


def test_a_listing_without_news_sends_nothing_however_long_it_goes_on() -> None:
    world = _filled(20)
    window = Window(1, Query(resource="vms", columns=("name", "state", "seen")), world.fleet)
    assert window.update(world.fleet, (), world.now) is not None
    for _ in range(60):
        world.wait(2).lists("kvm1", *[listed(number) for number in range(20)])
        assert window.update(world.fleet, (), world.now) is None
    world.wait(11)
    stale = window.update(world.fleet, (), world.now)
    assert stale is not None
    assert {cells[2] for _, _, cells in stale.rows} == {world.now - 11}


def test_only_what_changed_in_sight_is_sent() -> None:
    world = _filled(100)
    window = Window(1, Query(resource="vms", columns=("name", "state"), first=10, count=20), world.fleet)
    first = window.update(world.fleet, (), world.now)
    assert first is not None
    assert (first.reset, first.first, first.count, len(first.rows), first.matched) == (True, 10, 20, 20, 100)
    world.wait(1).tells("kvm1", 50, "paused", VmState.PAUSED, "user")
    assert window.update(world.fleet, (), world.now) is None
    world.tells("kvm1", 15, "paused", VmState.PAUSED, "user")
    second = window.update(world.fleet, (), world.now)
    assert second is not None
    assert [(index, key) for index, key, _ in second.rows] == [(15, f"kvm1/{uuid(15)}")]


def test_rows_that_are_only_at_hand_are_not_looked_at() -> None:
    world = _filled(30)
    query = Query(resource="vms", columns=("name",), first=4, count=10, above=2, below=5)
    window = Window(1, query, world.fleet)
    sent = window.update(world.fleet, (), world.now)
    assert sent is not None
    assert sent.count == 10
    assert [row.name for row in window.shown] == ["vm-6", "vm-7", "vm-8"]
    window.change(replace(query, first=5, above=0, below=0), world.fleet)
    moved = window.update(world.fleet, (), world.now)
    assert moved is not None
    assert [index for index, _, _ in moved.rows] == [14]
    assert len(window.shown) == 10


def test_a_held_order_stays_until_it_is_let_go() -> None:
    world = World("kvm1").up("kvm1", *[listed(number) for number in range(4)])
    query = Query(resource="vms", columns=("name",), sort="state_reason")
    window, client = Window(1, query, world.fleet), Client()

    def names() -> list[str]:
        client.take(window.update(world.fleet, (), world.now))
        assert client.last is not None
        assert client.last.matched == len(client.rows)
        return [cells[0] for _, cells in client.rows.values()]

    assert names() == ["vm-0", "vm-1", "vm-2", "vm-3"]
    window.change(replace(query, hold=True), world.fleet)
    world.wait(1).tells("kvm1", 3, "resumed", VmState.RUNNING, "a")
    world.tells("kvm1", 0, "resumed", VmState.RUNNING, "z")
    assert names() == ["vm-0", "vm-1", "vm-2", "vm-3"]
    world.wait(1).lists(
        "kvm1", listed(9, reason="b"), listed(8, reason="a"), listed(0, reason="z"), listed(3, reason="a")
    )
    assert names() == ["vm-0", "vm-3", "vm-8", "vm-9"]
    window.change(replace(query, hold=False), world.fleet)
    assert names() == ["vm-3", "vm-8", "vm-9", "vm-0"]


def test_what_is_sorted_by_age_moves_without_news() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1)).wait(1).up("kvm2", listed(2))
    window = Window(1, Query(resource="vms", columns=("name",), sort="seen"), world.fleet)
    client = Client()
    for youngest in ("vm-2", "vm-1"):
        client.take(window.update(world.fleet, (), world.now))
        assert client.rows[0][1] == (youngest,)
        world.wait(1).lists("kvm1", listed(1))


def test_beyond_the_end_the_last_rows_are_shown() -> None:
    world = _filled(30)
    query = Query(resource="vms", columns=("name",), first=500, count=20)
    beyond = Window(1, query, world.fleet).update(world.fleet, (), world.now)
    assert beyond is not None
    assert (beyond.first, beyond.count) == (10, 20)
    assert page(query, world.fleet, (), world.now).rows == ()
    assert len(page(replace(query, first=25), world.fleet, (), world.now).rows) == 5


@pytest.mark.parametrize(
    "query",
    [
        Query(resource="disks"),
        Query(resource="vms", columns=("link",)),
        Query(resource="hosts", sort="cores"),
        Query(resource="jobs", columns=("id", "[red]")),
    ],
)
def test_what_does_not_exist_is_refused(query: Query) -> None:
    with pytest.raises(UsageError):
        Window(1, query, World("kvm1").fleet)


def test_hosts_and_jobs_have_windows_too() -> None:
    world = World("kvm2", "kvm1", "kvm10")
    world.up("kvm1", listed(1)).link("kvm2", LinkState.LOST, "no answer")
    hosts = Window(1, Query(resource="hosts", columns=("name", "link", "vms_running")), world.fleet)
    rows = hosts.update(world.fleet, (), world.now)
    assert rows is not None
    assert [cells for _, _, cells in rows.rows] == [
        ("kvm2", LinkState.LOST, None),
        ("kvm1", LinkState.UP, 1),
        ("kvm10", LinkState.CONNECTING, None),
    ]
    jobs = [
        Job(id=f"j{n}", verb="start", by="eva", state=JobState.RUNNING, total=1, started=world.now + n)
        for n in range(3)
    ]
    window = Window(2, Query(resource="jobs", columns=("id", "state")), world.fleet)
    first = window.update(world.fleet, jobs, world.now)
    assert first is not None
    assert [key for _, key, _ in first.rows] == ["j2", "j1", "j0"]
    jobs[1] = replace(jobs[1], state=JobState.DONE)
    second = window.update(world.fleet, jobs, world.now)
    assert second is not None
    assert second.rows == ((1, "j1", ("j1", JobState.DONE)),)
