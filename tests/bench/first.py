"""The first VM of two SSH hosts on the screen, beside ``virsh list`` against one of them."""

from __future__ import annotations

import statistics
import time

from tests.bench.figure import Figure, ms
from tests.bench.session import Session
from tests.lab.cluster import Cluster
from tests.lab.play import write_config

ROUNDS = 7


def figures(lab: Cluster) -> list[Figure]:
    """Measure in a lab of two hosts that have a VM each, called needle-1 and needle-2."""
    config = write_config(lab)
    uri = f"{lab.host(1).uri()}?keyfile={lab.layout.identity}"
    cold, warm, virsh = [], [], []
    for _ in range(ROUNDS):
        with Session(["--config", str(config)], lab.seat.environment(), lab.seat.argv) as session:
            with session.console() as terminal:
                cold.append(terminal.wait_for("needle-", 20) or 20.0)
            with session.console() as terminal:
                warm.append(terminal.wait_for("needle-", 20) or 20.0)
        began = time.monotonic()
        lab.seat.run("virsh", "-c", uri, "list", "--all")
        virsh.append(time.monotonic() - began)
    ratio = statistics.median(cold) / statistics.median(virsh)
    return [
        Figure(
            "first VM of two SSH hosts on the screen, worker cold",
            f"{ms(statistics.median(cold))} ({ratio:.2f} ×)",
            f"`virsh -c qemu+ssh://… list` of one: {ms(statistics.median(virsh))}",
            "≤ 2 ×",
            ratio <= 2,
        ),
        Figure(
            "first VM of two SSH hosts on the screen, worker warm",
            ms(statistics.median(warm)),
            "",
            "≤ 300 ms",
            statistics.median(warm) <= 0.3,
        ),
    ]
