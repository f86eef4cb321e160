"""What is done about the record beside writing it: nobody waits for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvmtui.config.structs import AuditConfig
from kvmtui.fleet.ledger import Ledger
from kvmtui.guard import anchor, audit
from kvmtui.jobs import record
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.store import Change
from kvmtui.worker.anchoring import Anchoring
from kvmtui.worker.auditing import Auditing

NOW = 1_790_000_000.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[socket.socket]:
    """A datagram socket as a syslog daemon has one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "log"))
        opened.setblocking(False)
        yield opened


def told(log: socket.socket) -> list[anchor.Anchor]:
    """The anchors that have come."""
    found = []
    while True:
        try:
            found.append(anchor.find(log.recv(4096).decode()))
        except BlockingIOError:
            return [each for each in found if each is not None]


async def written(journal: Journal) -> None:
    """One more record."""
    line = audit.Record(phase=audit.NOTE, at=audit.stamp(NOW), user="u", uid=1, pid=1)
    await journal._writer.write(Change((), (line,)))


async def test_each_end_is_sent_once_and_the_last_one_when_all_is_written(log: socket.socket, tmp_path: Path) -> None:
    """As verify understands it; nothing is sent where nothing is new."""
    path = tmp_path / "journal.db"
    journal = Journal(path, lambda: NOW)
    sends = Anchoring(journal, path, AuditConfig(anchor=str(tmp_path / "log")), lambda: NOW, lambda _: None)
    assert sends.is_due
    await sends.look()
    assert not sends.is_due, "not before anchor_every"
    await sends.look()
    assert [each.head.seq for each in told(log)] == [1]
    await written(journal)
    await sends.look()
    await written(journal)
    await journal.close()
    await sends.close()
    came = told(log)
    assert [each.head.seq for each in came] == [2, 3]
    assert came[-1].head == record.head(path)
    assert record.compare(path, map(anchor.line, came)) == record.Compared(checked=2)


async def test_a_place_that_takes_none_is_told_and_tried_again(tmp_path: Path) -> None:
    """What is said goes away with the trouble; no place at all is no trouble."""
    path, said = tmp_path / "journal.db", [""]
    journal = Journal(path, lambda: NOW)
    place = tmp_path / "log"
    sends = Anchoring(journal, path, AuditConfig(anchor=str(place)), lambda: NOW, said.append)
    await sends.look()
    await sends.look()
    assert sends.failures == 2
    assert said[-1].startswith(f"the audit record is not anchored: {place}: No such file")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place))
        await sends.look()
        assert (said[-1], sends.failures) == ("", 0)
        log.setblocking(False)
        assert len(told(log)) == 1
    sends.apply(AuditConfig())
    assert not sends.is_due
    await journal.close()
    await sends.close()


@pytest.mark.usefixtures("log")
async def test_a_log_that_reads_nothing_does_not_hold_us_up(tmp_path: Path) -> None:
    """Once its queue is full an anchor fails, at once."""
    path, said = tmp_path / "journal.db", [""]
    journal = Journal(path, lambda: NOW)
    sends = Anchoring(journal, path, AuditConfig(anchor=str(tmp_path / "log")), lambda: NOW, said.append)
    async with asyncio.timeout(30):
        while not sends.failures:
            await written(journal)
            await sends.look()
    assert "temporarily unavailable" in said[-1]
    await journal.close()


async def test_what_is_old_goes_by_itself(tmp_path: Path) -> None:
    """At the first tick, all of it; and what cannot go, because it is not sound, is said."""
    path, now = tmp_path / "journal.db", [NOW]
    said: dict[str, str] = {}
    journal = Journal(path, lambda: now[0])
    for _ in range(20):
        await written(journal)
    now[0] += 86_400 * 400
    keep = AuditConfig(keep_s=86_400.0)
    keeps = Auditing(
        journal, path, keep, Ledger(), lambda: now[0], lambda *words: said.update([words]), lambda: None
    )  # fmt: skip
    keeps.tick(is_shown=False)
    await asyncio.gather(*keeps._tasks.values())
    assert said["audit"] == ""
    (last,) = record.lines(path)
    assert audit.pruned_at(last.record) is not None
    assert record.verify(path).is_sound
    harm = "UPDATE audit SET record = replace(record, 'pruned the', 'found the')"
    await journal._writer.write(Change(((harm, [()]),)))
    now[0] += 86_400 * 400
    keeps.apply(keep)
    keeps.tick(is_shown=False)
    await asyncio.gather(*keeps._tasks.values())
    assert "not sound: record 22 is not what was written" in said["audit"]
    await keeps.close()
    await journal.close()


async def test_who_looks_sees_the_newest_and_whether_the_chain_is_sound(tmp_path: Path) -> None:
    """As rows, with what comes meanwhile; it says how many there are, and what is broken where, once it is."""
    path, said = tmp_path / "journal.db", {"chain": "?"}
    journal, ledger, news = Journal(path, lambda: NOW), Ledger(most=1_500), [0]
    looks = Auditing(
        journal, path, AuditConfig(), ledger, lambda: NOW, lambda *words: said.update([words]),
        lambda: news.append(ledger.changes.revision),
    )  # fmt: skip
    lines = tuple(audit.Record(phase=audit.NOTE, at=audit.stamp(NOW), user="u", uid=1, pid=1) for _ in range(4_000))
    await journal._writer.write(Change((), lines))
    looks.tick(is_shown=True)
    await asyncio.gather(*looks._tasks.values())
    assert (len(ledger.rows), ledger.last) == (1_500, 4_001)
    assert ledger.said == ("chain sound, 4,001 records, verified 14:13Z · 1,500 newest shown", 0)
    assert said["chain"] == ""
    await written(journal)
    await looks.renewed()
    assert (len(ledger.rows), ledger.last, min(map(int, ledger.rows))) == (1_500, 4_002, 2_503)
    assert news[-1] == ledger.changes.revision
    harm = "UPDATE audit SET record = 'x' WHERE seq IN (7, 4000)"
    await journal._writer.write(Change(((harm, [()]),)))
    looks.tick(is_shown=False)
    looks.tick(is_shown=True)
    await asyncio.gather(*looks._tasks.values())
    assert ledger.said.text.startswith("chain BROKEN at record 7")
    assert ledger.said.severity == 4
    assert "record 7 is not what was written" in said["chain"]
    ledger.take((), 0, 0)
    assert not ledger.rows, "another journal"
    await looks.renewed()
    assert ledger.rows["4000"].severity == 3
    assert "cannot be read" in ledger.rows["4000"].text
    await journal.close()
    await looks.close()


async def test_nobody_waits_for_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    """What is there is shown, and why there is no more."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"no journal" * 100)
    journal, ledger = Journal(path, lambda: NOW), Ledger()
    looks = Auditing(journal, path, AuditConfig(), ledger, lambda: NOW, lambda *_: None, lambda: None)
    await looks.renewed()
    looks.tick(is_shown=True)
    assert ledger.said.severity == 3
    assert "damaged" in ledger.said.text
    await looks.close()
    await journal.close()
