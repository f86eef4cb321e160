"""Times rounds of statistics through a link, a relay, a lane: ``URI IDENTITY KNOWN_HOSTS ROUNDS``, JSON out."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from kvmtui.hosts import events, hypervisor
from kvmtui.hosts.binding import Conn
from kvmtui.hosts.lanes import Lanes
from kvmtui.hosts.links import Links
from kvmtui.hosts.uri import parse


async def measure(uri: str, identity: str, known_hosts: Path, rounds: int) -> list[float]:
    """Return the seconds of each round."""
    events.start()
    target = parse(uri)
    with tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as folder:
        links = Links(Path(folder) / "known_hosts", tuple)
        link = links.link("bench", target, identity_file=identity, known_hosts=str(known_hosts))
        await link.connect()
        lanes = Lanes("bench", target, link, Path(folder), read_only=False, per_host=1)
        try:
            lane = await lanes.open_poll(lambda _: None, first=True)
            took = []
            for _ in range(rounds):
                began = time.perf_counter()
                await lane.call(sample, 30)
                took.append(time.perf_counter() - began)
            return took
        finally:
            await lanes.close()
            link.abort()


def sample(conn: Conn) -> hypervisor.Sample:
    """Read what a full round reads."""
    return hypervisor.sample(conn, None, hypervisor.ALL_GROUPS)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))))
