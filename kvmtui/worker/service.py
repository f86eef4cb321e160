"""Answers every request of the line."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import kvmtui
from kvmtui import text
from kvmtui.errors import RefusedError, UsageError
from kvmtui.fleet import detail
from kvmtui.guard import gate
from kvmtui.guard.roles import Role
from kvmtui.wire.messages import (
    Abort,
    Acknowledge,
    CloseWindow,
    Control,
    Eligible,
    GetDetail,
    GetEligible,
    GetHostKey,
    GetJob,
    GetTimeline,
    Hello,
    HostKeys,
    HostStatus,
    JobList,
    Jobs,
    ListRows,
    MakePlan,
    Mark,
    Opened,
    OpenSeries,
    OpenSummary,
    OpenWindow,
    Page,
    Reconnect,
    Request,
    Select,
    Settle,
    Settled,
    Status,
    Stop,
    Stopping,
    Submit,
    Trust,
    Unlock,
    Welcome,
    WorkerStatus,
)
from kvmtui.worker.listings import Listings
from kvmtui.worker.marks import Marks
from kvmtui.worker.sessions import Sessions
from kvmtui.worker.settling import Settling
from kvmtui.worker.steps import JobSteps
from kvmtui.worker.timelines import timeline
from kvmtui.worker.views import SUMMARY_NUMBER, SeriesView, SummaryView, WindowView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from kvmtui.fleet.fields import Row
    from kvmtui.model.host import Summary
    from kvmtui.model.job import Job, JobDetail, Plan
    from kvmtui.model.timeline import Timeline
    from kvmtui.model.vm import VmDetail
    from kvmtui.wire.connection import Connection
    from kvmtui.wire.messages import Query
    from kvmtui.worker.life import Worker

JOBS_MAX = 1_000
NUMBER_MAX = 1 << 31
_ABOUT_JOBS = (Jobs, Abort, Control, GetJob, MakePlan, Status, Stop)
"""Requests whose answer needs to know what the journal has, after a start."""
_SMALL_XML = 65_536
_STOP_MODES = ("idle", "drain", "force")


class Service:
    """What clients ask of the worker, done by its rooms. Each ``_on_…`` answers the request it is named after."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._sessions = Sessions(lambda: worker.rules, worker.journal, worker.clock)
        self._settling = Settling(worker.fleet, worker.rounds, worker.watching.stir, worker.agents.is_fresh)
        self._steps = JobSteps(worker.engine, lambda: worker.server.stir(("jobs",)))
        self._listings = Listings(worker.fleet, self._written, worker.clock)
        self._marks = Marks(worker.fleet)
        self._answers: dict[type[Request[Any]], Callable[[Any, Connection], Awaitable[object]]] = {
            Status: self._on_status,
            Jobs: self._on_jobs,
            Abort: self._on_abort,
            Control: self._on_control,
            Acknowledge: self._on_acknowledge,
            Stop: self._on_stop,
            OpenWindow: self._on_open_window,
            CloseWindow: self._on_close_window,
            Mark: self._marks.on_mark,
            Select: self._marks.on_select,
            OpenSeries: self._on_open_series,
            OpenSummary: self._on_open_summary,
            Settle: self._on_settle,
            ListRows: self._on_list_rows,
            GetDetail: self._on_get_detail,
            GetEligible: self._on_get_eligible,
            MakePlan: self._on_make_plan,
            Submit: self._on_submit,
            GetJob: self._on_get_job,
            GetTimeline: self._on_get_timeline,
            GetHostKey: self._on_get_host_key,
            Trust: self._on_trust,
            Reconnect: self._on_reconnect,
            Unlock: self._sessions.on_unlock,
        }

    # --- the server's handler ----------------------------------------------------------------------------------

    def welcome(self, hello: Hello, connection: Connection) -> Welcome:
        worker = self._worker
        refusal = gate.client_refusal(self._sessions.client(connection, hello), worker.rules)
        return Welcome(
            version=kvmtui.__version__,
            pid=os.getpid(),
            config=str(worker.paths.config),
            digest=worker.config.digest,
            read_only=refusal is not None,
            read_only_why=refusal.why if refusal else "",
            demo=worker.config.demo,
            now=worker.clock(),
        )

    async def answer(self, request: Request[Any], connection: Connection) -> object:
        if isinstance(request, _ABOUT_JOBS):
            await self._worker.engine.ready()
        return await self._answers[type(request)](request, connection)

    def came(self, connection: Connection) -> None:
        self._worker.clients_changed()

    def left(self, connection: Connection) -> None:
        self._worker.clients_changed()

    def looked_at(self) -> Iterable[tuple[str, str]]:
        """Return the addresses of the VMs that some client has on its screen, or waits for."""
        for connection in self._worker.server.clients:
            for view in connection.views.all():
                if isinstance(view, WindowView | SeriesView):
                    yield from view.watched()
        yield from self._settling.hurried()

    def shows(self, topic: str) -> bool:
        """Whether some client has a window on that."""
        return any(topic in view.topics for client in self._worker.server.clients for view in client.views.all())

    def begins_read_only(self, connection: Connection) -> bool:
        """Whether nothing may be changed for a client, but for an unlocking that passes."""
        return self._sessions.begins_read_only(connection)

    # --- about the worker --------------------------------------------------------------------------------------

    async def _on_status(self, _request: Status, _connection: Connection) -> WorkerStatus:
        worker = self._worker
        now = worker.clock()
        trouble = worker.journal.trouble
        return WorkerStatus(
            pid=os.getpid(),
            version=kvmtui.__version__,
            socket=str(worker.paths.socket),
            config=str(worker.paths.config),
            digest=worker.config.digest,
            started=worker.started,
            clients=len(worker.server.clients),
            jobs=worker.engine.running,
            hosts=tuple(
                HostStatus(
                    name=host.name,
                    link=host.link.value,
                    link_reason=host.link_reason,
                    last_answer_s=round(max(0.0, now - host.seen), 1) if host.seen else None,
                )
                for host in worker.fleet.hosts.values()
            ),
            vms=len(worker.fleet.vms),
            rss_bytes=_rss_bytes(),
            notice=worker.notice,
            journal=str(trouble) if trouble else "",
        )

    async def _on_stop(self, request: Stop, connection: Connection) -> Stopping:
        if request.mode not in _STOP_MODES:
            raise UsageError(f"no way to stop: {text.clean(request.mode, 20)!r}", remedy=", ".join(_STOP_MODES))
        if request.mode != "idle" or self._worker.paths.shared:
            self._sessions.check(connection, Role.ADMIN)
        running = self._worker.running_jobs()
        if request.mode == "idle" and running:
            return Stopping(stopping=False, jobs=running)
        self._worker.stop(f"asked to ({request.mode})", drain=request.mode == "drain", force=request.mode == "force")
        return Stopping(stopping=True, jobs=running)

    async def _on_open_summary(self, _request: OpenSummary, connection: Connection) -> Summary:
        view = SummaryView(self._worker.summary, self._worker.clock)
        connection.follow(SUMMARY_NUMBER, view)
        return view.last

    # --- the fleet ---------------------------------------------------------------------------------------------

    async def _on_open_window(self, request: OpenWindow, connection: Connection) -> Opened:
        number = _number(request.window)
        await self._prepare(request.query)
        open_view = connection.views.get(number)
        if isinstance(open_view, WindowView):
            open_view.change(request.query)
            connection.follow(number, open_view)
        else:
            worker = self._worker
            marks = self._marks.of(connection)
            view = WindowView(number, request.query, worker.fleet, self._written, worker.clock, marks)
            connection.follow(number, view)
        self._worker.watching.stir()
        return Opened(window=number)

    async def _on_open_series(self, request: OpenSeries, connection: Connection) -> Opened:
        number = _number(request.window)
        self._check_host(request.host)
        connection.follow(
            number, SeriesView(number, request.host, request.uuid, self._worker.fleet, self._worker.clock)
        )
        self._worker.watching.stir()
        return Opened(window=number)

    async def _on_close_window(self, request: CloseWindow, connection: Connection) -> None:
        connection.views.unfollow(_number(request.window))
        self._worker.watching.stir()

    async def _on_list_rows(self, request: ListRows, connection: Connection) -> Page:
        if request.query.first <= 0:
            await self._prepare(request.query)
        return await self._listings.page(request, connection)

    async def _prepare(self, query: Query) -> None:
        """Have at hand what a query is about, where that takes time. Raises UsageError, NotRecordedError."""
        match query.resource:
            case "findings":
                await self._worker.checking.renewed()
            case "audit":
                await self._worker.auditing.renewed()
            case "steps":
                await self._worker.engine.ready()
                await self._steps.read(query.job)
            case "jobs":
                await self._worker.engine.ready()

    async def _on_settle(self, request: Settle, _connection: Connection) -> Settled:
        return await self._settling.wait(request.timeout_s, request.samples, definitions=request.definitions)

    async def _on_get_detail(self, request: GetDetail, _connection: Connection) -> VmDetail:
        self._check_host(request.host)
        vm = self._worker.fleet.find(request.host, request.uuid)
        if vm is None:
            raise UsageError("there is no such VM (any more)", where=request.host)
        xml = await self._worker.pool.xml(request.host, request.uuid)
        if len(xml) < _SMALL_XML:
            return detail.parse(xml, vm)
        return await asyncio.to_thread(detail.parse, xml, vm)

    async def _on_get_timeline(self, request: GetTimeline, _connection: Connection) -> Timeline:
        worker = self._worker
        return await timeline(worker.fleet, worker.journal, worker.clock, request.host, request.uuid, request.limit)

    # --- hosts -------------------------------------------------------------------------------------------------

    async def _on_get_host_key(self, request: GetHostKey, _connection: Connection) -> HostKeys:
        self._check_host(request.host)
        return HostKeys(keys=await self._worker.pool.host_keys(request.host))

    async def _on_trust(self, request: Trust, connection: Connection) -> None:
        self._sessions.check(connection, Role.ADMIN)
        await self._worker.pool.trust(request.address, request.port, request.fingerprint)

    async def _on_reconnect(self, request: Reconnect, connection: Connection) -> None:
        self._sessions.check_role(connection, Role.OPERATOR, anywhere=True)
        if request.host:
            self._check_host(request.host)
        self._worker.pool.reconnect(request.host)

    # --- jobs --------------------------------------------------------------------------------------------------

    async def _on_jobs(self, request: Jobs, _connection: Connection) -> JobList:
        return JobList(jobs=tuple(self._worker.engine.jobs(max(0, min(request.limit, JOBS_MAX)))))

    async def _on_abort(self, request: Abort, connection: Connection) -> Job:
        return self._worker.engine.abort(request.job, self._sessions.client(connection))

    async def _on_control(self, request: Control, connection: Connection) -> Job:
        client = self._sessions.client(connection)
        return await self._worker.engine.control(request.job, request.act, request.how, client)

    async def _on_acknowledge(self, request: Acknowledge, connection: Connection) -> None:
        self._sessions.check(connection, Role.VIEWER)
        self._worker.unread.acknowledge(request.job)
        self._worker.server.stir(("jobs",))

    async def _on_get_eligible(self, request: GetEligible, connection: Connection) -> Eligible:
        aimed = self._marks.aim(request.marks, request.window, connection, hidden=False)
        targets = request.targets or aimed.targets
        await self._worker.engine.look_around(targets)
        eligible = self._worker.engine.eligible(targets, self._sessions.client(connection))
        return replace(eligible, hidden=aimed.hidden)

    async def _on_make_plan(self, request: MakePlan, connection: Connection) -> Plan:
        aimed = self._marks.aim(request.marks, request.window, connection, hidden=request.hidden)

        def plan() -> Plan:
            return self._worker.engine.plan(
                request.verb,
                self._sessions.client(connection),
                targets=(*request.targets, *aimed.targets),
                filter_text=request.filter,
                everything=request.all,
                left_out=aimed.skipped,
                how=request.how,
                parameters=request.parameters,
            )

        await self._worker.engine.look_around([(target.host, target.uuid) for target in plan().targets])
        return plan()  # with what was found out

    async def _on_submit(self, request: Submit, connection: Connection) -> Job:
        if self._worker.is_stopping:
            raise RefusedError("the worker is stopping and begins nothing new", remedy="try again with the next one")
        return await self._worker.engine.submit(request.plan, request.typed, self._sessions.client(connection))

    async def _on_get_job(self, request: GetJob, _connection: Connection) -> JobDetail:
        return await self._worker.engine.detail(request.job)

    def _written(self, query: Query) -> Sequence[Row]:
        """Return the rows of a query that are the journal's: jobs, or steps of one."""
        match query.resource:
            case "jobs":
                return self._worker.engine.jobs(JOBS_MAX)
            case "steps":
                return self._steps.rows(query.job)
        return ()

    # --- inside ------------------------------------------------------------------------------------------------

    def _check_host(self, name: str) -> None:
        if name not in self._worker.fleet.hosts:
            raise UsageError("there is no such host in the config", where=text.clean(name, text.NAME_MAX))


def _number(window: int) -> int:
    if not 0 <= window < NUMBER_MAX:
        raise UsageError(f"a window's number is 0 to {NUMBER_MAX - 1}")
    return window


def _rss_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - nothing to open by a Path's means
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
