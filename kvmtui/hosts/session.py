"""One stretch of time in which a host is connected: from its first listing until it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import NoReturn

from kvmtui.errors import LibvirtError, LinkError
from kvmtui.hosts import events, hypervisor
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.calls import Calls
from kvmtui.hosts.contract import Link
from kvmtui.hosts.inspection import inspect_for_ever
from kvmtui.hosts.lane import CallEndedError, Lane
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.poller import Kind, Poller, Task
from kvmtui.hosts.reports import Identity, LinkReport, Listed, Listing, Report, Sampling, Vitals
from kvmtui.hosts.survey import Turns
from kvmtui.hosts.surveyor import Surveyor
from kvmtui.hosts.synthetic import Synthetic
from kvmtui.hosts.vitals import VitalsSource
from kvmtui.model.host import LinkState
from kvmtui.model.vm import ACTIVE

logger = logging.getLogger(__name__)

FLAGS_S = 8.0
"""How long autostart, snapshots, saved images are believed where no event and no change of state says otherwise."""
CHECK_MOST_S = 1.0
"""Asking for the state of monitors, a call each, stops after so long."""
FIRST_LIST_S = 8.0
REGISTER_S = 5.0
IDENTIFY_S = 5.0
CLOSED_AGAIN_S = 5.0
"""A connection that libvirt has closed is opened again at once; one that it closes again so soon is not."""
IDENTIFY_AGAIN_S = 30.0
"""A libvirt that has just started asks every QEMU there is for its capabilities; what it has learnt it keeps."""


class Session:
    """A connected host. Belongs to the hosts loop; made for one connect and thrown away with it."""

    def __init__(
        self,
        name: str,
        link: Link | None,
        lanes: Lanes,
        *,
        poller: Poller,
        synthetic: Synthetic | None,
        turns: Turns,
        deliver: Callable[[Report], None],
        clock: Callable[[], float],
    ) -> None:
        """``link`` is connected, or None for the test driver. ``synthetic`` makes its figures up, if they shall be.
        ``turns`` are those of all hosts to read a definition."""
        self.name = name
        self.calls = Calls(name, lanes, poller, clock, self._acted)
        self._surveyor = Surveyor(name, lanes, poller, turns, deliver, clock)
        self._link = link
        self._lanes = lanes
        self._poller = poller
        self._synthetic = synthetic
        self._deliver = deliver
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._inbox = events.Inbox(self._loop, self._drain)
        self._dropped = 0
        self._lane: Lane | None = None
        self._listing: hypervisor.Listing | None = None
        self._vms: tuple[Listed, ...] = ()
        self._listed_at = 0.0
        self._flags_until = 0.0
        self._up = False
        self._identify_at: float | None = self._loop.time()
        self._facts: asyncio.Future[hypervisor.Facts] = self._loop.create_future()
        self._hampered = False
        self._opened_at = self._loop.time()
        self._over = False

    async def live(self) -> NoReturn:
        """Connect to libvirt, report what it says, until it is lost. Raises LinkError with the reason."""
        self._poller.restart(self._loop.time())
        self._lane = await self._lanes.open_poll(lambda _conn: None, first=True)
        await self._first_listing()
        try:
            await self._lane.call(self._register, REGISTER_S)
        except LibvirtError as error:
            logger.warning("%s: libvirt tells no events: %s", self.name, error)
        except CallEndedError as error:
            await self._reopen(error)
        duties = (self._poll(), self._read_vitals(), self._lanes.keep_swept(), self._surveyor.run())
        tasks = [asyncio.create_task(each) for each in duties]
        if self._link is not None:
            tasks.append(asyncio.create_task(self._notice_loss(self._link)))
            inspecting = inspect_for_ever(self.name, self._link, self._deliver, self._clock)
            tasks.append(asyncio.create_task(inspecting))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise AssertionError("none of them returns")

    async def close(self) -> None:
        """End its connections, in good order where that is quick; takes no longer than a lane's grace."""
        self._over = True
        await self._lanes.close()

    def cut(self) -> None:
        """End its connections now."""
        self._over = True
        self._lanes.cut()

    @property
    def cpu_s(self) -> float:
        """CPU time that its calls took in this process."""
        return self._lanes.cpu_s

    # --- polling ---------------------------------------------------------------------------------------------------

    @property
    def _poll_lane(self) -> Lane:
        if self._lane is None:
            raise RuntimeError("the session has not begun")
        return self._lane

    async def _first_listing(self) -> None:
        began = self._loop.time()
        step = self._poller.next(began)
        deadline_s = step.deadline_s if isinstance(step, Task) else 0.0
        step = Task(Kind.LIST, max(FIRST_LIST_S, deadline_s))
        try:
            await self._list(step)
        except CallEndedError as error:
            if error.timed_out:
                self._poller.ended(step, began, self._loop.time())
            text = "libvirt does not list its VMs"
            raise LinkError(text, LinkState.NO_LIBVIRT, where=self.name, words=error.words) from None

    def _register(self, conn: Conn) -> None:
        events.register(conn, self._inbox)

    async def _identify(self) -> None:
        at, self._identify_at = self._clock(), self._loop.time() + IDENTIFY_AGAIN_S
        facts = await self._poll_lane.call(hypervisor.identify, IDENTIFY_S)
        self._identify_at = None
        self._facts.set_result(facts)
        self._deliver(
            Identity(
                host=self.name,
                at=at,
                libvirt=facts.libvirt,
                hypervisor=facts.hypervisor,
                host_uuid=facts.host_uuid,
                cpus=facts.cpus,
                mem_total_bytes=facts.mem_total_bytes,
                invented=self._synthetic is not None,
            )
        )

    async def _try_to_identify(self) -> None:
        try:
            await self._identify()
        except LibvirtError as error:
            logger.warning("%s: what the host is cannot be read: %s", self.name, error)
        except CallEndedError as error:
            await self._reopen(error)

    async def _poll(self) -> NoReturn:
        while True:
            step = self._poller.next(self._loop.time())
            if not isinstance(step, Task):
                self._poller.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(step):
                        await self._poller.changed.wait()
                continue
            began = self._loop.time()
            try:
                await self._perform(step, began)
            except CallEndedError as error:
                if error.timed_out:
                    self._poller.ended(step, began, self._loop.time())
                await self._reopen(error)
            except LibvirtError as error:
                logger.warning("%s: %s: %s", self.name, step.kind.name.lower(), error)
                self._poller.failed(step, began)
            self._tell_whether_hampered()
            if self._identify_at is not None and self._loop.time() >= self._identify_at:
                await self._try_to_identify()

    async def _perform(self, step: Task, began: float) -> None:
        if step.kind is Kind.LIST:
            await self._list(step)
        elif step.kind is Kind.CHECK:
            uuids = self._poller.held.to_ask()
            answers = await self._poll_lane.call(
                lambda conn: hypervisor.controls(conn, uuids, CHECK_MOST_S), step.deadline_s
            )
            self._poller.checked(answers, began, self._loop.time())
        else:
            await self._sample(step, began)

    async def _list(self, step: Task) -> None:
        began, at = self._loop.time(), self._clock()
        try:
            before = self._listing if began < self._flags_until else None
            found = await self._poll_lane.call(lambda conn: hypervisor.listing(conn, before), step.deadline_s)
        except LibvirtError as error:
            text = "libvirt does not list its VMs"
            raise LinkError(text, LinkState.NO_LIBVIRT, where=self.name, words=error.words) from None
        if self._synthetic is not None:
            new = self._synthetic.unknown(found.vms)
            if new:
                self._synthetic.learn(await self._poll_lane.call(lambda conn: hypervisor.sizes(conn, new), IDENTIFY_S))
        if before is None:
            self._flags_until = began + FLAGS_S * self._poller.pace
        self._listing, self._vms, self._listed_at = found, found.vms, at
        active = (vm.uuid for vm in found.vms if vm.state in ACTIVE)
        spent_s = found.spent_s if self._synthetic is None else 0.0  # in this process: there is no libvirtd to spare
        self._poller.listed(began, spent_s, found.round_trip_s, active)
        if not self._up:
            self._up = True
            self._deliver(LinkReport(host=self.name, at=at, state=LinkState.UP))
        self._deliver(Listing(host=self.name, at=at, vms=self._vms))
        if before is None or found.vms is not before.vms:
            self._surveyor.listed(found.vms)

    async def _sample(self, step: Task, began: float) -> None:
        at, states_at, took_s = self._clock(), None, 0.0
        if self._synthetic is not None:
            vms, states_at = self._synthetic.counters(self._vms, step.uuids, at), self._listed_at
        else:
            vms, took_s = await self._poll_lane.call(
                lambda conn: hypervisor.sample(conn, step.uuids, step.groups), step.deadline_s
            )
        self._poller.sampled(step, began, took_s, len(vms))
        stuck = self._poller.held.stuck(self._loop.time())
        self._deliver(Sampling(host=self.name, at=at, vms=vms, states_at=states_at, stuck=stuck))

    async def _reopen(self, why: CallEndedError) -> None:
        """The lane that polls is over: open another one, at once. Raises LinkError if that cannot be."""
        logger.info("%s: the connection that polls has ended: %s", self.name, why)
        if self._link is not None and self._link.closed.done():
            raise self._link.closed.result()
        if not why.timed_out and self._loop.time() < self._opened_at + CLOSED_AGAIN_S:
            text = "libvirt closes the connection again and again"
            raise LinkError(text, LinkState.NO_LIBVIRT, where=self.name, words=why.words)
        self._opened_at = self._loop.time()
        self._lane = await self._lanes.open_poll(self._register, first=False)
        self._acted()  # events may have been lost

    def _tell_whether_hampered(self) -> None:
        if self._poller.held.full is self._hampered:
            return
        self._hampered = self._poller.held.full
        reason = remedy = ""
        if self._hampered:
            reason = "stuck VMs hold calls to its libvirt: until they let go, no CPU, memory or disk figures"
            remedy = "force the stuck VMs off, or let them go on"
        self._deliver(LinkReport(host=self.name, at=self._clock(), state=LinkState.UP, reason=reason, remedy=remedy))

    def _acted(self) -> None:
        """Something may have changed of which no event tells."""
        self._flags_until = 0.0
        self._poller.event(self._loop.time())

    # --- beside the polls ------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Something has come from libvirt's event loop."""
        at = self._clock()
        taken = self._inbox.take()
        if self._over:  # nothing is known of a host that is lost
            return
        for event in taken:
            self._surveyor.happened(event.uuid, event.kind)
            self._deliver(event.report(self.name, at))
        if self._inbox.dropped > self._dropped:
            logger.warning("%s: %d events found no room", self.name, self._inbox.dropped - self._dropped)
            self._dropped = self._inbox.dropped
        self._acted()

    async def _read_vitals(self) -> None:
        source = VitalsSource(self.name, self._link, lambda: self._poll_lane, await self._made_up_vitals())
        await source.tell(self._deliver, self._clock, self._poller)

    async def _made_up_vitals(self) -> Callable[[float], Vitals] | None:
        made_up = self._synthetic
        if made_up is None:
            return None
        facts = await asyncio.shield(self._facts)
        return lambda at: made_up.vitals(self.name, facts, self._vms, at)

    async def _notice_loss(self, link: Link) -> NoReturn:
        raise await asyncio.shield(link.closed)
