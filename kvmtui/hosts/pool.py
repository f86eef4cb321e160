"""All hosts of a config, in a thread of their own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kvmtui.actions import VERBS
from kvmtui.actions import Lane as Carrier
from kvmtui.errors import LinkError, RefusedError, UsageError
from kvmtui.hosts.host import Host, Surroundings
from kvmtui.hosts.links import Links
from kvmtui.hosts.pace import Pace
from kvmtui.hosts.reports import Report
from kvmtui.hosts.survey import Turns
from kvmtui.model.host import LinkState
from kvmtui.model.seen import Fact, Seen

if TYPE_CHECKING:
    from kvmtui.config import Config
    from kvmtui.model.host_key import HostKey

logger = logging.getLogger(__name__)

T = TypeVar("T")

CALLS = frozenset(verb.call for verb in VERBS.values())
"""The methods of virDomain that may be called."""
STOP_S = 0.9
PACE_S = 5.0
TICK_S = 1.0
SLEPT_S = 10.0
"""A tick that is so late means that this machine was asleep, or this process stopped."""
WAKE_UP_PER_S = 20.0
"""Hosts that are connected to again in a second after that."""


def _awake_clock() -> float:
    """A clock that goes on while the machine sleeps, and that nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class HostPool:
    """The hosts of a config: reports come out, intents go in. Its methods belong to the serve loop."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        known_hosts: Path,
        deliver: Callable[[Report], None],
        clock: Callable[[], float] = time.time,
        awake: Callable[[], float] = _awake_clock,
    ) -> None:
        """``folder`` is for relays (short-lived sockets), ``known_hosts`` our own file; ``deliver`` is called in the
        hosts thread and must not block. ``clock`` dates the reports; ``awake`` runs on while the machine sleeps."""
        self._config = config
        self._folder = folder
        self._known_hosts = known_hosts
        self._deliver = deliver
        self._clock = clock
        self._awake = awake
        self._agents: tuple[str, ...] = ()
        self._hosts: dict[str, Host] = {}
        self._links: Links | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: Mapping[str, frozenset[str]] = {}
        self._pace = Pace()
        self._turns = Turns()
        self._tasks: list[asyncio.Task[None]] = []

    # --- from the serve loop ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the hosts thread; returns at once."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, args=(self._loop,), name="hosts", daemon=True).start()
        self._loop.call_soon_threadsafe(self._begin)

    async def stop(self) -> None:
        """End everything; takes less than a second, whatever the hosts do. What is under way raises."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        ended = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._end(), loop))
        await asyncio.wait((ended,), timeout=STOP_S)
        loop.call_soon_threadsafe(loop.stop)

    def apply(self, config: Config) -> None:
        """Put another config in force: only hosts that are new, gone or changed are touched."""
        self._post(self._apply, config)

    def watch(self, wanted: Mapping[str, frozenset[str]]) -> None:
        """Say which VMs are on a screen: host -> UUIDs. They get their statistics every ``watched_s``."""
        self._post(self._watch, dict(wanted))

    def offer_agents(self, paths: tuple[str, ...]) -> None:
        """Say which SSH agents clients offer, best first. Hosts that need a human are tried again when that changes."""
        self._post(self._offer_agents, paths)

    def reconnect(self, host: str) -> None:
        """Try a host again now; "" means all that are not up."""
        self._post(self._reconnect, host)

    async def act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Carrier, deadline_s: float
    ) -> tuple[str, ...]:
        """Call a method of a VM that changes something. Returns what of it was refused while the rest is done.

        Raises LibvirtError (libvirt said no), LinkError (not sent), OutcomeUnknownError (sent, no answer),
        RefusedError (not a method of any verb, or something that must not be done: not sent).
        """
        if call not in CALLS:
            raise RefusedError(f"{call} is not the call of any verb", where=host)
        return await self._cross(self._act(host, uuid, call, args, lane, deadline_s))

    async def look(self, host: str, uuid: str, deadline_s: float = 5.0, facts: frozenset[Fact] = frozenset()) -> Seen:
        """Look at a VM now, for its state and for ``facts``. Raises LinkError, LibvirtError."""
        return await self._cross(self._look(host, uuid, deadline_s, facts))

    async def xml(self, host: str, uuid: str, deadline_s: float = 5.0) -> str:
        """Read a VM's XML, without secrets and safe to show. Raises LinkError, LibvirtError."""
        return await self._cross(self._xml(host, uuid, deadline_s))

    async def host_keys(self, host: str) -> tuple[HostKey, ...]:
        """Ask a host, each jump host first, for its host key. Raises LinkError."""
        return await self._cross(self._host_keys(host))

    async def trust(self, address: str, port: int, fingerprint: str) -> None:
        """Add a host key that was shown to our own known_hosts file, then try the hosts that need a human again."""
        await self._cross(self._trust(address, port, fingerprint))

    def _post(self, function: Callable[..., None], *args: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function, *args)

    async def _cross(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise LinkError("not sent: the worker is stopping", LinkState.LOST)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    # --- in the hosts thread ---------------------------------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _begin(self) -> None:
        self._links = Links(self._known_hosts, lambda: self._agents)
        self._apply(self._config)
        duties = (self._keep_pace(), self._notice_sleep(), self._notice_trust())
        self._tasks = [asyncio.ensure_future(each) for each in duties]

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(host.stop() for host in self._hosts.values()))
        if self._links is not None:
            self._links.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=0.1)

    def _apply(self, config: Config) -> None:
        wanted = {each.name: each for each in config.hosts}
        for name, host in list(self._hosts.items()):
            if wanted.get(name) != host.config or config.demo != self._config.demo:
                del self._hosts[name]
                self._tasks = [task for task in self._tasks if not task.done()]
                self._tasks.append(asyncio.ensure_future(host.stop()))
            else:
                host.poller.periods = config.periods
                host.per_host = config.limits.per_host
        surroundings = Surroundings(self._the_links(), self._folder, self._deliver, self._clock, self._turns)
        self._config = config
        for each in config.hosts:
            if each.name not in self._hosts:
                host = Host(each, config.periods, config.limits.per_host, surroundings, demo=config.demo)
                self._hosts[each.name] = host
                host.poller.pace = self._pace.factor
                host.watch(self._watched.get(each.name, frozenset()))
                host.start()

    def _the_links(self) -> Links:
        if self._links is None:
            raise RuntimeError("the pool has not been started")
        return self._links

    def _host(self, name: str) -> Host:
        if name not in self._hosts:
            raise UsageError("there is no such host in the config", where=name)
        return self._hosts[name]

    def _watch(self, wanted: Mapping[str, frozenset[str]]) -> None:
        before, self._watched = self._watched, wanted
        for name in before.keys() | wanted.keys():
            if name in self._hosts and before.get(name) != wanted.get(name):
                self._hosts[name].watch(wanted.get(name, frozenset()))

    def _offer_agents(self, paths: tuple[str, ...]) -> None:
        if paths != self._agents:
            self._agents = paths
            self._retry_those_that_need_you()

    def _retry_those_that_need_you(self) -> None:
        for host in self._hosts.values():
            if host.state is LinkState.NEEDS_YOU:
                host.reconnect()

    def _reconnect(self, name: str) -> None:
        for host in self._hosts.values():
            if name in {"", host.config.name}:
                host.reconnect()

    async def _act(
        self, host: str, uuid: str, call: str, args: tuple[int | str, ...], lane: Carrier, deadline_s: float
    ) -> tuple[str, ...]:
        return await self._host(host).session().calls.act(uuid, call, args, lane, deadline_s)

    async def _look(self, host: str, uuid: str, deadline_s: float, facts: frozenset[Fact]) -> Seen:
        return await self._host(host).session().calls.look(uuid, deadline_s, facts)

    async def _xml(self, host: str, uuid: str, deadline_s: float) -> str:
        return await self._host(host).session().calls.xml(uuid, deadline_s)

    async def _host_keys(self, host: str) -> tuple[HostKey, ...]:
        return await self._host(host).host_keys()

    async def _trust(self, address: str, port: int, fingerprint: str) -> None:
        await self._the_links().trust(address, port, fingerprint)
        self._retry_those_that_need_you()

    async def _keep_pace(self) -> None:
        cpu_s, then = self._cpu_s(), time.monotonic()
        while True:
            await asyncio.sleep(PACE_S)
            now_cpu_s, now = self._cpu_s(), time.monotonic()
            spent_s, elapsed_s = max(0.0, now_cpu_s - cpu_s), now - then
            cpu_s, then = now_cpu_s, now
            if any(host.state is LinkState.CONNECTING for host in self._hosts.values()):
                continue  # what a start costs says nothing of what asking will
            before = self._pace.factor
            factor = self._pace.measured(spent_s, elapsed_s)
            if factor > 1.0 and before == 1.0:
                logger.info("asking this fleet takes the worker's share of the CPU: polls become rarer")
            for host in self._hosts.values():
                host.poller.pace = factor

    def _cpu_s(self) -> float:
        return time.thread_time() + sum(host.cpu_s for host in self._hosts.values())

    async def _notice_sleep(self) -> None:
        then = self._awake()
        while True:
            await asyncio.sleep(TICK_S)
            now = self._awake()
            if now - then >= SLEPT_S:
                logger.warning("asleep for %.0f s: connecting to all hosts again", now - then)
                for number, host in enumerate(self._hosts.values()):
                    host.slept(now - then, number / WAKE_UP_PER_S)
            then = now

    async def _notice_trust(self) -> None:
        """Our known_hosts file is one for all workers of a user: what another one was told to trust counts here too."""
        before = await asyncio.to_thread(_stamp, self._known_hosts)
        while True:
            await asyncio.sleep(TICK_S)
            now = await asyncio.to_thread(_stamp, self._known_hosts)
            if now != before:
                before = now
                self._retry_those_that_need_you()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what another content of a file makes another; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
