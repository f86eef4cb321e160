"""Reading definitions holds up nobody, whatever becomes of a call."""

from __future__ import annotations

from typing import Any, cast

from kvmtui.config import Periods
from kvmtui.errors import HostError, LibvirtError, LinkError
from kvmtui.hosts.definition import Reading
from kvmtui.hosts.held import HeldCalls
from kvmtui.hosts.lane import CallEndedError
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.poller import Poller
from kvmtui.hosts.reports import Definition, Report, Surveyed
from kvmtui.hosts.survey import FAILED_S, Turns
from kvmtui.hosts.surveyor import NO_WAY_S, Surveyor
from kvmtui.model.host import LinkState
from tests.unit.fleet_world import listed, uuid
from tests.unit.virtual_time import VirtualLoop, run

WELL = Reading(Definition(uuid=uuid(1)), "", 0.001)


class Host:
    """A host whose calls end as the test says, in their order; then well."""

    def __init__(self, loop: VirtualLoop, *outcomes: Reading | HostError) -> None:
        self.calls: list[float] = []
        """When one was made, or tried."""
        self.reports: list[Surveyed] = []
        self.poller = Poller(Periods(), HeldCalls())
        self._loop = loop
        self._outcomes = list(outcomes)
        lanes, turns = cast("Lanes", self), Turns(1000)
        self.surveyor = Surveyor("kvm1", lanes, self.poller, turns, self._deliver, loop.clock)

    def _deliver(self, report: Report) -> None:
        assert isinstance(report, Surveyed)
        self.reports.append(report)

    async def survey(self) -> Host:
        """The lane is the host itself."""
        return self

    async def call(self, _function: Any, deadline_s: float) -> Reading:
        assert deadline_s > 0
        self.calls.append(self._loop.time())
        outcome = self._outcomes.pop(0) if self._outcomes else WELL
        if isinstance(outcome, HostError):
            raise outcome
        return outcome

    async def live(self, seconds: float) -> None:
        """Let time pass."""
        task = self._loop.create_task(self.surveyor.run())
        end = self._loop.create_future()
        self._loop.call_later(seconds, end.set_result, None)
        await end
        task.cancel()


def test_a_call_without_an_answer_is_told_to_the_polls() -> None:
    """They make way for it; the VM is tried later, the others in their turn."""

    async def main(loop: VirtualLoop) -> None:
        ended = CallEndedError("no answer for 5 s", begun=True, timed_out=True, where="kvm1")
        host = Host(loop, ended)
        host.surveyor.listed([listed(1), listed(2)])
        await host.live(FAILED_S - 1)
        assert [report.failed for report in host.reports] == [((uuid(1), "no answer for 5 s"),), ()]
        assert host.poller.next(loop.time())
        assert len(host.calls) == 2
        await host.live(FAILED_S)
        assert len(host.calls) == 3

    run(main)


def test_what_cannot_be_read_has_a_reason() -> None:
    """Libvirt's own words; or what is wrong with its XML."""

    async def main(loop: VirtualLoop) -> None:
        host = Host(loop, LibvirtError("access denied", 88, 20), Reading(None, "its XML cannot be read: empty", 0.0))
        host.surveyor.listed([listed(1), listed(2)])
        await host.live(FAILED_S - 10)
        assert [why for report in host.reports for _, why in report.failed] == [
            "access denied",
            "its XML cannot be read: empty",
        ]

    run(main)


def test_without_a_way_it_waits() -> None:
    """A host that opens no connection more is not asked for one again and again."""

    async def main(loop: VirtualLoop) -> None:
        host = Host(loop, LinkError("libvirt does not answer", LinkState.NO_LIBVIRT))
        host.surveyor.listed([listed(1)])
        await host.live(NO_WAY_S + 1)
        assert len(host.calls) == 2
        assert host.calls[1] - host.calls[0] >= NO_WAY_S
        assert [len(report.vms) for report in host.reports] == [1]

    run(main)


def test_a_host_whose_calls_are_held_is_left_in_peace() -> None:
    """As long as stuck VMs hold as many as may be left behind."""

    async def main(loop: VirtualLoop) -> None:
        host = Host(loop)
        for number in (1, 2):
            host.poller.blame(uuid(number))
        host.surveyor.listed([listed(1), listed(2), listed(3)])
        await host.live(600)
        assert host.calls == []

    run(main)


def test_events_that_change_nothing_are_no_reason() -> None:
    """A pause is none; a definition, its metadata, a start and a stop are."""

    async def main(loop: VirtualLoop) -> None:
        host = Host(loop)
        host.surveyor.listed([listed(1)])
        await host.live(10)
        for kind in ("paused", "resumed", "rebooted"):
            host.surveyor.happened(uuid(1), kind)
        await host.live(10)
        assert len(host.calls) == 1
        for number, kind in enumerate(("defined", "metadata", "started", "stopped"), 2):
            host.surveyor.happened(uuid(1), kind)
            await host.live(10)
            assert len(host.calls) == number

    run(main)
