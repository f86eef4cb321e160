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
from kvmtui.wire.messages import ListRows, OpenWindow, Query

if TYPE_CHECKING:
    from tests.bench.large import LargeFleet
    from tests.bench.watched import Watched

PERIOD_S = 1.0
_ROWS = 200
_SCOPE = ("kvm1", "kvm2", "kvm3")
_ASK_S = 0.1
_BEGIN_S = 3.0
"""How long it takes until what is looked at is asked in its own rhythm."""


class Lateness(NamedTuple):
    """Seconds by which polls came later than their period after the one before; what a list of their times took."""

    polls: list[float]
    answers: list[float]


async def measure(socket: Path, seconds: float) -> Lateness:
    """Look at the VMs of some hosts, ask when they were last read; return how late polls and answers were.

    They are asked for by requests of their own: a window rests the longer the more others are open, and would pass over
    polls that came in time.
    """
    read_at: dict[tuple[object, object], list[float]] = defaultdict(list)
    client = await Client.connect(socket, greeting("bench"), lambda _: None)
    answers: list[float] = []
    query = Query(resource="vms", columns=("host", "uuid", "sampled"), scope=_SCOPE, count=_ROWS)
    try:
        await client.call(OpenWindow(window=1, query=query))
        began = time.time()
        while time.time() - began < seconds + _BEGIN_S:
            asked = time.monotonic()
            page = await client.call(ListRows(query=query))
            answers.append(time.monotonic() - asked)
            for host, uuid, at in page.rows:
                times = read_at[host, uuid]
                if isinstance(at, float) and (not times or at > times[-1]):
                    times.append(at)
            await asyncio.sleep(_ASK_S)
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
