"""The oldest records go, the chain stays one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kvmtui.guard import anchor, audit
from kvmtui.jobs import record
from kvmtui.jobs.pruning import GRACE_S, Pruned, prune
from kvmtui.jobs.store import Change, Store
from kvmtui.jobs.walk import Walk

BEGAN = 1_790_000_000.0
DAY_S = 86_400.0
RECORDS = 40
"""One a day."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A journal with a record a day, after the one it begins with."""
    opened = Store(tmp_path / "journal.db", lambda: BEGAN)
    for day in range(RECORDS - 1):
        opened.write([Change((), (told(day),))])
    yield opened
    opened.close()


def told(day: int) -> audit.Record:
    return audit.Record(
        phase=audit.INTENT, at=audit.stamp(BEGAN + day * DAY_S), user="anna", uid=1000, pid=7, name=f"web-{day}"
    )


def at(day: float) -> float:
    return BEGAN + day * DAY_S


def test_what_is_old_goes_and_the_record_says_so(store: Store) -> None:
    """In the transaction that removes it; from there on the chain is sound, with an end that was kept before."""
    kept = record.head(store.path)
    assert prune(store, 30 * DAY_S, at(39.5)) == Pruned(11)
    found = record.verify(store.path, kept)
    assert (found.is_sound, found.records, found.pruned.seq) == (True, RECORDS - 10, 11)
    lines = list(record.lines(store.path))
    said = json.loads(lines[-1].record)
    assert (said["phase"], said["parameters"]["records"], said["parameters"]["through"]) == ("pruned", 11, 11)
    assert said["parameters"]["hash"] == found.pruned.hash
    assert prune(store, 30 * DAY_S, at(40.2)) == Pruned(0), "not for a record or two each hour"
    assert prune(store, 30 * DAY_S, at(43)).records == 3
    assert record.verify(store.path, kept).pruned.seq == 14


def test_it_goes_in_slices_until_nothing_old_is_left(store: Store) -> None:
    """Of one slice each; all of it, if all is old, but what it says of itself."""
    gone = [prune(store, 7 * DAY_S, at(400), 16).records for _ in range(4)]
    assert gone == [16, 16, 8, 0]
    assert record.verify(store.path).records == 3


@pytest.mark.parametrize("harm", ["UPDATE audit SET record = replace(record, 'anna', 'bert') WHERE seq = 5",
                                  "DELETE FROM audit WHERE seq = 5", "DELETE FROM audit WHERE seq < 3"])  # fmt: skip
def test_what_is_not_sound_stays(store: Store, harm: str) -> None:
    """It is evidence: nothing is removed, and what is wrong is told."""
    store.write([Change(((harm, [()]),))])
    before = store.rows("SELECT * FROM audit")
    assert prune(store, 30 * DAY_S, at(39.5)).why
    assert store.rows("SELECT * FROM audit") == before


def _walked(store: Store, most: int) -> audit.Verified:
    walk = Walk(most)
    while not walk.step(store):
        pass
    assert walk.found is not None
    return walk.found


def _cut_front(store: Store, dice: random.Random) -> None:
    (first,) = store.rows("SELECT min(seq) FROM audit")[0]
    _run(store, "DELETE FROM audit WHERE seq < ?", dice.randint(first + 1, RECORDS))


def _remove(store: Store, dice: random.Random) -> None:
    _run(store, "DELETE FROM audit WHERE seq = ?", dice.choice(store.rows("SELECT seq FROM audit"))[0])


def _flip(store: Store, dice: random.Random) -> None:
    seq, column = dice.choice(store.rows("SELECT seq FROM audit"))[0], dice.choice(["record", "hash"])
    raw = bytearray(store.rows(f"SELECT CAST({column} AS BLOB) FROM audit WHERE seq = ?", (seq,))[0][0])
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    store.write([Change(((f"UPDATE audit SET {column} = CAST(? AS TEXT) WHERE seq = ?", [(bytes(raw), seq)]),))])  # type: ignore[list-item]


def _swap(store: Store, dice: random.Random) -> None:
    one, other = dice.sample([row[0] for row in store.rows("SELECT seq FROM audit")], 2)
    for before, after in ((one, 10**6), (other, one), (10**6, other)):
        _run(store, "UPDATE audit SET seq = ? WHERE seq = ?", after, before)


def _cut_tail(store: Store, dice: random.Random) -> None:
    (last,) = store.rows("SELECT max(seq) FROM audit")[0]
    _run(store, "DELETE FROM audit WHERE seq > ?", dice.randint(30, last - 1))


def _run(store: Store, sql: str, *values: int) -> None:
    store.write([Change(((sql, [values]),))])


@pytest.mark.parametrize("harm", [_cut_front, _remove, _flip, _swap, _cut_tail])
def test_every_harm_to_a_pruned_chain_is_found(store: Store, harm: Callable[[Store, random.Random], None]) -> None:
    """By the walk at one go as by the one in slices; a cut at the front is not taken for a pruning."""
    prune(store, 30 * DAY_S, at(39.5))
    store.write([Change((), (told(45), told(46)))])
    kept, dice = store.rows("SELECT * FROM audit"), random.Random(harm.__name__)
    for most in range(1, 41):
        harm(store, dice)
        assert not record.verify(store.path).is_sound
        assert not _walked(store, most).is_sound
        store.write([Change((("DELETE FROM audit", [()]), ("INSERT INTO audit VALUES (?, ?, ?)", kept)))])
    assert record.verify(store.path) == _walked(store, 7)
    assert record.verify(store.path).is_sound


def test_a_walk_goes_on_while_it_grows_and_begins_anew_where_it_is_pruned(store: Store) -> None:
    """What is written between two slices is walked too; what is pruned is not missed."""
    walk = Walk(5)
    assert not walk.step(store)
    assert walk.seen == 5
    assert prune(store, 30 * DAY_S, at(39.5)).records == 11
    store.write([Change((), (told(50),))])
    while not walk.step(store):
        pass
    assert walk.found == record.verify(store.path)
    assert walk.found is not None
    assert walk.found.records == RECORDS - 9


def test_anchors_of_what_was_pruned_are_passed_over(store: Store) -> None:
    """And those of the last that went, and of all that stayed, are not."""
    lines = [
        anchor.line(anchor.Anchor(audit.Head(seq, digest), "2026-11-25T14:03:22Z", anchor.machine(), of))
        for seq, digest in store.rows("SELECT seq, hash FROM audit")
        for of in (anchor.digest(store.path),)
    ]
    prune(store, 30 * DAY_S, at(39.5) + GRACE_S)
    found = record.compare(store.path, lines)
    assert (found.broken, found.checked, found.older) == (None, RECORDS - 11, 11)
    wrong = [line.replace("seq=12 ", "seq=13 ") for line in lines]
    assert record.compare(store.path, wrong).broken == 13
