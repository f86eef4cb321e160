"""A client meets a worker of another version."""

from __future__ import annotations

import asyncio

import pytest

import kvmtui
from kvmtui.errors import KvmtuiError, WorkerError
from kvmtui.paths import make_private
from kvmtui.wire.line import Line
from kvmtui.wire.messages import Status
from tests.worker.home import RUNNING, Home
from tests.worker.serving import Desk, job, serving


async def _attach_to(home: Home, desk: Desk) -> Line:
    """Attach while a worker of the desk's version listens, which ends when it is asked to."""
    make_private(home.paths.socket.parent)
    async with serving(home.paths.socket, desk) as server:

        async def end() -> None:
            await desk.stopped.wait()
            await asyncio.sleep(0)  # its answer leaves first
            await server.close()

        ending = asyncio.create_task(end())
        try:
            return await asyncio.to_thread(home.attach)
        finally:
            ending.cancel()


async def test_an_idle_older_worker_is_replaced(home: Home) -> None:
    """It is asked to end, and one of this version is started in its place."""
    home.configure(home.host("a", RUNNING))
    desk = Desk()
    desk.version = "0.0.9"
    line = await _attach_to(home, desk)
    assert desk.stopped.is_set()
    assert line.welcome is not None
    assert line.welcome.version == kvmtui.__version__
    assert line.call(Status()).pid > 1


async def test_a_busy_older_worker_is_named_with_its_jobs(home: Home) -> None:
    """Nothing is ended; the way out is told."""
    home.configure(home.host("a", RUNNING))
    desk = Desk()
    desk.version, desk.jobs = "0.0.9", (job(7),)
    with pytest.raises(WorkerError) as told:
        await _attach_to(home, desk)
    assert "j7 start" in told.value.text
    assert "worker stop --drain" in told.value.remedy


async def test_a_newer_worker_is_left_alone(home: Home) -> None:
    """It is this program that is old."""
    home.configure(home.host("a", RUNNING))
    desk = Desk()
    desk.version = "99.0"
    with pytest.raises(KvmtuiError, match=r"99\.0"):
        await _attach_to(home, desk)
    assert not desk.stopped.is_set()
