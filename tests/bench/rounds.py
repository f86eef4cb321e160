"""A round of statistics over a host with 60 guests, beside ``virsh domstats`` with the same groups."""

from __future__ import annotations

import json
import re
import statistics
import sys

from tests.bench.figure import Figure, ms
from tests.lab.cluster import Cluster

ROUNDS = 15
TURNS = 3
GROUPS = "--state --cpu-total --balloon --vcpu --interface --block --nowait"


def ours(lab: Cluster) -> list[float]:
    """Return the seconds of ROUNDS rounds through a link, a relay and a lane of ours."""
    done = lab.seat.run(
        sys.executable,
        "-m",
        "tests.bench.round_probe",
        lab.host(1).uri(),
        lab.layout.identity,
        lab.layout.known_hosts,
        str(ROUNDS),
    )
    took: list[float] = json.loads(done.stdout)
    return took


def virsh(lab: Cluster) -> list[float]:
    """Return the seconds of ROUNDS rounds in one session of virsh, as virsh times them itself."""
    uri = f"{lab.host(1).uri()}?keyfile={lab.layout.identity}"
    done = lab.seat.run("virsh", "-t", "-c", uri, "; ".join([f"domstats {GROUPS}"] * ROUNDS))
    return [float(found) / 1000 for found in re.findall(r"\(Time: ([\d.]+) ms\)", done.stdout)]


def figures(lab: Cluster) -> list[Figure]:
    """Measure in a lab whose first host has 60 guests; ours and virsh's take turns."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        mine += ours(lab)
        theirs += virsh(lab)
    ratio = statistics.median(mine) / statistics.median(theirs)
    return [
        Figure(
            "a round of statistics over a host with 60 guests",
            f"{ms(statistics.median(mine))} ({ratio:.2f} ×)",
            f"`virsh domstats`, same groups: {ms(statistics.median(theirs))}",
            "≤ 1.15 ×",
            ratio <= 1.15,
        )
    ]
