"""Reports cross from one thread to the other in order, in batches, bounded."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from kvmtui.hosts.reports import Happened, LinkReport, Listing, Report, Sampling, Vitals
from kvmtui.model.host import LinkState
from kvmtui.worker.handover import EVENTS_MAX, SAMPLES_MAX, WAITING_MAX, Handover
from tests.worker.serving import until


class Taker:
    """What the serve loop was given."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.batches = 0

    def taken(self) -> None:
        self.batches += 1


async def test_many_threads_one_order() -> None:
    """What one thread gives arrives in its order, all of it, in far fewer wake-ups."""
    handover, taker = Handover(), Taker()
    handover.connect(asyncio.get_running_loop(), taker.reports.append, taker.taken)

    def give(host: str) -> None:
        for number in range(2000):
            handover.deliver(Vitals(host=host, at=float(number)))

    threads = [threading.Thread(target=give, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    await until(lambda: len(taker.reports) == 8000)
    for thread in threads:
        thread.join()
    for name in "abcd":
        assert [report.at for report in taker.reports if report.host == name] == [float(n) for n in range(2000)]
    assert taker.batches < 8000


async def test_one_bad_report_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is passed over, and the log says so."""
    handover, taken = Handover(), list[Report]()

    def take(report: Report) -> None:
        taken.append(report)
        if report.at == 1.0:
            raise ZeroDivisionError

    handover.connect(asyncio.get_running_loop(), take, lambda: None)
    for number in range(3):
        handover.deliver(Vitals(host="a", at=float(number)))
    await until(lambda: len(taken) == 3)
    handover.deliver(Vitals(host="a", at=3.0))
    await until(lambda: len(taken) == 4)
    assert "passed over" in caplog.text


async def test_what_came_before_the_loop_is_there_first() -> None:
    """Hosts begin before there is anybody to take their reports."""
    handover, taker = Handover(), Taker()
    handover.deliver(LinkReport(host="a", at=1.0, state=LinkState.UP))
    handover.deliver(Listing(host="a", at=2.0, vms=()))
    handover.connect(asyncio.get_running_loop(), taker.reports.append, taker.taken)
    assert [report.at for report in taker.reports] == [1.0, 2.0]
    handover.close()
    handover.deliver(Vitals(host="a", at=3.0))
    await asyncio.sleep(0)
    assert len(taker.reports) == 2


async def test_a_loop_that_does_not_come_round_loses_nothing_that_counts() -> None:
    """However much waits: the latest link and listing of each host stay, and the newest of the rest, in order."""
    handover, taker = Handover(), Taker()
    for number in range(WAITING_MAX * 3):
        host, at = f"h{number % 7}", float(number)
        handover.deliver(Sampling(host=host, at=at, vms=()))
        if number % 3 == 0:
            handover.deliver(Happened(host=host, at=at, uuid="u", name="n", kind="started"))
        if number % 100 == 0:
            handover.deliver(LinkReport(host=host, at=at, state=LinkState.UP))
            handover.deliver(Listing(host=host, at=at, vms=()))
    handover.connect(asyncio.get_running_loop(), taker.reports.append, taker.taken)
    await until(lambda: taker.reports[-1].at == WAITING_MAX * 3 - 1)
    kinds = Counter(type(report) for report in taker.reports)
    assert len(taker.reports) <= WAITING_MAX
    assert kinds[Happened] >= EVENTS_MAX
    assert kinds[Sampling] >= 7 * SAMPLES_MAX
    assert kinds[Listing] >= 7
    assert [report.at for report in taker.reports] == sorted(report.at for report in taker.reports)
    latest = {report.host: report.at for report in taker.reports if isinstance(report, Listing)}
    assert min(latest.values()) > WAITING_MAX * 3 - 1000
