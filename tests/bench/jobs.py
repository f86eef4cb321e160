"""A job of many steps over hosts that answer at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from tests.bench.figure import Figure

STEPS = 30_000
HOSTS = 1_000


def figures() -> list[Figure]:
    """Measure in a process of its own, so that memory is that of the job."""
    with tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.jobs_probe", str(STEPS), str(HOSTS), folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    told = json.loads(done.stdout)
    rate = STEPS / told["took_s"]
    return [
        Figure(
            f"a job of {STEPS:,} steps on {HOSTS:,} hosts that answer at once, journal on",
            f"{rate:,.0f} steps a second",
            f"{told['took_s']:.1f} s in all",
            "≥ 1,000 a second",
            rate >= 1_000,
        ),
        Figure(
            f"a journal with {STEPS:,} steps that have not begun and as many that are done, read after a start",
            f"{told['replay_s']:.2f} s",
            "",
            "≤ 2 s",
            told["replay_s"] <= 2,
        ),
        Figure(
            f"memory of a job of {STEPS:,} steps while it runs",
            f"{told['bytes_a_step']:.0f} bytes a step",
            "",
            "≤ 1,024",
            told["bytes_a_step"] <= 1_024,
        ),
    ]
