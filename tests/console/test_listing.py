"""A list of which only a window is held: the right row in every place, the cursor on its row."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kvmtui.console.listing import Listing
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.messages import Query, Rows
from tests.console.fake_worker import FakeWorker, RowsView

COLUMNS = ("name", "severity", "cpu_pct")


def _vm(number: int, severity: int = 0) -> Vm:
    return Vm(
        host="h", uuid=f"u{number:04d}", name=f"vm-{number:04d}", state=VmState.RUNNING, severity=severity, cpu_pct=1.0
    )


class Wire:
    """The worker's side of one window, as a queue of messages that come when the test lets them."""

    def __init__(self, worker: FakeWorker) -> None:
        self.worker = worker
        self.view: RowsView | None = None
        self.coming: list[Rows] = []

    def ask(self, query: Query) -> None:
        before = self.view
        self.view = RowsView(self.worker, 1, query, set())
        if before is not None and (before.query.filter, before.query.sort) == (query.filter, query.sort):
            self.view.sent, self.view.order = before.sent, before.order
        self.send()

    def send(self) -> None:
        assert self.view is not None
        rows = self.view.fetch()
        assert rows is not None
        self.coming.append(rows)


WHAT = ("move", "go", "top", "worsen", "remove", "add", "hear", "ask", "hold")
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(-60, 300)), max_size=40)


class Play:
    """A listing and a worker, to which things happen in any order."""

    def __init__(self, seed: int, height: int) -> None:
        self.dice = random.Random(seed)
        self.worker = _worker(0)
        self.worker.vms = [_vm(number, self.dice.choice([0, 0, 0, 2, 4])) for number in range(200)]
        self.listing = Listing("vms", COLUMNS)
        self.listing.resize(height)
        self.wire = Wire(self.worker)
        self.wire.ask(self.listing.query())
        self.truth: dict[int, str] = {}
        """What the worker last sent, by index."""

    def happen(self, what: str, number: int) -> None:
        """One step."""
        listing, vms = self.listing, self.worker.vms
        moves: dict[str, Callable[[], object]] = {
            "move": lambda: listing.move(number),
            "go": lambda: listing.go(number),
            "top": listing.go_top,
            "hear": self.hear,
        }
        if what in moves:
            moves[what]()
            return
        if what in {"ask", "hold"}:
            listing.holding ^= what == "hold"
            self.wire.ask(listing.query())
            return
        place = number % max(1, len(vms))
        if what == "add":
            vms.append(_vm(1_000 + self.dice.randrange(9_000)))
        elif vms and what == "worsen":
            vms[place] = _vm(int(vms[place].uuid[1:]), self.dice.choice([0, 2, 4]))
        elif vms:
            del vms[place]
        self.wire.send()

    def hear(self) -> None:
        """All messages arrive, and what they lead to."""
        truth = self.truth
        while self.wire.coming:
            rows = self.wire.coming.pop(0)
            if rows.reset:
                truth.clear()
            for index in list(truth):
                if not rows.first <= index < min(rows.first + rows.count, rows.matched):
                    del truth[index]
            truth.update({index: key for index, key, _ in rows.rows})
            self.listing.take(rows)
            if self.listing.needs_rows:
                self.wire.ask(self.listing.query())

    def check(self) -> None:
        """What must hold at every moment."""
        listing = self.listing
        assert 0 <= listing.cursor <= max(0, listing.matched - 1)
        assert listing.top <= listing.cursor < listing.top + listing.height
        for index in listing.held_indexes():
            held = listing.row(index)
            assert held is not None
            assert self.truth[index] == held.key
        if listing.current is not None:
            assert self.truth[listing.cursor] == listing.key


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 9), height=st.integers(1, 30))
def test_rows_are_never_wrong(steps: list[tuple[str, int]], seed: int, height: int) -> None:
    """Whatever moves, changes and comes late: a row that is shown is what the worker last sent for that place, the
    cursor is in the list and on the screen, and a key under the cursor is never another row's. In the end no hole
    stays."""
    play = Play(seed, height)
    for what, number in steps:
        play.happen(what, number)
        play.check()
    play.hear()
    play.happen("ask", 0)
    play.hear()
    listing = play.listing
    shown = range(listing.top, min(listing.top + listing.height, listing.matched))
    assert all(listing.row(index) is not None for index in shown), "a hole stays"
    assert listing.matched == len(play.worker.selected(listing.query())[0])


def _list_of(worker: FakeWorker, height: int = 10) -> tuple[Listing, Wire]:
    listing = Listing("vms", COLUMNS)
    listing.resize(height)
    wire = Wire(worker)
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    return listing, wire


def _worker(count: int) -> FakeWorker:
    worker = FakeWorker(Path("nowhere"))
    worker.vms = [_vm(number) for number in range(count)]
    return worker


def test_the_cursor_follows_its_row() -> None:
    """A VM that gets worse moves to the top, far from what is held; the cursor goes along, on the same line."""
    worker = _worker(200)
    listing, wire = _list_of(worker)
    listing.go(150)
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    key = listing.key
    assert key == "h/u0150"
    worker.vms[150] = _vm(150, severity=4)
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    assert (listing.cursor, listing.key) == (0, key)
    assert listing.needs_rows
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    assert listing.current is not None
    assert listing.current.values["name"] == "vm-0150"


def test_the_next_page_is_there_before_it_is_turned_to() -> None:
    """Page by page, down, then up: while the answer to the last question is on its way, nothing is missing."""
    listing, wire = _list_of(_worker(500))
    for pages in (1, 1, 1, 1, -1, -1, -1):
        listing.move(pages * listing.height)
        assert not listing.has_holes
        if listing.needs_rows:
            wire.ask(listing.query())
            listing.take(wire.coming.pop())
    assert listing.top > 0


def test_what_is_only_at_hand_is_told_from_what_is_looked_at() -> None:
    """Screens ahead are asked for, but only the rows near the screen are to be asked of their hosts more often."""
    listing, _ = _list_of(_worker(500))
    listing.go(250)
    query = listing.query()
    looked_at = range(query.first + query.above, query.first + query.count - query.below)
    assert set(range(listing.top, listing.top + listing.height)) < set(looked_at)
    assert len(looked_at) <= 2 * listing.height < query.count


def test_the_cursor_stays_at_the_top_until_somebody_moves() -> None:
    """What is worst stands under the cursor of a list that was just opened."""
    worker = _worker(50)
    listing, wire = _list_of(worker)
    assert listing.key == "h/u0000"
    worker.vms[30] = _vm(30, severity=4)
    wire.send()
    listing.take(wire.coming.pop())
    assert (listing.cursor, listing.key) == (0, "h/u0030")


def test_the_cursor_follows_a_row_that_is_acted_on() -> None:
    """A menu was opened on the row at the top: it is that row the next key means, whatever comes above it."""
    worker = _worker(50)
    listing, wire = _list_of(worker)
    listing.stay()
    wire.ask(listing.query())
    wire.coming.clear()
    worker.vms[30] = _vm(30, severity=4)
    wire.send()
    listing.take(wire.coming.pop())
    assert (listing.cursor, listing.key) == (1, "h/u0000")


def test_an_old_answer_does_not_move_the_cursor() -> None:
    """The place of a row that was followed before is not taken for that of the present one."""
    worker = _worker(200)
    listing, wire = _list_of(worker)
    listing.go(5)
    wire.ask(listing.query())
    late = wire.coming.pop()
    assert (late.follow, late.at) == ("h/u0005", 5)
    listing.take(late)
    listing.go(12)
    listing.take(late)
    assert (listing.cursor, listing.key) == (12, "h/u0012")


def test_a_row_that_is_gone_leaves_the_cursor_in_its_place() -> None:
    """The cursor takes the row that came into the place of its own."""
    worker = _worker(30)
    listing, wire = _list_of(worker)
    listing.go(7)
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    del worker.vms[7]
    wire.ask(listing.query())
    listing.take(wire.coming.pop())
    assert (listing.cursor, listing.key) == (7, "h/u0008")


def test_foreign_text_is_made_safe_where_it_enters() -> None:
    """Cells are cleaned before anything measures them."""
    worker = _worker(1)
    worker.vms[0] = Vm(host="h", uuid="u", name="a\x1b]52;c;x\x07\u202eb", state=VmState.RUNNING)
    listing, _ = _list_of(worker)
    held = listing.row(0)
    assert held is not None
    assert held.values["name"] == "a\ufffd]52;c;x\ufffdb"
