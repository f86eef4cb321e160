"""Findings are looked for while somebody looks at them, one round at a time, with a rest after each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest

from kvmtui.fleet.findings import Board
from kvmtui.fleet.fleet import Fleet
from kvmtui.worker.checking import REST_S, Checking
from tests.unit.fleet_world import World, listed
from tests.unit.virtual_time import VirtualLoop, run


def test_rounds_are_shared_and_rest() -> None:
    """Who asks at the same time gets the same round; nobody asks: it rests; nothing new is no news."""

    async def main(loop: VirtualLoop) -> None:
        world = World("kvm1", "kvm2").up("kvm1", listed(1, persistent=False))
        world.surveys("kvm1", 1)
        news: list[float] = []
        checking = Checking(world.fleet, lambda: news.append(loop.time()))
        await asyncio.gather(checking.renewed(), checking.renewed())
        findings = world.fleet.findings
        assert {finding.check for finding in findings.rows.values()} >= {"transient", "out-of-sight"}
        assert len(news) == 1
        world.wait(1).lists("kvm1", listed(1))
        checking.look()
        await asyncio.sleep(0.1)
        assert "transient" in {finding.check for finding in findings.rows.values()}, "it rests"
        await asyncio.sleep(REST_S)
        checking.look()
        await asyncio.sleep(0.1)
        assert "transient" not in {finding.check for finding in findings.rows.values()}
        assert len(news) == 2
        await asyncio.sleep(REST_S)
        await checking.renewed()
        assert len(news) == 2

    run(main)


def test_a_round_that_fails_is_told_to_who_asked_and_not_begun_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log, once a minute at most."""

    class Broken:
        findings = Board()
        begun = 0

        def check(self) -> Iterator[None]:
            self.begun += 1
            yield
            raise ZeroDivisionError

    async def main(_loop: VirtualLoop) -> None:
        fleet = Broken()
        checking = Checking(cast("Fleet", fleet), lambda: None)
        with pytest.raises(ZeroDivisionError):
            await checking.renewed()
        checking.look()
        await asyncio.sleep(1)
        assert fleet.begun == 1
        assert "looking for findings" in caplog.text

    run(main)


def test_who_leaves_ends_no_round() -> None:
    """The others still wait for it."""

    async def main(_loop: VirtualLoop) -> None:
        world = World("kvm1").up("kvm1", listed(1, persistent=False))
        world.surveys("kvm1", 1)
        checking = Checking(world.fleet, lambda: None)
        leaves = asyncio.ensure_future(checking.renewed())
        await asyncio.sleep(0)
        leaves.cancel()
        await checking.renewed()
        assert "transient" in {finding.check for finding in world.fleet.findings.rows.values()}

    run(main)
