"""The life of the worker: its rooms put together, kept up to date, ended in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from typing import TYPE_CHECKING

from kvmtui.fleet.fleet import Fleet
from kvmtui.guard import gate
from kvmtui.jobs.engine import Engine
from kvmtui.jobs.journal import Journal
from kvmtui.model.job import JobState
from kvmtui.wire import logout
from kvmtui.wire.messages import JobChanged, Note
from kvmtui.wire.server import Server
from kvmtui.worker import place
from kvmtui.worker.auditing import Auditing
from kvmtui.worker.checking import Checking
from kvmtui.worker.memory import PERIOD_S as MEMORY_PERIOD_S
from kvmtui.worker.memory import Memory
from kvmtui.worker.reload import ConfigFile, difference
from kvmtui.worker.rounds import Rounds
from kvmtui.worker.service import JOBS_MAX, Service
from kvmtui.worker.unread import Unread
from kvmtui.worker.watching import Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from kvmtui.config import Config
    from kvmtui.hosts.pool import HostPool
    from kvmtui.hosts.reports import Report
    from kvmtui.model.host import Summary
    from kvmtui.model.job import Job
    from kvmtui.paths import WorkerPaths
    from kvmtui.wire.listener import Listener
    from kvmtui.worker.agents import Agents
    from kvmtui.worker.handover import Handover
    from kvmtui.worker.reload import Edited

TICK_S = 1.0
GRACE_S = 3.0
"""How long acts under way may take to end when the worker is told to."""

_FINDINGS, _AUDIT = frozenset({"findings"}), frozenset({"audit"})

log = logging.getLogger(__name__)


class Worker:
    """Everything of the worker that lives in the serve loop."""

    def __init__(
        self,
        paths: WorkerPaths,
        config: Config,
        pool: HostPool,
        agents: Agents,
        *,
        idle_s: float | None,
        file_limit: int,
        started: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``idle_s``: leave after so long without a client and a running job; None: stay. ``started``: when it began
        to look at hosts, if not now. To be made in the loop."""
        self.paths = paths
        self.config = config
        self.clock = clock
        self.started = clock() if started is None else started
        self.is_stopping = False
        self.rules = gate.rules_of(config)
        self.pool = pool
        self.fleet = Fleet(config.hosts, clock)
        self.fleet.apply(config)
        self.rounds = Rounds()
        # a demo fleet begins anew with its worker: what an earlier one saw never became this
        self.memory = Memory(None if config.demo else paths.fleet, self.fleet, clock)
        self.journal = Journal(paths.journal, clock)
        self.engine = Engine(self.journal, pool, self.fleet, config, self._announce, clock)
        self.unread = Unread(lambda: self.engine.jobs(JOBS_MAX), clock)
        self._loop = asyncio.get_running_loop()
        self.auditing = Auditing(
            self.journal, paths.journal, config.audit, self.fleet.ledger, clock, self._set_notice,
            lambda: self._stir(_AUDIT),
        )  # fmt: skip
        self.watching = Watching(self._loop, self._looked_at, pool.watch)
        self.checking = Checking(self.fleet, lambda: self._stir(_FINDINGS))
        self.agents = agents
        self.service = Service(self)
        self.server: Server
        self._idle_s = idle_s
        self._file_limit = file_limit
        self._notices: dict[str, str] = {}
        self._topics: set[str] = set()
        self._idle_since = self._loop.time()
        self._leaving = asyncio.Event()
        self._drains = False
        self._grace_s = GRACE_S
        self._tasks: set[asyncio.Task[None]] = set()
        self._config_file: ConfigFile | None = None
        self._looking: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._keep_at = self._loop.time() + MEMORY_PERIOD_S

    # --- asked by the service ----------------------------------------------------------------------------------

    @property
    def notice(self) -> str:
        """What is to be said of the worker itself."""
        return " · ".join(self._notices.values())

    def running_jobs(self) -> tuple[Job, ...]:
        """Return the jobs that run."""
        return tuple(job for job in self.engine.jobs(JOBS_MAX) if job.state is JobState.RUNNING)

    def summary(self) -> Summary:
        """Return the fleet in one line, as it is now."""
        states = [job.state for job in self.engine.jobs(JOBS_MAX)]
        return self.fleet.summary(
            jobs_running=sum(state is JobState.RUNNING for state in states),
            jobs_waiting=sum(state is JobState.WAITING for state in states),
            jobs_unread=self.unread.count(),
            clients=len(self.server.clients),
            notice=self.notice,
        )

    def clients_changed(self) -> None:
        """A client came or left."""
        self._idle_since = self._loop.time()
        # who only uses our worker must not lead it to sockets that he could not open himself
        own = [client for client in self.server.clients if client.peer.is_trusted]
        self.agents.offer(client.hello.agent for client in own if client.hello)
        self.watching.stir()
        self.server.stir(("worker",))

    def stop(self, why: str, *, drain: bool = False, force: bool = False) -> None:
        """End the worker: now, or with ``drain`` when its jobs have ended; with ``force`` without waiting for acts."""
        log.info("stopping: %s", why)
        self.is_stopping = True
        self._grace_s = 0.0 if force else GRACE_S
        if drain and self.engine.running:
            self._drains = True
            self.server.announce(Note(text="the worker leaves when its jobs have ended, and begins nothing new"))
        else:
            self._leaving.set()

    # --- life --------------------------------------------------------------------------------------------------

    async def live(self, listener: Listener, handover: Handover) -> None:
        """Serve until it is time to leave, then end everything; a second at most, and GRACE_S if acts are under way."""
        self.server = Server(listener, self.service)
        self._set_notice("files", place.file_limit_notice(self._file_limit, len(self.config.hosts)))
        self.memory.recall(self.started)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(
                number,
                self.stop,
                signal.Signals(number).name,
            )
        handover.connect(self._loop, self._take, self._taken)
        self.server.start()
        self._spawn(self._recover(), "recovery")
        self._spawn(self._after_start(), "start")
        ticking = self._spawn(self._tick(), "tick")
        await self._leaving.wait()
        ticking.cancel()
        await self._end(handover)

    async def _recover(self) -> None:
        await self.engine.recover()
        self.server.stir(("jobs", "worker"))

    async def _after_start(self) -> None:
        """What may wait until the first clients are served."""
        self._config_file = await asyncio.to_thread(ConfigFile, self.paths.config, self.config)
        self._set_notice("logout", await asyncio.to_thread(logout.warning))

    async def _end(self, handover: Handover) -> None:
        self.server.announce(Note(text="the worker leaves"))
        if self.engine.running and self._grace_s:
            log.info("waiting up to %.0f s for the acts under way", self._grace_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.engine.drain(), self._grace_s)
        handover.close()
        ends = [self.engine.close(), self.pool.stop(), self.memory.keep()]
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.error("while ending", exc_info=outcome)
        await self.auditing.close()
        await self.server.close()
        for task in self._tasks:
            task.cancel()
        place.leave(self.paths)
        log.info("ended")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._each_second()
            except Exception:
                log.exception("tick")

    def _each_second(self) -> None:
        self._consider_leaving()
        self.server.look_after()
        self._stir(self.fleet.tick())
        self._check_journal()
        self.auditing.tick(is_shown=self.service.shows("audit"))
        self.watching.stir()
        if self.service.shows("findings"):
            self.checking.look()
        if self._looking is None or self._looking.done():
            self._looking = self._spawn(self._look_at_config(), "config")
        if self._loop.time() >= self._keep_at and (self._keeping is None or self._keeping.done()):
            self._keep_at = self._loop.time() + MEMORY_PERIOD_S
            self._keeping = self._spawn(self.memory.keep(), "fleet file")

    def _consider_leaving(self) -> None:
        now = self._loop.time()
        if self.engine.running or self.server.clients:
            self._idle_since = now
        if self._drains and not self.engine.running:
            self._leaving.set()
        elif self._idle_s is not None and now - self._idle_since >= self._idle_s:
            self.stop(f"idle for {self._idle_s:.0f} s")

    def _check_journal(self) -> None:
        trouble = self.journal.trouble
        self._set_notice("journal", f"nothing can be started: {trouble}" if trouble else "")

    def _looked_at(self) -> Iterable[tuple[str, str]]:
        return self.service.looked_at()

    # --- news --------------------------------------------------------------------------------------------------

    def _take(self, report: Report) -> None:
        self.rounds.take(report)
        self._topics |= self.fleet.reduce(report)

    def _taken(self) -> None:
        topics, self._topics = self._topics, set()
        self._stir(topics)

    def _stir(self, topics: set[str] | frozenset[str]) -> None:
        if topics:
            self.server.stir(topics)

    def _announce(self, job: Job) -> None:
        self._check_journal()
        self.server.announce(JobChanged(job=job))
        self.server.stir(("jobs",))

    def _set_notice(self, about: str, notice: str) -> None:
        if self._notices.get(about, "") == notice:
            return
        self._notices.pop(about, None)
        if notice:
            self._notices[about] = notice
            log.warning("%s", notice)
        self.server.stir(("worker",))

    # --- config ------------------------------------------------------------------------------------------------

    async def _look_at_config(self) -> None:
        if self._config_file is None:
            return
        edited = await asyncio.to_thread(self._config_file.look)
        if edited is not None:
            self._edited(edited)

    def _edited(self, edited: Edited) -> None:
        self._set_notice("config", edited.notice)
        if edited.config is None:
            return
        before, self.config = self.config, edited.config
        self.rules = gate.rules_of(edited.config)
        self.pool.apply(edited.config)
        self.engine.apply(edited.config)
        self.auditing.apply(edited.config.audit)
        self._stir(self.fleet.apply(edited.config))
        self.rounds.keep(self.fleet.hosts)
        self._set_notice("files", place.file_limit_notice(self._file_limit, len(edited.config.hosts)))
        applied = f"config applied: {difference(before, edited.config)}"
        log.info("%s", applied)
        for client in self.server.clients:
            client.announce(Note(text=applied, severity=0, read_only=self.service.begins_read_only(client)))
        self.server.stir(("worker", "hosts", "vms"))

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(self._logged(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _logged(self, work: Coroutine[None, None, None], name: str) -> None:
        try:
            await work
        except Exception:
            log.exception("%s", name)
