"""What whoever answers on the line must keep to: the worker, or the fake one that the console is tested on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import kvmtui
from kvmtui.errors import FilterError, RefusedError, UsageError
from kvmtui.model.checks import CHECKS
from kvmtui.model.event import Event, EventKind
from kvmtui.model.host import Host, LinkState, Summary
from kvmtui.model.job import Verdict
from kvmtui.model.timeline import Source
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.client import Client, Pushed
from kvmtui.wire.line import greeting
from kvmtui.wire.messages import (
    CloseWindow,
    GetDetail,
    GetEligible,
    GetJob,
    GetTimeline,
    JobChanged,
    Jobs,
    ListRows,
    MakePlan,
    Mark,
    OpenSeries,
    OpenSummary,
    OpenWindow,
    Query,
    Request,
    Rows,
    Select,
    Series,
    Settle,
    Status,
    Submit,
)
from tests.console.fake_audit import SAID, some_records
from tests.console.fake_worker import FakeWorker, some_findings
from tests.worker.home import OFF, RUNNING, Home, uuid

VMS = 40
HOST = "kvm1"
_FIRST = sum(HOST.encode()) * 1000
COLUMNS = ("name", "state", "severity")
ENOUGH_S = 30.0


def _uuid(number: int) -> str:
    return uuid(_FIRST + number)


def _name(number: int) -> str:
    return f"{HOST}-vm{_FIRST + number}"


class Talk:
    """A client, and what it was sent."""

    def __init__(self) -> None:
        self.heard: list[Pushed] = []
        self.client: Client

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(ENOUGH_S):
            while not condition():  # noqa: ASYNC110 - what is waited for cannot tell
                await asyncio.sleep(0.002)

    async def rows(self, request: OpenWindow) -> Rows:
        """Open a window, or change it; return the next rows of it."""
        before = len(self.heard)
        await self.client.call(request)
        found: list[Rows] = []

        def came() -> bool:
            found[:] = [m for m in self.heard[before:] if isinstance(m, Rows) and m.window == request.window]
            return bool(found)

        await self.until(came)
        return found[-1]


@contextlib.asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[Path]:
    with Home(folder) as home:
        home.configure(home.host(HOST, *[RUNNING] * (VMS - 2), OFF, OFF))
        await asyncio.to_thread(home.start)
        yield home.paths.socket


@contextlib.asynccontextmanager
async def _fake(folder: Path) -> AsyncIterator[Path]:
    worker = FakeWorker(folder)
    worker.hosts = [Host(name=HOST, uri="test:///x", link=LinkState.UP)]
    worker.vms = [
        Vm(
            host=HOST,
            uuid=_uuid(number),
            name=_name(number),
            state=VmState.RUNNING if number < VMS - 2 else VmState.OFF,
            seen=1.0,
        )
        for number in range(VMS)
    ]
    some_findings(worker)
    worker.audit = some_records(worker.now, dict.fromkeys(range(9), ("a", HOST)))
    worker.audit_said = (SAID, 0)
    worker.events = [
        Event(id="1", at=worker.now, host="", kind=EventKind.WATCHING, text="kvmtui's worker began to watch"),
        Event(id="2", at=worker.now, host=HOST, name=HOST, kind=EventKind.LINK_UP, text="answers"),
    ]
    worker.summary = Summary(name="test", hosts_up=1, hosts_total=1, vms={"running": VMS - 2, "shut off": 2})
    worker.start()
    yield worker.path
    await worker.stop()


@pytest.fixture(params=[_real, _fake], ids=["worker", "fake"])
async def talk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talk]:
    """A client of a worker whose only host has been heard of."""
    talk = Talk()
    async with request.param(tmp_path) as path:
        talk.client = await Client.connect(path, greeting("test"), talk.heard.append)
        await talk.client.call(Settle(timeout_s=20.0), ENOUGH_S)
        yield talk
        await talk.client.close()


async def test_it_greets(talk: Talk) -> None:
    """With its version, its process, its clock."""
    welcome = talk.client.welcome
    assert welcome.version == kvmtui.__version__
    assert welcome.pid > 0
    assert welcome.now > 1_500_000_000
    assert not welcome.read_only
    status = await talk.client.call(Status())
    assert (status.pid, status.version) == (welcome.pid, welcome.version)


async def test_a_window_begins_with_its_rows(talk: Talk) -> None:
    """All of the span, each with index, key and the values asked for, in the order asked for."""
    rows = await talk.rows(OpenWindow(window=7, query=Query(resource="vms", columns=COLUMNS, sort="name", count=10)))
    assert rows.reset
    assert (rows.first, rows.matched, rows.total) == (0, VMS, VMS)
    assert [(i, key, cells[0]) for i, key, cells in rows.rows] == [
        (n, f"{HOST}/{_uuid(n)}", _name(n)) for n in range(10)
    ]
    assert [cells[1] for _, _, cells in rows.rows] == ["running"] * 10


async def test_a_window_that_moves_sends_what_is_new(talk: Talk) -> None:
    """Not what was sent before; the same rows as a page at that place."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=10)
    await talk.rows(OpenWindow(window=7, query=query))
    moved = Query(resource="vms", columns=COLUMNS, sort="name", first=6, count=10)
    rows = await talk.rows(OpenWindow(window=7, query=moved))
    assert not rows.reset
    assert [index for index, _, _ in rows.rows] == list(range(10, 16))
    page = await talk.client.call(ListRows(query=moved))
    assert [tuple(cells) for _, _, cells in rows.rows] == [tuple(cells) for cells in page.rows[4:]]
    assert (page.matched, page.total) == (VMS, VMS)


async def test_beyond_the_end_the_last_rows_are_given(talk: Talk) -> None:
    """And the place of the first of them is told."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", first=1_000, count=10)
    rows = await talk.rows(OpenWindow(window=7, query=query))
    assert rows.first == VMS - 10
    assert [index for index, _, _ in rows.rows] == list(range(VMS - 10, VMS))


async def test_it_tells_where_the_followed_row_is(talk: Talk) -> None:
    """Outside the window too, and which row it tells of; None for one that does not match."""
    key = f"{HOST}/{_uuid(33)}"
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=10, follow=key)
    rows = await talk.rows(OpenWindow(window=7, query=query))
    assert (rows.at, rows.follow) == (33, key)
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=10, follow=key, filter='state:"shut off"')
    rows = await talk.rows(OpenWindow(window=7, query=query))
    assert (rows.reset, rows.at, rows.follow, rows.matched, rows.total) == (True, None, key, 2, VMS)


async def test_a_scope_is_beside_the_filter(talk: Talk) -> None:
    """Only the VMs of these hosts, whatever the filter."""
    query = Query(resource="vms", columns=COLUMNS, scope=("nobody",), count=10)
    rows = await talk.rows(OpenWindow(window=7, query=query))
    assert (rows.matched, rows.rows) == (0, ())


async def test_a_wrong_filter_leaves_the_window(talk: Talk) -> None:
    """The failure tells which word; the window goes on as it was."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=10)
    await talk.rows(OpenWindow(window=7, query=query))
    wrong = Query(resource="vms", columns=COLUMNS, sort="name", count=10, filter="web nosuch:4")
    with pytest.raises(FilterError) as told:
        await talk.client.call(OpenWindow(window=7, query=wrong))
    assert (told.value.offset, told.value.length) == (4, 6)
    with pytest.raises(FilterError, match="not enough for an act"):
        await talk.client.call(ListRows(query=Query(resource="vms", filter="web"), for_act=True))
    moved = Query(resource="vms", columns=COLUMNS, sort="name", first=5, count=10)
    assert not (await talk.rows(OpenWindow(window=7, query=moved))).reset


async def test_findings_are_rows_like_others(talk: Talk) -> None:
    """Listed in pages and shown in windows, the worst first, whether there are any or not."""
    query = Query(resource="findings", columns=("id", "check", "host", "text", "severity", "count"), count=10)
    rows = await talk.rows(OpenWindow(window=7, query=query))
    page = await talk.client.call(ListRows(query=query))
    assert rows.reset
    assert rows.total >= rows.matched == len(rows.rows)
    assert page.total >= page.matched == len(page.rows)
    for row in (*(cells for _, _, cells in rows.rows), *page.rows):
        assert CHECKS[row[1]].title
        assert 1 <= row[4] <= 3


async def test_the_record_is_rows_like_others(talk: Talk) -> None:
    """The newest first, in pages and in windows, which say how the chain stands."""
    query = Query(resource="audit", columns=("id", "at", "phase", "hash"), sort="at", count=10)
    rows = await talk.rows(OpenWindow(window=7, query=query))
    page = await talk.client.call(ListRows(query=query))
    told = [cells for _, _, cells in rows.rows]
    assert rows.reset
    assert list(page.rows) == told
    assert [int(row[0]) for row in told] == sorted((int(row[0]) for row in told), reverse=True)
    assert told[-1][2] == "note"
    assert all(len(row[3]) == 64 for row in told)
    await talk.until(lambda: any(isinstance(m, Rows) and m.said.startswith("chain sound") for m in talk.heard))


async def test_what_does_not_exist_is_refused(talk: Talk) -> None:
    """A resource, a column, a VM, a task."""
    requests: list[Request[Any]] = [
        OpenWindow(window=7, query=Query(resource="cats")),
        OpenWindow(window=7, query=Query(resource="vms", columns=("cats",))),
        GetDetail(host=HOST, uuid="cats"),
        GetJob(job="cats"),
    ]
    for request in requests:
        with pytest.raises(UsageError):
            await talk.client.call(request)


async def test_a_closed_window_is_closed(talk: Talk) -> None:
    """Nothing more comes of it, and its number begins anew."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=10)
    await talk.rows(OpenWindow(window=7, query=query))
    await talk.client.call(CloseWindow(window=7))
    assert (await talk.rows(OpenWindow(window=7, query=query))).reset


async def test_summary_and_series(talk: Talk) -> None:
    """The fleet in one line; the figures of one row, by name."""
    summary = await talk.client.call(OpenSummary())
    assert (summary.name, summary.hosts_up, summary.hosts_total) == ("test", 1, 1)
    assert summary.vms == {"running": VMS - 2, "shut off": 2}
    await talk.client.call(OpenSeries(window=8, host=HOST, uuid=_uuid(0)))
    await talk.until(lambda: [m for m in talk.heard if isinstance(m, Series) and m.window == 8])
    series = next(m for m in talk.heard if isinstance(m, Series))
    assert series.reset
    assert {"cpu_pct", "mem_pct", "disk_read_bps", "disk_write_bps", "net_rx_bps", "net_tx_bps"} <= set(series.figures)
    assert all(len(point) == 1 + len(series.figures) for point in series.points)


async def test_a_detail_is_of_the_vm(talk: Talk) -> None:
    """Its row, its XML."""
    detail = await talk.client.call(GetDetail(host=HOST, uuid=_uuid(3)))
    assert (detail.vm.name, detail.vm.key) == (_name(3), f"{HOST}/{_uuid(3)}")
    assert "<domain" in detail.xml
    assert _name(3) in detail.xml


async def test_a_plan_touches_what_it_can(talk: Talk) -> None:
    """What cannot be done is skipped, with the reason; where nothing is left the verdict is no."""
    plan = await talk.client.call(MakePlan(verb="shutdown", targets=((HOST, _uuid(0)), (HOST, _uuid(VMS - 1)))))
    assert [target.uuid for target in plan.targets] == [_uuid(0)]
    assert [(skip.target.uuid, skip.reason) for skip in plan.skipped] == [(_uuid(VMS - 1), "already shut off")]
    assert plan.verdict is Verdict.ASKS
    assert plan.expires > plan.made
    assert len(plan.virsh) == 1
    plan = await talk.client.call(MakePlan(verb="start", targets=((HOST, _uuid(0)),)))
    assert (plan.verdict, plan.targets) == (Verdict.NO, ())


async def test_only_the_phrase_submits(talk: Talk) -> None:
    """Refused without it; with it a job is announced, listed, and can be looked into."""
    plan = await talk.client.call(MakePlan(verb="off", targets=((HOST, _uuid(1)),)))
    assert plan.phrase == _name(1)
    with pytest.raises(RefusedError):
        await talk.client.call(Submit(plan=plan.id, typed="y"))
    plan = await talk.client.call(MakePlan(verb="off", targets=((HOST, _uuid(1)),)))
    job = await talk.client.call(Submit(plan=plan.id, typed=plan.phrase))
    assert (job.verb, job.total, job.subject) == ("off", 1, _name(1))
    await talk.until(lambda: [m for m in talk.heard if isinstance(m, JobChanged) and m.job.id == job.id])
    assert job.id in [listed.id for listed in (await talk.client.call(Jobs())).jobs]
    detail = await talk.client.call(GetJob(job=job.id))
    assert [(step.host, step.name) for step in detail.steps] == [(HOST, _name(1))]
    with pytest.raises(RefusedError):
        await talk.client.call(Submit(plan="0" * 16, typed="y"))


# --- marks --------------------------------------------------------------------------------------------------------


async def test_marks_are_counted_where_they_are_seen(talk: Talk) -> None:
    """By UUID, whatever the filter hides."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", count=5)
    await talk.rows(OpenWindow(window=1, query=query))
    await talk.client.call(Mark(uuids=(_uuid(0), _uuid(1), _uuid(VMS - 1))))

    def last() -> Rows:
        return [message for message in talk.heard if isinstance(message, Rows)][-1]

    await talk.until(lambda: (last().marks, last().marked) == (3, 3))
    await talk.rows(OpenWindow(window=1, query=msgspec.structs.replace(query, filter="state:off")))
    await talk.until(lambda: (last().marks, last().marked) == (3, 1))
    await talk.client.call(Mark(uuids=(_uuid(VMS - 1),), mode="drop"))
    await talk.until(lambda: (last().marks, last().marked) == (2, 0))
    await talk.client.call(Mark(uuids=(_uuid(VMS - 2),), mode="only"))
    await talk.until(lambda: (last().marks, last().marked) == (1, 1))


async def test_a_selection_is_the_whole_list_or_a_range_of_it(talk: Talk) -> None:
    """Rows that were never sent too; either end first; an end that is not in the list is refused."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", filter="state:running", count=5)
    await talk.rows(OpenWindow(window=1, query=query))
    keys = (await talk.client.call(Select(window=1))).keys
    assert keys == tuple(f"{HOST}/{_uuid(number)}" for number in range(VMS - 2))
    assert (await talk.client.call(Select(window=1, first=keys[20], last=keys[3]))).keys == keys[3:21]
    with pytest.raises(UsageError):
        await talk.client.call(Select(window=1, first=keys[0], last=f"{HOST}/{_uuid(VMS - 1)}"))
    with pytest.raises(UsageError):
        await talk.client.call(Select(window=9))


async def test_hidden_marks_are_left_out_unless_asked_for(talk: Talk) -> None:
    """What the filter hides is counted, named as skipped, and touched only with ``hidden``."""
    query = Query(resource="vms", columns=COLUMNS, sort="name", filter=f"name:{_name(0)},{_name(1)}", count=5)
    await talk.rows(OpenWindow(window=1, query=query))
    marks = (_uuid(0), _uuid(2), _uuid(VMS - 1))
    eligible = await talk.client.call(GetEligible(marks=marks, window=1))
    assert (eligible.total, eligible.hidden, eligible.ready["pause"]) == (1, 2, 1)
    assert "start" not in eligible.ready
    assert eligible.why["start"]
    plan = await talk.client.call(MakePlan(verb="pause", marks=marks, window=1))
    assert [target.uuid for target in plan.targets] == [_uuid(0)]
    assert {skip.target.uuid: skip.reason for skip in plan.skipped} == dict.fromkeys(marks[1:], "hidden mark")
    plan = await talk.client.call(MakePlan(verb="pause", marks=marks, window=1, hidden=True))
    assert {target.uuid for target in plan.targets} == {_uuid(0), _uuid(2)}


async def test_events_are_the_newest_first(talk: Talk) -> None:
    """From the moment on which it began to watch; filter, window and page as of any other rows."""
    query = Query(resource="events", columns=("name", "kind", "uuid"), count=10)
    rows = await talk.rows(OpenWindow(window=9, query=query))
    assert [cells for _, _, cells in rows.rows][-2:] == [(HOST, "link up", ""), ("", "watching", "")]
    keys = [key for _, key, _ in rows.rows]
    assert keys == sorted(keys, key=int, reverse=True)
    page = await talk.client.call(ListRows(query=replace(query, filter=f"host:{HOST} kind:link-up")))
    assert [tuple(cells) for cells in page.rows] == [(HOST, "link up", "")]
    with pytest.raises(FilterError):
        await talk.client.call(ListRows(query=replace(query, filter="kind:nonsense")))


async def test_a_timeline_tells_of_acts_and_events(talk: Talk) -> None:
    """The newest first, each with its source and who asked, as many as wanted; and since when events are told."""
    plan = await talk.client.call(MakePlan(verb="off", targets=((HOST, _uuid(2)),)))
    job = await talk.client.call(Submit(plan=plan.id, typed=plan.phrase))
    told = await talk.client.call(GetTimeline(host=HOST, uuid=_uuid(2)))
    assert [entry.at for entry in told.entries] == sorted((entry.at for entry in told.entries), reverse=True)
    asked = next(entry for entry in told.entries if entry.source is Source.AUDIT and job.id in entry.text)
    assert asked.who == job.by
    assert f"asked for force off: {_name(2)}" in asked.text
    assert {entry.text for entry in told.entries} >= {"answers", "kvmtui's worker began to watch"}
    assert (told.is_whole, told.journal) == (True, "")
    assert 0 < told.events_since <= told.now
    for request in (GetTimeline(limit=2), GetTimeline(host=HOST, limit=2)):
        told = await talk.client.call(request)
        assert (len(told.entries), told.is_whole) == (2, False)
    other = await talk.client.call(GetTimeline(host=HOST, uuid="cats"))
    assert all(job.id not in entry.text for entry in other.entries)
