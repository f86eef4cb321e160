"""A worker without a fleet: the real server half of the line, in front of rows that a test made up.

Deliberately simple: it sorts and filters everything for every message, so that it can be checked by reading it. That it
keeps the line's promises is checked by tests/contract/test_line.py, with the real worker beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import msgspec

import kvmtui
from kvmtui.actions import VERBS
from kvmtui.actions.parameter import checked
from kvmtui.errors import FilterError, LinkError, RefusedError, UsageError
from kvmtui.fleet.filter import parse
from kvmtui.fleet.order import natural
from kvmtui.model.audit import AuditRow
from kvmtui.model.checks import CHECKS
from kvmtui.model.columns import COLUMNS, Kind, column
from kvmtui.model.event import Event
from kvmtui.model.finding import Finding
from kvmtui.model.host import Host, LinkState, Summary
from kvmtui.model.job import Danger, How, Job, JobDetail, JobState, Plan, Skip, Step, StepState, Target, Verdict
from kvmtui.model.timeline import Timeline
from kvmtui.model.vm import Disk, Nic, Vm, VmDetail, VmState
from kvmtui.wire import messages
from kvmtui.wire.listener import Listener
from kvmtui.wire.messages import JobChanged, Query, Request, Rows, Series, SummaryChanged, Welcome
from kvmtui.wire.server import Server
from tests.console.fake_audit import SAID, some_records
from tests.console.fake_events import some_events, some_timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kvmtui.wire.connection import Connection

NOW = 1_760_000_000.0
"""The one moment at which all is seen."""
FIGURES = ("cpu_pct", "mem_pct", "disk_read_bps", "disk_write_bps", "net_rx_bps", "net_tx_bps")


class RowsView:
    """One window of one client."""

    topics = frozenset({"rows"})
    period_s = 0.0

    def __init__(self, worker: FakeWorker, window: int, query: Query, marks: set[str]) -> None:
        self.worker = worker
        self.marks = marks
        self.window = window
        self.query = query
        self.sent: dict[int, tuple[str, tuple[Any, ...]]] | None = None
        self.order: list[str] = []

    def fetch(self) -> Rows | None:
        query = self.query
        rows, total = self.worker.selected(query)
        if query.hold:
            places = {key: place for place, key in enumerate(self.order)}
            rows.sort(key=lambda row: places.get(row.key, len(places)))
        self.order = [row.key for row in rows]
        first = query.first if query.first < len(rows) else max(0, len(rows) - query.count)
        shown = {
            index: (row.key, tuple(self._cell(row, column) for column in query.columns))
            for index, row in enumerate(rows[first : first + query.count], first)
        }
        before = self.sent or {}
        changed = tuple((index, *row) for index, row in shown.items() if before.get(index) != row)
        reset, self.sent = self.sent is None, shown
        return Rows(
            window=self.window,
            reset=reset,
            first=first,
            count=len(shown),
            matched=len(rows),
            total=total,
            rows=changed,
            columns=query.columns if reset else (),
            at=self.order.index(query.follow) if query.follow in self.order else None,
            follow=query.follow,
            marks=len(self.marks),
            marked=len(self.marks & {getattr(row, "uuid", "") for row in rows}),
            said=self.worker.audit_said[0] if query.resource == "audit" else "",
            severity=self.worker.audit_said[1] if query.resource == "audit" else 0,
            now=self.worker.now,
        )

    def _cell(self, row: Any, column: str) -> Any:
        """Return a value; the age of a row only where it is stale, as live windows have it."""
        if column == "seen" and self.worker.now - row.seen < 15 and getattr(row, "state", None) is not VmState.UNKNOWN:
            return None
        return getattr(row, column)


class SeriesView:
    """The recent figures of one row: a ramp, a gap, a ramp."""

    topics = frozenset({"series"})
    period_s = 0.0

    def __init__(self, window: int, now: float, *, is_host: bool) -> None:
        figures = ("cpu_pct", "mem_pct", "load_1m", "pressure_cpu_pct", "pressure_io_pct") if is_host else FIGURES
        points = []
        for step in range(450):
            at = now - 900 + 2 * step + 1
            if 200 <= step < 240:
                points.append((at, *[None] * len(figures)))
            else:
                share = (step % 150) / 150
                tops = [100 if "pct" in name else 8_500_000 / (place + 1) for place, name in enumerate(figures)]
                points.append((at, *[share * top for top in tops]))
        self.series: Series | None = Series(window=window, reset=True, figures=figures, points=tuple(points))

    def fetch(self) -> Series | None:
        series, self.series = self.series, None
        return series


class SummaryView:
    """The summary, whenever it is another one."""

    topics = frozenset({"summary"})
    period_s = 0.0

    def __init__(self, worker: FakeWorker) -> None:
        self.worker = worker
        self.sent: Summary | None = worker.summary

    def fetch(self) -> SummaryChanged | None:
        if self.worker.summary == self.sent:
            return None
        self.sent = self.worker.summary
        return SummaryChanged(summary=self.sent, now=self.worker.now)


class FakeWorker:
    """Answers consoles; remembers what they asked. Change its lists, then call stir()."""

    def __init__(self, folder: Path, *, demo: bool = False, read_only: bool = False) -> None:
        self.path = folder / "sock"
        self.now = NOW
        """Its clock, which stands still."""
        self.hosts: list[Host] = []
        self.vms: list[Vm] = []
        self.jobs: list[Job] = []
        self.steps: dict[str, tuple[Step, ...]] = {}
        """Job -> its steps; those of a job that are not here are one."""
        self.findings: list[Finding] = []
        self.events: list[Event] = []
        """The oldest first."""
        self.audit: list[AuditRow] = []
        self.audit_said = ("", 0)
        """What is said of it as a whole, and how bad that is."""
        self.summary = Summary(name="prod", demo=demo)
        self.requests: list[Request[Any]] = []
        """Everything that was asked, but hello, in order."""
        self.marks: set[str] = set()
        """What its one client has marked."""
        self.plans: dict[str, Plan] = {}
        self.changes: dict[str, Any] = {}
        """Fields of the next plans that are other than usual."""
        self.refusals: list[RefusedError] = []
        """What the next submits are answered with."""
        self.demo = demo
        self.read_only = read_only
        self.version = kvmtui.__version__
        self.thaws = asyncio.Event()
        """Cleared: it hangs up on nobody, and answers nothing."""
        self.thaws.set()
        self._numbers = itertools.count(1)
        self.server: Server | None = None

    def start(self) -> None:
        """Begin to answer."""
        self.server = Server(Listener(self.path), self)
        self.server.start()

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self.server is not None:
            await self.server.close()
            self.server = None

    def stir(self, *topics: str) -> None:
        """Say that something has changed."""
        assert self.server is not None
        self.server.stir(topics or ("rows", "summary"))

    def asked(self, kind: type[Request[Any]]) -> list[Any]:
        """Return the requests of a kind that have come."""
        return [request for request in self.requests if isinstance(request, kind)]

    def set_state(self, name: str, state: VmState) -> None:
        """Have a VM be in another state."""
        self.vms = [msgspec.structs.replace(vm, state=state) if vm.name == name else vm for vm in self.vms]
        self.stir()

    def end_job(self, job_id: str, state: JobState = JobState.DONE, text: str = "") -> None:
        """Have a job end."""
        assert self.server is not None
        place = next(place for place, job in enumerate(self.jobs) if job.id == job_id)
        job = self.jobs[place]
        counts = {"done": job.total} if state is JobState.DONE else {"failed": job.total}
        self.jobs[place] = msgspec.structs.replace(job, state=state, text=text, ended=self.now, not_begun=0, **counts)
        self.server.announce(JobChanged(job=self.jobs[place]))
        self.stir()

    # --- the server's handler ----------------------------------------------------------------------------------

    def welcome(self, hello: messages.Hello, connection: Connection) -> Welcome:
        return Welcome(
            version=self.version,
            pid=4711,
            config="/etc/kvmtui.yaml",
            digest="d",
            read_only=self.read_only or hello.read_only,
            read_only_why="asked for" if hello.read_only else "",
            demo=self.demo,
            now=self.now,
        )

    def came(self, connection: Connection) -> None:
        """Nothing to do."""

    def left(self, connection: Connection) -> None:
        """Nothing to do."""

    async def answer(self, request: Request[Any], connection: Connection) -> object:
        self.requests.append(request)
        await asyncio.sleep(0)
        await self.thaws.wait()
        answers: dict[type[Request[Any]], Callable[[Any, Connection], object]] = {
            messages.OpenWindow: self._open,
            messages.OpenSeries: self._series,
            messages.OpenSummary: self._summary,
            messages.CloseWindow: lambda request, connection: connection.views.unfollow(request.window),
            messages.ListRows: lambda request, _: self._page(request.query, for_act=request.for_act),
            messages.GetDetail: lambda request, _: self._detail(request),
            messages.Mark: lambda request, _: self._mark(request),
            messages.Select: self._select,
            messages.GetEligible: self._eligible,
            messages.MakePlan: self._plan,
            messages.Submit: lambda request, _: self._submit(request),
            messages.GetTimeline: lambda request, _: self._timeline(request),
            messages.GetJob: lambda request, _: self._job(request.job),
            messages.Control: lambda request, _: self._control(request),
            messages.Acknowledge: lambda _, __: None,
            messages.Abort: lambda request, _: self._job(request.job).job,
            messages.Jobs: lambda request, _: messages.JobList(jobs=tuple(self.jobs[: request.limit])),
            messages.Settle: lambda _, __: messages.Settled(),
            messages.Status: lambda _, __: self._status(),
            messages.Reconnect: lambda _, __: None,
            messages.Unlock: lambda request, _: self._unlock(request),
        }
        answer = answers.get(type(request))
        if answer is None:
            raise UsageError("this worker does not know that")
        return answer(request, connection)

    # --- what it answers ---------------------------------------------------------------------------------------

    def selected(self, query: Query) -> tuple[list[Any], int]:
        """Return the rows of a query in its order, and how many there are at all."""
        known: dict[str, list[Any]] = {
            "vms": self.vms, "hosts": self.hosts, "jobs": self.jobs, "findings": self.findings,
            "steps": list(self._job(query.job).steps) if query.resource == "steps" else [],
            "events": self.events, "audit": self.audit,
        }  # fmt: skip
        rows = list(known[query.resource])
        if query.resource == "vms" and query.scope:
            rows = [row for row in rows if row.host in query.scope]
        total = len(rows)
        rows = parse(query.filter, query.resource).keys(zip(rows, rows, strict=True), self.now)
        rows.sort(key=lambda row: natural(getattr(row, "name", row.key)))
        if query.resource in {"events", "audit"}:
            rows.sort(key=lambda row: -int(row.id))
        if not query.sort:
            rows.sort(
                key=lambda row: -row.at if query.resource in {"events", "audit"} else -getattr(row, "severity", 0)
            )
            return rows, total
        told = [row for row in rows if getattr(row, query.sort) is not None]
        untold = [row for row in rows if getattr(row, query.sort) is None]
        by_age = column(query.resource, query.sort).kind is Kind.TIME  # a later time is a lesser age
        told.sort(key=lambda row: getattr(row, query.sort), reverse=query.descending is not by_age)
        return told + untold, total

    def _series(self, request: messages.OpenSeries, connection: Connection) -> messages.Opened:
        connection.follow(request.window, SeriesView(request.window, self.now, is_host=not request.uuid))
        return messages.Opened(window=request.window)

    def _summary(self, _: messages.OpenSummary, connection: Connection) -> Summary:
        connection.follow(0, SummaryView(self))
        return self.summary

    def _page(self, query: Query, *, for_act: bool) -> messages.Page:
        if for_act:
            parse(query.filter, query.resource, for_act=True)
        rows, total = self.selected(query)
        shown = rows[query.first : query.first + query.count]
        cells = tuple(tuple(getattr(row, column) for column in query.columns) for row in shown)
        return messages.Page(rows=cells, matched=len(rows), total=total, now=self.now, demo=self.demo)

    def _status(self) -> messages.WorkerStatus:
        return messages.WorkerStatus(
            pid=4711,
            version=self.version,
            socket=str(self.path),
            config="",
            digest="d",
            started=self.now,
            clients=1,
            jobs=0,
        )

    def _open(self, request: messages.OpenWindow, connection: Connection) -> messages.Opened:
        query = request.query
        if query.resource not in COLUMNS or set(query.columns) - {column.id for column in COLUMNS[query.resource]}:
            raise UsageError("there is no such resource, or no such column")
        parse(query.filter, query.resource)
        view = connection.views.get(request.window)
        new = RowsView(self, request.window, request.query, self.marks)
        if isinstance(view, RowsView):
            same = msgspec.structs.replace(
                request.query,
                first=view.query.first,
                count=view.query.count,
                above=view.query.above,
                below=view.query.below,
                follow=view.query.follow,
                hold=view.query.hold,
            )
            if same == view.query:
                new.sent, new.order = view.sent, view.order
        connection.follow(request.window, new)
        return messages.Opened(window=request.window)

    def _vm(self, host: str, uuid: str) -> Vm:
        found = next((vm for vm in self.vms if (vm.host, vm.uuid) == (host, uuid)), None)
        if found is None:
            raise UsageError("there is no such VM", where=f"{host}/{uuid}")
        return found

    def _detail(self, request: messages.GetDetail) -> VmDetail:
        vm = self._vm(request.host, request.uuid)
        if vm.state is VmState.UNKNOWN:
            raise LinkError("does not answer", LinkState.LOST, where=vm.host, remedy="its last state is in the list")
        return VmDetail(
            vm=vm,
            machine="pc-q35-7.2 x86_64 kvm",
            cpu_model="host-model",
            firmware="BIOS",
            disks=(
                Disk(target="vda", bus="virtio", source=f"/srv/{vm.name}.qcow2", format="qcow2", cache="none"),
                Disk(target="sda", device="cdrom", bus="sata", readonly=True),
            ),
            nics=(Nic(mac="52:54:00:12:34:56", source="br0", model="virtio", target="vnet3", link_up=True),),
            others=("channel org.qemu.guest_agent.0 connected", "console pty"),
            xml="\n".join(
                [
                    "<domain type='kvm'>",
                    f"  <name>{vm.name}</name>",
                    *(f"  <line n='{n}'/>" for n in range(60)),
                    "</domain>",
                ]
            ),
        )

    def _mark(self, request: messages.Mark) -> None:
        if request.mode == "only":
            self.marks.clear()
        if request.mode == "drop":
            self.marks -= set(request.uuids)
        else:
            self.marks |= set(request.uuids)
        self.stir("rows")

    def _select(self, request: messages.Select, connection: Connection) -> messages.Selected:
        view = connection.views.get(request.window)
        if not isinstance(view, RowsView):
            raise UsageError("there is no such window")
        keys = view.order
        if request.first or request.last:
            if not {request.first, request.last} <= set(keys):
                raise UsageError("one end of the range is not in the list any more")
            places = sorted((keys.index(request.first), keys.index(request.last)))
            keys = keys[places[0] : places[1] + 1]
        return messages.Selected(keys=tuple(keys))

    def _aimed(
        self, request: messages.MakePlan | messages.GetEligible, connection: Connection
    ) -> tuple[list[Vm], list[Vm]]:
        """Return the VMs that are meant, and of the marked ones those that are hidden."""
        view = connection.views.get(request.window)
        shown = set(view.order) if isinstance(view, RowsView) else {vm.key for vm in self.vms}
        marked = [vm for vm in self.vms if vm.uuid in request.marks]
        vms = [self._vm(*target) for target in request.targets]
        return vms + [vm for vm in marked if vm.key in shown], [vm for vm in marked if vm.key not in shown]

    def _eligible(self, request: messages.GetEligible, connection: Connection) -> messages.Eligible:
        vms, hidden = self._aimed(request, connection)
        locked = {host.name for host in self.hosts if host.level == "locked"}
        ready: dict[str, int] = {}
        why: dict[str, str] = {}
        for verb in VERBS.values():
            reasons = [verb.objection(vm) or (f"{vm.host} is locked" if vm.host in locked else "") for vm in vms]
            if verb.one_only and len(vms) > 1:
                reasons = ["one VM only"]
            if self.read_only or "" not in reasons:
                why[verb.id] = "read-only" if self.read_only else next(iter(reasons), "gone")
            else:
                ready[verb.id] = reasons.count("")
        return messages.Eligible(total=len(vms), hidden=len(hidden), ready=ready, why=why)

    def _unlock(self, request: messages.Unlock) -> messages.Access:
        was_read_only, self.read_only = self.read_only, not request.for_s
        return messages.Access(
            read_only=self.read_only, left_s=request.for_s if was_read_only and request.for_s else None
        )

    def _plan(self, request: messages.MakePlan, connection: Connection) -> Plan:
        verb = VERBS[request.verb]
        vms, hidden = self._aimed(request, connection)
        if request.hidden:
            vms, hidden = vms + hidden, []
        given = checked(verb.id, verb.parameters, request.parameters)
        too_many = "one VM only" if verb.one_only and len(vms) > 1 else ""
        refusals = {vm.key: too_many or verb.objection(vm) for vm in vms}
        targets = [Target(vm.host, vm.uuid, vm.name, vm.state) for vm in vms if not refusals[vm.key]]
        reasons = refusals | {vm.key: "hidden mark" for vm in hidden}
        skipped = [
            Skip(Target(vm.host, vm.uuid, vm.name, vm.state), reasons[vm.key])
            for vm in (*vms, *hidden)
            if reasons[vm.key]
        ]
        destructive = verb.destructive
        plan = Plan(
            id=hashlib.sha256(repr((verb.id, given, targets, request.how)).encode()).hexdigest()[:16],
            verb=verb.id,
            targets=tuple(targets),
            skipped=tuple(skipped),
            danger=Danger.DESTRUCTIVE if destructive else Danger.NORMAL,
            verdict=Verdict.NO
            if self.read_only or not targets
            else Verdict.ASKS
            if verb.stops or verb.asks
            else Verdict.MAY,
            why="read-only" if self.read_only else "",
            phrase=targets[0].name if destructive and targets else "y",
            parameters=given,
            looks=verb.tells(vms, given) if verb.tells is not None else (),
            undo=f"{VERBS[verb.inverse].title} it" if verb.inverse else "",
            virsh=tuple(f"virsh -c qemu+ssh://{t.host}/system {verb.virsh} {t.uuid}" for t in targets),
            how=request.how or How(),
            made=self.now,
            expires=self.now + 120,
        )
        plan = msgspec.structs.replace(plan, **self.changes)
        self.plans[plan.id] = plan
        return plan

    def _submit(self, request: messages.Submit) -> Job:
        if self.refusals:
            raise self.refusals.pop(0)
        plan = self.plans.pop(request.plan, None)
        if plan is None or request.typed != plan.phrase:
            raise RefusedError("the plan is not known or not confirmed")
        job = Job(
            id=f"j{next(self._numbers)}",
            verb=plan.verb,
            by="root",
            state=JobState.RUNNING,
            total=len(plan.targets),
            not_begun=len(plan.targets),
            started=self.now,
            subject=plan.targets[0].name if len(plan.targets) == 1 else f"{len(plan.targets)} VMs",
        )
        self.jobs.insert(0, job)
        assert self.server is not None
        self.server.announce(JobChanged(job=job))
        self.stir()
        return job

    def _control(self, request: messages.Control) -> Job:
        states = {"pause": JobState.WAITING, "resume": JobState.RUNNING}
        place = next(place for place, job in enumerate(self.jobs) if job.id == request.job)
        job = self.jobs[place]
        how = request.how or job.how
        self.jobs[place] = msgspec.structs.replace(job, state=states.get(request.act, job.state), how=how)
        self.stir()
        return self.jobs[place]

    def _timeline(self, request: messages.GetTimeline) -> Timeline:
        name = next((vm.name for vm in self.vms if vm.uuid == request.uuid), request.uuid)
        return some_timeline(request, self.events, self.jobs, name, self.now)

    def _job(self, job_id: str) -> JobDetail:
        job = next((job for job in self.jobs if job.id == job_id), None)
        if job is None:
            raise UsageError(f"there is no task {job_id}")
        if job_id in self.steps:
            return JobDetail(job=job, plan="7f3a000000000000", steps=self.steps[job_id])
        failed = job.state is JobState.FAILED
        step = Step(
            number=1,
            host="kvm1",
            uuid=next((vm.uuid for vm in self.vms if vm.name == job.subject), "u"),
            name=job.subject,
            state=StepState.FAILED if failed else StepState.BEGUN if job.state is JobState.RUNNING else StepState.DONE,
            text="still running: no reaction to ACPI for 120 s, no agent" if failed else "",
            words="Timed out during operation" if failed else "",
            remedy="wait more, or force off" if failed else "",
            began=job.started,
            ended=job.ended,
        )
        return JobDetail(job=job, plan="7f3a000000000000", steps=(step,))


def a_task_with_steps(worker: FakeWorker) -> None:
    """Give a worker a task over its VMs, in which there is a step of every state."""
    failed = "shut down NOT done, still running · why: no reaction to ACPI for 120 s, no agent"
    unknown = 'UNKNOWN since 03:12:31Z: link lost after "shutdown" left'
    told = {
        StepState.DONE: ("shut down done, shut off", "", ""),
        StepState.FAILED: (failed, "Timed out during operation", "it may yet obey; F force off if it must be now"),
        StepState.UNKNOWN: (unknown, "", "do NOT repeat it: looked at again by itself when kvm7 answers"),
        StepState.SKIPPED: ("already shut off", "", ""),
    }
    order = (StepState.DONE, StepState.DONE, StepState.FAILED, StepState.BEGUN, StepState.UNKNOWN, StepState.SKIPPED)
    states = [order[place] if place < len(order) else StepState.NOT_BEGUN for place in range(len(worker.vms))]
    steps = []
    for number, (vm, state) in enumerate(zip(worker.vms, states, strict=True)):
        text, words, remedy = told.get(state, ("", "", ""))
        began = None if state is StepState.NOT_BEGUN else worker.now - 140 + number
        ended = None if began is None or state is StepState.BEGUN else began + 4 * number
        steps.append(
            Step(
                number=number, host=vm.host, uuid=vm.uuid, name=vm.name, state=state, text=text, words=words,
                remedy=remedy, began=began, ended=ended,
            )
        )  # fmt: skip
    worker.jobs = [
        Job(
            id="7f3a01bc", verb="shutdown", by="ada", state=JobState.RUNNING, total=len(steps),
            started=worker.now - 140, subject=f"{len(steps)} VMs on 3 hosts", rate=2.5, left_s=190.0,
            done=states.count(StepState.DONE), failed=states.count(StepState.FAILED),
            unknown=states.count(StepState.UNKNOWN), skipped=states.count(StepState.SKIPPED),
            not_begun=states.count(StepState.NOT_BEGUN),
        )
    ]  # fmt: skip
    worker.steps["7f3a01bc"] = tuple(steps)


def small_fleet(worker: FakeWorker) -> None:
    """Give a worker the fleet of the pictures: three hosts, a dozen VMs, some of them in trouble."""
    now = worker.now

    def host(name: str, **fields: Any) -> Host:
        return msgspec.structs.replace(Host(name=name, uri=f"qemu+ssh://root@{name}/system"), **fields)

    worker.hosts = [
        host(
            "kvm1", link=LinkState.UP, since=now - 90_000, version="libvirt 9.0.0, QEMU 7.2.22", cpus=16, cpu_pct=41.0,
            mem_pct=71.0, load_1m=6.5, mem_total_bytes=68_719_476_736, mem_used_bytes=48_790_000_000, vms_running=7,
            vms_total=9, pressure_cpu_pct=3.0, pressure_io_pct=0.4, seen=now, sampled=now,
        ),
        host(
            "kvm2", link=LinkState.UP, since=now - 90_000, version="libvirt 9.0.0, QEMU 7.2.22", cpus=16, cpu_pct=12.3,
            mem_pct=44.0, load_1m=1.5, mem_total_bytes=68_719_476_736, vms_running=3, vms_total=3, seen=now,
            sampled=now,
        ),
        host(
            "kvm7", link=LinkState.LOST, link_reason="no answer", link_remedy="is it powered on?",
            since=now - 125, vms_running=None, vms_total=2, seen=now - 125, trouble="lost: no answer", severity=4,
        ),
        host(
            "kvm8", link=LinkState.NEEDS_YOU, link_reason="host key unknown", link_remedy="kvmtui trust kvm8",
            since=now - 600, trouble="needs you: host key unknown", severity=3,
        ),
    ]  # fmt: skip

    def vm(number: int, name: str, on: str, state: VmState = VmState.RUNNING, **fields: Any) -> Vm:
        figures: dict[str, Any] = {}
        if state is VmState.RUNNING:
            figures = {
                "cpu_pct": 7.5 * number, "cores": 0.6 * number, "steal_pct": 0.1 * number, "mem_pct": 50.0 + number,
                "mem_used_bytes": 1_500_000_000, "disk_read_bps": 1000.0 * number, "disk_write_bps": 80_000.0 * number,
                "disk_latency_ms": 0.3 * number, "net_rx_bps": 123_456.0 * number, "net_tx_bps": 9_876.0 * number,
                "sampled": now - 1,
            }  # fmt: skip
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        plain = Vm(
            host=on, uuid=uuid, name=name, state=state, seen=now, vcpus=2, mem_max_bytes=4_294_967_296,
            since=now - 7_200 * number, tags=("prod",),
        )  # fmt: skip
        return msgspec.structs.replace(plain, **(figures | fields))

    worker.vms = [
        vm(1, "web-01", "kvm1"),
        vm(2, "web-02", "kvm1", tags=("prod", "lb")),
        vm(3, "web-10", "kvm2"),
        vm(4, "db-01", "kvm1", mem_pct=None, mem_used_bytes=None),
        vm(
            5, "db-02", "kvm2", VmState.PAUSED, state_reason="I/O error", since=now - 240,
            trouble="I/O error vda: no space left (pool nvme 100 %)", severity=4,
        ),
        vm(6, "cache-11", "kvm7", VmState.UNKNOWN, was=VmState.RUNNING, since=now - 125, severity=2,
           state_reason="was running", trouble="host lost"),
        vm(7, "mail", "kvm1", trouble="steal 31 %: its host has too little CPU", severity=2, steal_pct=31.0),
        vm(8, "build-1", "kvm1", VmState.OFF),
        vm(9, "build-2", "kvm1", VmState.SAVED),
        vm(10, "ci-runner", "kvm2", job="shutdown"),
        vm(11, "日本語の仮想機械", "kvm1"),
        vm(12, "old", "kvm1", sampled=now - 40),
    ]  # fmt: skip
    worker.events = some_events(now, {number: row.name for number, row in enumerate(worker.vms, 1)})
    counts: dict[str, int] = {}
    for row in worker.vms:
        counts[row.state.value] = counts.get(row.state.value, 0) + 1
    worker.summary = Summary(
        name="prod", demo=worker.demo, hosts_up=2, hosts_total=4, vms=counts, cpu_pct=26.6, mem_pct=57.5, clients=2,
        troubles=(("kvm7 lost: no answer", 4), ("db-02 I/O error vda", 4)), troubles_since=(now - 125, now - 240),
        troubles_total=5,
    )  # fmt: skip
    some_findings(worker)
    worker.audit = some_records(now, {number: (row.name, row.host) for number, row in enumerate(worker.vms, 1)})
    worker.audit_said = (SAID, 0)


def some_findings(worker: FakeWorker) -> None:
    """Give a worker one finding about a VM, one about several, one about a host, one about nobody knows."""

    def finding(check: str, name: str, host: str, text: str, **fields: Any) -> Finding:
        plain = Finding(
            id=f"{check}/{host}/{name}", check=check, name=name, host=host, text=text, remedy=CHECKS[check].remedy,
            severity=CHECKS[check].severity,
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    web = worker.vms[0]
    worker.findings = [
        finding(
            "old-qemu", web.name, web.host, "runs a QEMU whose program was replaced since it was started: it is not the"
            " version installed", uuid=web.uuid, filter=f"host:{web.host} name:{web.name}",
        ),
        finding(
            "no-autostart", "kvm1", "kvm1", "4 VMs run and are not started with the host, which starts others", count=4,
            filter="host:kvm1 state:running auto:no",
        ),
        finding("clock-skew", "kvm2", "kvm2", "its clock is 3.2 s ahead of this machine's (± 0.01 s)", count=0),
        finding(
            "old-qemu", "2 hosts", "", "old QEMU still running: not known on kvm3, kvm4: this login may not see which"
            " program its QEMUs run", severity=1, count=9, remedy="", known=False,
        ),
    ]  # fmt: skip


__all__ = ["NOW", "FakeWorker", "FilterError", "small_fleet", "some_findings"]
