"""The console over a large fleet of the test driver, everything changing every second."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from tests.bench.figure import Figure, ms
from tests.bench.session import Session
from tests.bench.terminal import cpu_s

KEYS = ("j" * 40 + "k" * 20) * 2
VMS_PER_HOST = 30


@dataclass(frozen=True)
class Run:
    """What one fleet's size cost. Times in seconds, sizes in bytes, CPU in percent of a core."""

    latencies: list[float]
    bytes_a_key: float
    rss: int
    cpu_pct: float
    first_paint: float | None
    worker_cpu_pct: float

    @property
    def p95(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.95)]


def drive(vms: int) -> Run:
    """Open the console over ``vms`` VMs and move its cursor."""
    hosts = max(1, round(vms / VMS_PER_HOST))
    with Session(["demo", "--hosts", str(hosts), "--vms", str(vms)]) as session:
        session.wait_for_vms(vms)
        pid = session.status()["pid"]
        with session.console() as terminal:
            first = terminal.wait_for("hosts", 10)
            terminal.drain(0.5, 8)
            mine, theirs, began = terminal.cpu_s(), cpu_s(pid), time.monotonic()
            while time.monotonic() - began < 10:
                terminal.drain(1, 10 - (time.monotonic() - began))
            spent = time.monotonic() - began
            cpu_pct = 100 * (terminal.cpu_s() - mine) / spent
            worker_cpu_pct = 100 * (cpu_s(pid) - theirs) / spent
            pressed = [terminal.press(key) for key in KEYS]
            return Run(
                [latency for latency, _ in pressed],
                statistics.median(size for _, size in pressed),
                terminal.rss_bytes(),
                cpu_pct,
                first,
                worker_cpu_pct,
            )


def figures() -> list[Figure]:
    """Measure at 100 and at 10,000 VMs."""
    small, large = drive(100), drive(10_000)
    ratio = statistics.median(large.latencies) / statistics.median(small.latencies)
    return [
        Figure(
            "console over 10,000 VMs, 1 Hz tick: key to first byte",
            f"median {ms(statistics.median(large.latencies))}, p95 {ms(large.p95)}, worst {ms(max(large.latencies))}",
            f"100 VMs: median {ms(statistics.median(small.latencies))}, p95 {ms(small.p95)}",
            "p95 ≤ 10 ms",
            large.p95 <= 0.010,
        ),
        Figure("the same key at 10,000 and at 100 VMs", f"{ratio:.2f} ×", "", "≤ 1.2 ×", ratio <= 1.2),
        Figure(
            "console over 10,000 VMs: resident memory",
            f"{large.rss / 2**20:.0f} MiB",
            f"100 VMs: {small.rss / 2**20:.0f} MiB",
            "≤ 80 MB",
            large.rss <= 80_000_000,
        ),
        Figure(
            "console over 10,000 VMs: bytes a cursor move",
            f"{large.bytes_a_key:.0f} B",
            f"100 VMs: {small.bytes_a_key:.0f} B",
        ),
        Figure(
            "CPU over 10,000 VMs, nobody at the keys: console, worker",
            f"{large.cpu_pct:.1f} %, {large.worker_cpu_pct:.1f} %",
            f"100 VMs: {small.cpu_pct:.1f} %, {small.worker_cpu_pct:.1f} %",
        ),
    ]
