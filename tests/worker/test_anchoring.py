"""The end of the record goes where it is told to; nobody waits for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvmtui.config.structs import AuditConfig
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
    keeps = Auditing(journal, path, AuditConfig(keep_s=86_400.0), lambda: now[0], lambda *words: said.update([words]))
    keeps.tick()
    await asyncio.gather(*keeps._tasks.values())
    assert said["audit"] == ""
    (last,) = record.lines(path)
    assert audit.pruned_at(last.record) is not None
    assert record.verify(path).is_sound
    harm = "UPDATE audit SET record = replace(record, 'pruned the', 'found the')"
    await journal._writer.write(Change(((harm, [()]),)))
    now[0] += 86_400 * 400
    keeps.apply(AuditConfig(keep_s=86_400.0))
    keeps.tick()
    await asyncio.gather(*keeps._tasks.values())
    assert "not sound: record 22 is not what was written" in said["audit"]
    await keeps.close()
    await journal.close()
