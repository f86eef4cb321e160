"""What others ask of a connected host: an act, a look, a VM's XML."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kvmtui.actions import Lane as Carrier
from kvmtui.errors import LibvirtError, LinkError, OutcomeUnknownError, RefusedError
from kvmtui.hosts import hypervisor, looking
from kvmtui.hosts.deeds import Act
from kvmtui.hosts.lane import CallEndedError
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.poller import Poller
from kvmtui.model.host import LinkState
from kvmtui.model.seen import Fact, Seen

ASK_S = 2.0
"""How long a look waits for what only the VM's QEMU knows."""
ASKED = frozenset({Fact.JOB, Fact.AGENT})
"""What that is."""


class Calls:
    """Calls over the lanes of one host. Belongs to the hosts loop."""

    def __init__(
        self, where: str, lanes: Lanes, poller: Poller, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        """``changed`` is told that something was done: what was read before may not be so any more."""
        self._where = where
        self._lanes = lanes
        self._poller = poller
        self._clock = clock
        self._changed = changed
        self._loop = asyncio.get_running_loop()

    async def act(
        self, uuid: str, call: str, args: tuple[int | str, ...], carrier: Carrier, deadline_s: float
    ) -> tuple[str, ...]:
        """Do something to a VM; the listing that follows comes early. Returns and raises as ``HostPool.act`` does."""
        if carrier is not Carrier.CONTROL and self._poller.held.full:
            raise LinkError(
                "not sent: calls to stuck VMs hold this host's libvirt",
                LinkState.UP,
                where=self._where,
                remedy="force the stuck VMs off, or let them go on",
            )
        act = Act(uuid, call, args)
        end = self._loop.time() + deadline_s
        try:
            async with self._lanes.control() if carrier is Carrier.CONTROL else self._lanes.action(end) as lane:
                told = await lane.call(act, end - self._loop.time())
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
            self._changed()
        if told.refused:
            raise RefusedError(told.refused, where=self._where)
        return told.left_undone

    async def look(self, uuid: str, deadline_s: float, facts: frozenset[Fact]) -> Seen:
        """Look at a VM. Raises as ``HostPool.look`` does."""
        self._refuse_if_blind()
        end = self._loop.time() + deadline_s
        try:
            async with self._lanes.control() as lane:
                at = self._clock()
                seen = await lane.call(lambda conn: looking.look(conn, uuid, at, facts), end - self._loop.time())
        except CallEndedError as error:
            self._note_blindness(error)
            raise self._unreached(error) from None
        if seen.exists and facts & ASKED:
            return await self._ask(seen, uuid, min(end, self._loop.time() + ASK_S), facts)
        return seen

    async def _ask(self, seen: Seen, uuid: str, end: float, facts: frozenset[Fact]) -> Seen:
        """Return ``seen`` with what only its QEMU knows, as far as that answers: never on the lane for control."""
        if self._poller.held.full:
            return seen
        try:
            async with self._lanes.action(end) as lane:
                return await lane.call(lambda conn: looking.ask(conn, seen, uuid, facts), end - self._loop.time())
        except CallEndedError as error:
            self._blame(uuid, error)
        except (LibvirtError, LinkError):
            pass
        return seen

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
