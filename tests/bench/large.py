"""A worker of a large fleet of the test driver that is asked everything every second."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Self

from tests.bench.session import Session

if TYPE_CHECKING:
    from types import TracebackType

HOSTS = 1_000
_PERIODS = "periods: {state_s: 1, watched_s: 1, others_s: 1}\n"
SETTLE_S = 20.0
"""How long it is left alone after the start, so that its polls find their pace."""


class LargeFleet:
    """HOSTS hosts with so many VMs in all. Use as a context manager: leaving it ends the worker."""

    def __init__(self, vms: int) -> None:
        self.vms = vms
        self.session = Session([])
        self.pid = 0
        """The worker's process."""
        self.names: list[str] = []
        self.figures_s = 0.0
        """Median age of figures: of a VM asked every second it is half a second."""

    def __enter__(self) -> Self:
        session = self.session
        try:
            session.run("demo", "--hosts", str(HOSTS), "--vms", str(self.vms), "check")
            made = next(session.home.rglob(f"demo/*/{HOSTS}x{self.vms}/config.yaml"), None)
            made = made or next(session.home.rglob(f"{HOSTS}x{self.vms}/config.yaml"))
            config = session.home / "config.yaml"
            config.write_text(made.read_text(encoding="utf-8") + _PERIODS, encoding="utf-8")
            session.env["KVMTUI_CONFIG"] = str(config)
            session.wait_for_vms(self.vms)
            self.pid = session.status()["pid"]
            time.sleep(SETTLE_S)
            rows = json.loads(session.run("ls", "vms", "-o", "json").stdout)
            self.names = [row["name"] for row in rows]
            now = time.time()
            ages = sorted(now - row["sampled"] for row in rows if row["sampled"] is not None)
            self.figures_s = ages[len(ages) // 2]
        except BaseException:
            session.__exit__()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.__exit__()
