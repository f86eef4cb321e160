"""How late polls come while clients do not read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.wire.client import Client
from kvmtui.wire.line import greeting
from kvmtui.wire.messages import Jobs, OpenWindow, Query, Rows

if TYPE_CHECKING:
    from kvmtui.wire.client import Pushed
    from tests.bench.large import LargeFleet
    from tests.bench.watched import Watched

PERIOD_S = 1.0
_ROWS = 64
_PING_S = 0.05
_BEGIN_S = 3.0
"""How long it takes until what is looked at is asked in its own rhythm."""


class Lateness(NamedTuple):
    """Seconds by which polls came later than their period after the one before, and what an answer took."""

    polls: list[float]
    answers: list[float]


async def measure(socket: Path, seconds: float) -> Lateness:
    """Look at some VMs, ask for something small now and then; return how late polls and answers were."""
    read_at: dict[str, list[float]] = defaultdict(list)

    def take(message: Pushed) -> None:
        if isinstance(message, Rows):
            for _, key, cells in message.rows:
                at = cells[0]
                if isinstance(at, float) and (not read_at[key] or at > read_at[key][-1]):
                    read_at[key].append(at)

    client = await Client.connect(socket, greeting("bench"), take)
    answers: list[float] = []
    try:
        query = Query(resource="vms", columns=("sampled",), sort="name", filter="state:running", count=_ROWS)
        await client.call(OpenWindow(window=1, query=query))
        began = time.time()
        while time.time() - began < seconds + _BEGIN_S:
            asked = time.monotonic()
            await client.call(Jobs(limit=1))
            answers.append(time.monotonic() - asked)
            await asyncio.sleep(_PING_S)
    finally:
        await client.close()
    polls = [
        later - earlier - PERIOD_S
        for times in read_at.values()
        for earlier, later in pairwise(times)
        if earlier > began + _BEGIN_S
    ]
    return Lateness(polls, answers)


def lateness(fleet: LargeFleet, seconds: float) -> Lateness:
    """Measure while everybody reads."""
    return asyncio.run(measure(Path(fleet.session.status()["socket"]), seconds))


def lateness_deaf(fleet: LargeFleet, seconds: float, deaf: Watched, stopped: Watched) -> Lateness:
    """Measure while the terminal of ``deaf`` does not read what its keys bring about, and ``stopped`` is stopped."""
    os.kill(stopped.pid, signal.SIGSTOP)
    os.write(deaf.fd, b"jjjjjjjjjj")
    try:
        return lateness(fleet, seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped.pid, signal.SIGCONT)
