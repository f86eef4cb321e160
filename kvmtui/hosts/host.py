"""One host of the config: connected, lost, tried again for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.errors import HostError, LinkError
from kvmtui.hosts import uri
from kvmtui.hosts.held import HeldCalls
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.links import Links
from kvmtui.hosts.poller import Poller
from kvmtui.hosts.reports import LinkReport, Report
from kvmtui.hosts.retry import NEEDS_YOU_S, Retry
from kvmtui.hosts.session import Session
from kvmtui.hosts.survey import Turns
from kvmtui.hosts.synthetic import Synthetic
from kvmtui.model.host import LinkState
from kvmtui.text import duration

if TYPE_CHECKING:
    from kvmtui.config import HostConfig, Periods
    from kvmtui.hosts.contract import Link
    from kvmtui.model.host_key import HostKey

logger = logging.getLogger(__name__)

_REMEDIES = {
    LinkState.LOST: "look whether it is on and reachable; it is tried again by itself",
    LinkState.NO_LIBVIRT: "look at its libvirt: systemctl status libvirtd; it is tried again by itself",
}
"""What to do where the error itself says nothing better."""


class Surroundings(NamedTuple):
    """What all hosts of a pool share."""

    links: Links
    folder: Path
    """For relays."""
    deliver: Callable[[Report], None]
    clock: Callable[[], float]
    """Seconds since the epoch."""
    turns: Turns
    """To read a definition."""


class Host:
    """A host with its connection, or its tries to get one. Belongs to the hosts loop."""

    def __init__(
        self, config: HostConfig, periods: Periods, per_host: int, surroundings: Surroundings, *, demo: bool
    ) -> None:
        """At most ``per_host`` actions run at once; with ``demo`` the test driver's figures are made up."""
        self.config = config
        self.state = LinkState.CONNECTING
        self.per_host = per_host
        self._uri = uri.parse(config.uri)
        self._shared = surroundings
        self.poller = Poller(periods, HeldCalls())
        self._synthetic = Synthetic() if demo and self._uri.driver == "test" else None
        self._told: LinkReport | None = None
        self._session: Session | None = None
        self._link: Link | None = None
        self._retry = Retry()
        self._now = asyncio.Event()
        """Set when it is to be tried without waiting any longer."""
        self._slept: tuple[str, float] | None = None
        """Why the link was given up, and how long to wait: set when this machine had slept."""
        self._past_cpu_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._tell(LinkState.CONNECTING)
        self._task = asyncio.create_task(self._run(), name=f"host {self.config.name}")

    async def stop(self, within_s: float = 0.6) -> None:
        """End everything, in good order where that is quick."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=within_s)
        self._cut()

    def watch(self, uuids: frozenset[str]) -> None:
        """These VMs are on a screen."""
        self.poller.watch(uuids, self._loop.time())

    def reconnect(self) -> None:
        """Try again now, unless it is up."""
        if self.state is not LinkState.UP:
            self._now.set()

    def slept(self, seconds: float, wait_s: float) -> None:
        """This machine was asleep: nobody knows what became of the connection, so make a new one in ``wait_s``."""
        if self._link is not None:
            self._slept = (f"this machine slept for {duration(seconds)}", wait_s)
            self._cut()
        else:
            self._loop.call_later(wait_s, self.reconnect)

    def session(self) -> Session:
        """The connected host. Raises LinkError if it is not."""
        if self._session is None or self.state is not LinkState.UP:
            reason = self._told.reason if self._told is not None else ""
            text = f"not sent: the host is {self.state.value}"
            remedy = self._told.remedy if self._told is not None else ""
            raise LinkError(text, self.state, where=self.config.name, words=reason, remedy=remedy)
        return self._session

    async def host_keys(self) -> tuple[HostKey, ...]:
        """Ask for its host keys. Raises LinkError."""
        link = self._new_link()
        if link is None:
            return ()
        try:
            return await link.fetch_host_keys()
        finally:
            link.abort()

    @property
    def cpu_s(self) -> float:
        """CPU time that its calls took in this process, ever."""
        return self._past_cpu_s + (self._session.cpu_s if self._session is not None else 0.0)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            began = self._loop.time()
            error = await self._try()
            up_for_s = self._loop.time() - began if self.state is LinkState.UP else 0.0
            wait_s = self._tell_why(error)
            if wait_s is None:
                wait_s = self._retry.wait_s(self.state, up_for_s)
            self._now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._now.wait()

    async def _try(self) -> HostError:
        """Connect and stay connected; returns what ended it."""
        try:
            await self._live()
        except HostError as error:
            return error
        except Exception:  # the top of the host's task: it is tried again for ever
            logger.exception("%s", self.config.name)
            return LinkError("an error inside kvmtui, see the worker's log", LinkState.LOST, where=self.config.name)
        raise AssertionError("a session ends with an error")

    def _tell_why(self, error: HostError) -> float | None:
        """Report why it is not up; returns how long to wait, if that has been said already."""
        if self._slept is not None:
            (why, wait_s), self._slept = self._slept, None
            self._tell(LinkState.CONNECTING, why)
            return wait_s
        state = error.state if isinstance(error, LinkError) else LinkState.LOST
        reason = f'{error.text}: "{error.words}"' if error.words else error.text
        remedy = error.remedy or _REMEDIES.get(state, "")
        if state is LinkState.NEEDS_YOU:
            again = f"tried again every {duration(NEEDS_YOU_S)}"
            self._tell(state, reason, f"{remedy} · {again}" if remedy else again)
        else:
            lost = state in {LinkState.UP, LinkState.CONNECTING}
            self._tell(LinkState.LOST if lost else state, reason, remedy)
        return None

    def _tell(self, state: LinkState, reason: str = "", remedy: str = "") -> None:
        report = LinkReport(host=self.config.name, at=self._shared.clock(), state=state, reason=reason, remedy=remedy)
        self.state = state
        self._deliver(report)

    def _deliver(self, report: Report) -> None:
        if isinstance(report, LinkReport):
            self.state = report.state
            if self._told is not None and (report.state, report.reason, report.remedy) == (
                self._told.state,
                self._told.reason,
                self._told.remedy,
            ):
                return
            self._told = report
        self._shared.deliver(report)

    def _new_link(self) -> Link | None:
        if self._uri.driver == "test":
            return None
        return self._shared.links.link(
            self.config.name,
            self._uri,
            identity_file=self.config.identity_file,
            known_hosts=self.config.known_hosts,
            jump=self.config.jump,
        )

    async def _live(self) -> None:
        self._link = self._new_link()
        try:
            if self._link is not None:
                await self._link.connect()
            lanes = Lanes(
                self.config.name,
                self._uri,
                self._link,
                self._shared.folder,
                read_only=self.config.access == "ro",
                per_host=self.per_host,
            )
            self._session = Session(
                self.config.name,
                self._link,
                lanes,
                poller=self.poller,
                synthetic=self._synthetic,
                turns=self._shared.turns,
                deliver=self._deliver,
                clock=self._shared.clock,
            )
            await self._session.live()
        except LinkError:
            # whatever a call made of it: if the link is gone, that is the reason
            if self._session is not None and self._link is not None and self._link.closed.done():
                raise self._link.closed.result() from None
            raise
        finally:
            await self._leave()

    async def _leave(self) -> None:
        session, self._session = self._session, None
        link, self._link = self._link, None
        try:
            if session is not None:
                self._past_cpu_s += session.cpu_s
                await session.close()
        finally:
            if link is not None:
                link.abort()

    def _cut(self) -> None:
        if self._session is not None:
            self._session.cut()
        if self._link is not None:
            self._link.abort()
