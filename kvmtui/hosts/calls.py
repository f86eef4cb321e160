"""What others ask of a connected host: an act, a look, a VM's XML."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kvmtui.actions import Lane as Carrier
from kvmtui.errors import LinkError, OutcomeUnknownError
from kvmtui.hosts import hypervisor
from kvmtui.hosts.lane import CallEndedError
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.poller import Poller
from kvmtui.hosts.reports import Seen
from kvmtui.model.host import LinkState


class Calls:
    """Calls over the lanes of one host. Belongs to the hosts loop."""

    def __init__(self, where: str, lanes: Lanes, poller: Poller, clock: Callable[[], float]) -> None:
        self._where = where
        self._lanes = lanes
        self._poller = poller
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    async def act(self, uuid: str, call: str, args: tuple[int, ...], carrier: Carrier, deadline_s: float) -> None:
        """Do something to a VM; the listing that follows comes early. Raises as ``HostPool.act`` does."""
        if carrier is not Carrier.CONTROL and self._poller.held.full:
            raise LinkError(
                "not sent: calls to stuck VMs hold this host's libvirt",
                LinkState.UP,
                where=self._where,
                remedy="force the stuck VMs off, or let them go on",
            )
        act = hypervisor.Act(uuid, call, args)
        end = self._loop.time() + deadline_s
        try:
            async with self._lanes.control() if carrier is Carrier.CONTROL else self._lanes.action(end) as lane:
                await lane.call(act, end - self._loop.time())
        except CallEndedError as error:
            self._blame(uuid, error)
            if act.left:
                raise OutcomeUnknownError(
                    f"{error.text}: it may or may not have happened",
                    where=self._where,
                    words=error.words,
                    remedy="look at the VM before anything else is done to it",
                ) from None
            raise self._unreached(error) from None
        finally:
            self._poller.event(self._loop.time())

    async def look(self, uuid: str, deadline_s: float) -> Seen:
        """Look at a VM. Raises as ``HostPool.look`` does."""
        self._refuse_if_blind()
        end = self._loop.time() + deadline_s
        try:
            async with self._lanes.control() as lane:
                at = self._clock()
                sight = await lane.call(lambda conn: hypervisor.look(conn, uuid), end - self._loop.time())
        except CallEndedError as error:
            self._note_blindness(error)
            raise self._unreached(error) from None
        return Seen(at=at, exists=sight.exists, state=sight.state, reason=sight.reason, name=sight.name)

    async def xml(self, uuid: str, deadline_s: float) -> str:
        """Read a VM's XML. Raises as ``HostPool.xml`` does."""
        self._refuse_if_blind()
        end = self._loop.time() + deadline_s
        try:
            async with self._lanes.action(end) as lane:
                return await lane.call(lambda conn: hypervisor.xml(conn, uuid), end - self._loop.time())
        except CallEndedError as error:
            self._note_blindness(error)
            raise self._unreached(error) from None

    def _blame(self, uuid: str, error: CallEndedError) -> None:
        """A call about one VM that was ended by its deadline may still hold one of libvirtd's workers."""
        if error.begun and error.timed_out:
            self._poller.blame(uuid)

    def _note_blindness(self, error: CallEndedError) -> None:
        """What only looks waits for no monitor: something else holds the VM, and held the call."""
        if error.begun and error.timed_out:
            self._poller.blinded(self._loop.time())

    def _refuse_if_blind(self) -> None:
        if self._poller.is_blind:
            text = "not sent: this host's libvirt tells of no VM at the moment"
            raise LinkError(text, LinkState.UP, where=self._where, remedy="wait until it lists its VMs again")

    def _unreached(self, error: CallEndedError) -> LinkError:
        return LinkError(error.text, LinkState.UP, where=self._where, words=error.words)
