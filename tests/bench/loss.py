"""How soon a host that is silent, frozen or cut is seen, with its neighbours undisturbed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.bench.figure import Figure
from tests.bench.session import Session
from tests.lab.cluster import Cluster
from tests.lab.play import write_config

LIMIT_S = 20.0


def hosts(session: Session) -> dict[str, dict[str, Any]]:
    """Return the rows of ``ls hosts`` by name."""
    rows: list[dict[str, Any]] = json.loads(session.run("ls", "hosts", "-o", "json", "--timeout", "0").stdout)
    return {row["name"]: row for row in rows}


def seen_after(session: Session, fault: Callable[[], None]) -> tuple[float, float]:
    """Cause a fault of kvm1; return the seconds until its link is no longer up, and kvm2's oldest age meanwhile."""
    fault()
    began, oldest = time.monotonic(), 0.0
    while time.monotonic() - began < LIMIT_S:
        rows = hosts(session)
        oldest = max(oldest, rows["kvm2"]["age_s"] or 0.0)
        if rows["kvm1"]["link"] != "up":
            break
        time.sleep(0.2)
    return time.monotonic() - began, oldest


def await_up(session: Session) -> None:
    """Wait until kvm1 is up again. Raises TimeoutError."""
    end = time.monotonic() + 90
    session.run("ls", "hosts")
    while hosts(session)["kvm1"]["link"] != "up":
        if time.monotonic() > end:
            raise TimeoutError("kvm1 does not come back")
        time.sleep(0.5)


def figures(lab: Cluster) -> list[Figure]:
    """Measure in a lab of two hosts."""
    config = write_config(lab)
    host = lab.host(1)
    faults: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
        ("cable cut", host.cut, host.heal),
        ("libvirtd frozen", host.freeze, host.thaw),
        ("host silent (sshd frozen)", host.mute, host.thaw),
    ]
    found = []
    with Session(["--config", str(config)], lab.seat.environment(), lab.seat.argv) as session:
        for name, fault, cure in faults:
            await_up(session)
            took, oldest = seen_after(session, fault)
            cure()
            found.append(
                Figure(
                    f"{name}: seen on its host",
                    f"{took:.1f} s",
                    f"the other host's data never older than {oldest:.1f} s",
                    "≤ 10 s",
                    took <= 10,
                )
            )
    return found
