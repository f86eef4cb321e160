"""The journal on a real file: killed, full, held, damaged, moved, of long ago."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from kvmtui.errors import NotRecordedError
from kvmtui.guard import audit
from kvmtui.guard.client import this_process
from kvmtui.jobs import rows
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.live import LiveJob
from kvmtui.jobs.record import verify
from kvmtui.jobs.rows import Order
from kvmtui.jobs.store import Change, Store, note
from kvmtui.jobs.writer import Writer
from kvmtui.model.job import JobState, Step, StepState, Target
from kvmtui.model.vm import VmState
from tests.unit.jobs_victim import STEPS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.db"


def some_job(ident: str, count: int = 1, started: float = 1.0, name: str = "vm") -> LiveJob:
    """Return a job of which nothing has begun."""
    targets = [Target("kvm1", str(number), name, VmState.RUNNING) for number in range(count)]
    steps = [Step(number=number, host="kvm1", uuid=str(number), name=name) for number in range(count)]
    return LiveJob(Order(ident, "shutdown", "plan", this_process(), {"args": "0"}), targets, steps, started)


async def submit(journal: Journal, job: LiveJob) -> None:
    """Write a job."""
    await journal.submit(job.order, job.standing(job.started), job.targets, job.steps)


async def begin(journal: Journal, job: LiveJob, number: int = 0) -> None:
    """Write an intent."""
    step = replace(job.steps[number], state=StepState.BEGUN, began=2.0)
    await journal.begin(job.order, step)
    job.set(step)


def end(journal: Journal, job: LiveJob, number: int = 0) -> None:
    """Write an outcome."""
    step = replace(job.steps[number], state=StepState.DONE, text="shut down done", ended=3.5)
    job.set(step)
    journal.end(job.order, step, job.standing(3.5))


def read(path: Path) -> list[dict[str, object]]:
    """Return the audit record."""
    with closing(sqlite3.connect(path)) as connection:
        return [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit ORDER BY seq")]


def test_what_was_said_to_be_on_disk_is_there_after_sigkill(path: Path) -> None:
    """Killed over and over while it writes: the chain is sound, no intent is missing, rows say what records say."""
    dice = random.Random(7)
    for life in range(4):
        argv = [sys.executable, "-m", "tests.unit.jobs_victim", str(path), f"job-{life}"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as victim:
            assert victim.stdout is not None
            lines = dice.randrange(1, 1_500)
            said = [line.split() for line, _ in zip(victim.stdout, range(lines), strict=False)]
            victim.send_signal(signal.SIGKILL)
            said += [line.split() for line in victim.stdout if line.endswith("\n")]
        assert verify(path).is_sound
        begun = {int(words[1]) for words in said if words[0] == "begun" and len(words) == 2}
        check_agrees(path, f"job-{life}", begun)
    store = Store(path, time.time)
    assert len(rows.load(store, 0.0)) == 4
    store.close()


def check_agrees(path: Path, job: str, begun: set[int]) -> None:
    """What the rows say of a job is what the records say."""
    told: dict[int, list[dict[str, object]]] = {number: [] for number in range(STEPS)}
    for record in read(path):
        if record.get("job") == job and isinstance(number := record.get("step"), int):
            told[number].append(record)
    with closing(sqlite3.connect(path)) as connection:
        states = dict(connection.execute("SELECT number, state FROM step WHERE job = ?", (job,)))
    assert len(states) == STEPS
    for number, state in states.items():
        phases = [record["phase"] for record in told[number]]
        assert phases == {"not begun": [], "begun": ["intent"], "done": ["intent", "outcome"]}[state]
    assert begun <= {number for number, state in states.items() if state != "not begun"}


@contextmanager
def full_disk(path: Path, room: int = 4_096) -> Iterator[None]:
    """Let files grow no further than the journal's is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in path.parent.iterdir() if file.name.startswith(path.name))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_begins_nothing_and_forgets_nothing(path: Path) -> None:
    """Refused with the remedy while it is full; the outcome of what had begun is written later, with the gap."""
    journal = Journal(path, lambda: 10.0)
    job = some_job("first", 2)
    await submit(journal, job)
    await begin(journal, job)
    with full_disk(path):
        with pytest.raises(NotRecordedError, match="journal"):
            await submit(journal, some_job("large", 1_000))
        end(journal, job)
        with pytest.raises(NotRecordedError, match="journal") as refusal:
            await submit(journal, some_job("larger", 1_000))
        assert refusal.value.remedy
        assert journal.trouble is not None
    await begin(journal, job, 1)
    assert journal.trouble is None
    end(journal, job, 1)
    assert (await journal.detail("large")) == ("", ())
    _, steps = await journal.detail("first")
    assert [step.state for step in steps] == [StepState.DONE, StepState.DONE]
    await journal.close()
    assert verify(path).is_sound
    told = read(path)
    assert any("nothing could be recorded from" in str(record.get("text")) for record in told)
    phases = [record["phase"] for record in told if record["phase"] != "note"]
    assert phases == ["submitted", "intent", "outcome", "intent", "outcome"]


async def test_a_trouble_that_has_passed_is_not_told_any_longer(path: Path) -> None:
    """Held by another process, then not: nobody need try an act to learn that acts may be begun again."""
    writer = Writer(lambda: Store(path, lambda: 10.0), lambda: 10.0, retry_s=0.02)
    await writer.write(Change(()))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotRecordedError, match="held by another process"):
            await writer.write(Change(()))
        assert writer.trouble is not None
    while writer.trouble is not None:  # noqa: ASYNC110 - the journal tells nobody by itself
        await asyncio.sleep(0.005)
    await writer.close()
    assert [record["text"] for record in read(path) if "nothing could be" in str(record["text"])]
    assert verify(path).is_sound


@pytest.mark.parametrize("kind", ["junk", "empty page", "other database", "newer", "cut tail", "changed", "folder"])
async def test_a_file_that_is_not_sound_is_left_as_it_is(path: Path, kind: str) -> None:
    """Nothing is begun, the words say why, the remedy what to do, and not one byte is touched."""
    before = spoil(path, kind)
    journal = Journal(path, time.time)
    with pytest.raises(NotRecordedError) as refusal:
        await journal.load(0.0)
    with pytest.raises(NotRecordedError):
        await submit(journal, some_job("first"))
    assert refusal.value.where == str(path)
    assert refusal.value.remedy
    await journal.close()
    assert content(path) == before


def spoil(path: Path, kind: str) -> bytes:
    """Make a journal that is not sound; return what is in it."""
    if kind == "folder":
        path.mkdir()
    elif kind == "junk":
        path.write_bytes(random.Random(3).randbytes(20_000))
    elif kind == "empty page":
        path.write_bytes(bytes(4_096))
    elif kind == "other database":
        execute(path, "CREATE TABLE mine (x)")
    else:
        store = Store(path, time.time)
        store.write([Change((), tuple(note(f"note {number}", 1.0) for number in range(50)))])
        store.close()
        if kind == "newer":
            execute(path, "PRAGMA user_version = 99")
        elif kind == "cut tail":
            execute(path, "DELETE FROM audit WHERE seq > 40")
        else:
            raw = bytearray(path.read_bytes())
            raw[8_192:8_292] = bytes(100)
            path.write_bytes(raw)
    return content(path)


def content(path: Path) -> bytes:
    """Return what is in a file, nothing of a folder."""
    return path.read_bytes() if path.is_file() else b""


def execute(path: Path, sql: str) -> None:
    """Do something to a database behind the journal's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(sql)


def test_a_journal_that_is_moved_away_is_begun_anew_and_says_so(path: Path) -> None:
    """Under a worker that runs: refused once, then a new file; the old one has all that was written."""
    kept = path.with_name("journal.db.old")

    async def main() -> None:
        journal = Journal(path, lambda: 10.0)
        await submit(journal, some_job("first"))
        await asyncio.to_thread(path.rename, kept)
        with pytest.raises(NotRecordedError, match="moved or deleted"):
            await submit(journal, some_job("second"))
        await submit(journal, some_job("third"))
        await journal.close()

    asyncio.run(main())
    first, *_ = read(path)
    assert first["text"] == "journal begun; kept beside it: journal.db.old"
    assert len(read(kept)) == 2
    assert verify(path).is_sound
    assert verify(kept).is_sound


def test_a_log_that_was_left_alone_is_not_taken_for_the_new_ones(path: Path) -> None:
    """Whoever moves only the main file away leaves SQLite's log behind: it is kept, and not replayed."""
    stray = path.with_name("journal.db-wal")
    stray.write_bytes(b"of another file")
    Store(path, lambda: 10.0).close()
    (kept,) = path.parent.glob("journal.db.kept-*-wal")
    assert kept.read_bytes() == b"of another file"
    assert verify(path).is_sound


def test_nobody_else_may_read_it(path: Path) -> None:
    """Whatever the umask says; SQLite gives its side files the same rights."""
    store = Store(path, time.time)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    store.close()


async def test_what_cannot_be_written_down_does_not_hold_up_the_rest(path: Path) -> None:
    """A lone surrogate has no UTF-8: its own change is refused or lost, those beside it are written."""
    journal = Journal(path, time.time)
    good, bad = some_job("good"), some_job("bad", name="\ud800")
    results = await asyncio.gather(
        submit(journal, good), submit(journal, bad), submit(journal, some_job("also")), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), NotRecordedError, type(None)]
    await begin(journal, good)
    job = replace(good.steps[0], text="\ud800", state=StepState.DONE)
    journal.end(good.order, job, good.standing(3.0))
    end(journal, good)
    assert journal.trouble is None
    _, steps = await journal.detail("good")
    assert steps[0].state is StepState.DONE
    await journal.close()
    assert verify(path).is_sound


async def test_jobs_of_long_ago_are_forgotten_and_the_record_is_not(path: Path) -> None:
    """By number and by age; what has not ended stays, however old."""
    store = Store(path, time.time)
    changes = []
    for number in range(rows.JOBS_MAX + 20):
        job = some_job(f"job-{number}", started=float(number))
        if number != 3:
            job.stopped, job.ended = rows.ABORTED, float(number)
        statements = rows.insert(job.order, job.standing(float(number)), job.targets, job.steps)
        changes.append(Change(statements, (note(f"job {number}", 1.0),)))
    store.write(changes)
    store.write([Change((rows.prune(2_000.0),))])
    left = rows.load(store, 0.0)
    assert len(left) == rows.JOBS_MAX + 1
    assert left[0].order.id == "job-3"
    store.write([Change((rows.prune(rows.KEPT_S + 5_000.0),))])
    assert [kept.order.id for kept in rows.load(store, 0.0)] == ["job-3"]
    assert [count for (count,) in store.rows("SELECT count(*) FROM step")] == [1]
    store.close()
    assert verify(path).records == rows.JOBS_MAX + 21


async def test_a_job_comes_back_as_it_was(path: Path) -> None:
    """Order, standing, targets and steps, word for word."""
    journal = Journal(path, time.time)
    job = some_job("first", 3)
    await submit(journal, job)
    await begin(journal, job)
    end(journal, job)
    job.stopped, job.why = rows.HELD, "waits"
    journal.move(job.standing(4.0))
    (kept,) = await journal.load(0.0)
    assert kept.order == job.order
    assert kept.standing == job.standing(4.0)
    assert kept.standing.job.state is JobState.WAITING
    assert kept.targets == job.targets
    assert list(kept.steps) == job.steps
    await journal.close()
    intent, outcome = (record for record in read(path) if record["phase"] in {audit.INTENT, audit.OUTCOME})
    assert intent["parameters"] == {"args": "0"}
    assert (outcome["outcome"], outcome["duration_ms"]) == ("done", 1_500)
