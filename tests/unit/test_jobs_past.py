"""What the journal tells of a thing: each act once, who asked for it, what is left of jobs long forgotten."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec.structs import replace

from kvmtui.guard.client import ClientId
from kvmtui.jobs import past, rows
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.live import LiveJob
from kvmtui.jobs.past import Past
from kvmtui.jobs.rows import Order
from kvmtui.jobs.store import Change, Store, note
from kvmtui.model.job import Step, StepState, Target
from kvmtui.model.timeline import Source
from kvmtui.model.vm import VmState

ANN = ClientId("ann", 1000, 7, read_only=False, origin="10.0.0.9")


def _job(ident: str, *vms: tuple[str, str], started: float) -> LiveJob:
    targets = [Target(host, uuid, f"vm-{uuid}", VmState.RUNNING) for host, uuid in vms]
    steps = [Step(number=n, host=t.host, uuid=t.uuid, name=t.name) for n, t in enumerate(targets)]
    return LiveJob(Order(ident, "shutdown", "plan", ANN), targets, steps, started)


async def _act(journal: Journal, job: LiveJob, number: int, at: float, **outcome: object) -> None:
    """Have a step begin, and end if there is an outcome."""
    job.set(replace(job.steps[number], state=StepState.BEGUN, began=at))
    await journal.begin(job.order, job.steps[number])
    if outcome:
        job.set(replace(job.steps[number], **outcome))
        journal.end(job.order, job.steps[number], job.standing(at))


async def _told(journal: Journal, host: str, uuid: str, limit: int = 50) -> list[tuple[float, Source, int, str, str]]:
    found = await journal.past(host, uuid, limit)
    newest = sorted(found.entries, key=lambda entry: (entry.at, entry.source), reverse=True)
    return [(entry.at, entry.source, entry.severity, entry.name, entry.text) for entry in newest]


async def test_each_act_is_told_once_with_who_asked(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", lambda: 5.0)
    one, many = _job("j1", ("kvm1", "a"), started=10.0), _job("j2", ("kvm1", "a"), ("kvm2", "b"), started=100.0)
    for job in (one, many):
        await journal.submit(job.order, job.standing(job.started), job.targets, job.steps)
    await _act(journal, one, 0, 11.0, state=StepState.DONE, text="shut down done, shut off", ended=51.0)
    await _act(journal, many, 0, 101.0)
    await _act(
        journal,
        many,
        1,
        102.0,
        state=StepState.FAILED,
        text="shut down NOT done",
        words="busy",
        remedy="wait",
        ended=103.0,
    )
    asked = (100.0, Source.AUDIT, 0, "", "asked for shut down: 2 VMs on 2 hosts · task j2 · from 10.0.0.9")
    assert await _told(journal, "kvm1", "a") == [
        (101.0, Source.TASK, 0, "vm-a", "shut down begun · task j2"),
        asked,
        (51.0, Source.TASK, 0, "vm-a", "shut down done, shut off · after 40s · task j1"),
        (10.0, Source.AUDIT, 0, "", "asked for shut down: vm-a · task j1 · from 10.0.0.9"),
    ]
    assert await _told(journal, "nowhere", "nobody") == []
    assert (await _told(journal, "kvm2", ""))[:2] == [
        (103.0, Source.TASK, 3, "vm-b", 'shut down NOT done · libvirt: "busy" · next: wait · task j2'),
        asked,
    ]
    fleet = await _told(journal, "", "")
    assert (5.0, Source.AUDIT, 1, "", "journal begun") in fleet, "of the record itself, and of no VM"
    assert [text.split(" · ")[-1] for _, source, _, _, text in fleet if source is Source.TASK] == ["task j2", "task j1"]
    assert {entry.who for entry in (await journal.past("kvm1", "a", 50)).entries} == {"ann"}
    await journal.close()


async def test_what_was_forgotten_is_told_by_the_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", lambda: 5.0)
    job = _job("j1", ("kvm1", "a"), started=10.0)
    await journal.submit(job.order, job.standing(10.0), job.targets, job.steps)
    await _act(journal, job, 0, 11.0, state=StepState.UNKNOWN, text="UNKNOWN since 00:00:12Z: no answer", ended=12.0)
    assert [source for _, source, _, _, _ in await _told(journal, "kvm1", "a")][:2] == [Source.TASK, Source.AUDIT]
    await journal._writer.write(Change((("DELETE FROM job", [()]),)))
    assert [(at, source, severity, text) for at, source, severity, _, text in await _told(journal, "kvm1", "a")][
        :3
    ] == [
        (12.0, Source.AUDIT, 3, "UNKNOWN since 00:00:12Z: no answer · task j1"),
        (11.0, Source.AUDIT, 0, "shut down begun · task j1"),
        (10.0, Source.AUDIT, 0, "asked for shut down: vm-a · task j1 · from 10.0.0.9"),
    ]
    await journal.close()


def test_it_is_bounded_and_says_so(tmp_path: Path) -> None:
    store, reader = Store(tmp_path / "journal.db", time.time), Past(30)
    assert reader.read(store, "", "", 5).is_whole
    for number in range(40):
        job = _job(f"j{number}", ("kvm1", "a"), started=float(number))
        store.write([Change(rows.insert(job.order, job.standing(0.0), job.targets, job.steps), (note("x", 1.0),))])
    told = reader.read(store, "", "", 5)
    assert (len(told.entries), told.is_whole) == (10, False)
    assert reader.read(store, "", "", 5) is told, "nothing was written since"
    store.write([])
    for number in range(3 * past.KEPT_MAX):
        reader.read(store, "kvm1", str(number), 5)
    assert len(reader._kept) == past.KEPT_MAX
    store.close()
