"""A home of its own for a benchmark's workers, on the machine or at a lab's seat."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.bench.watched import Watched

KVMTUI = str(Path(sys.executable).with_name("kvmtui"))


class Session:
    """Runs kvmtui with a state directory of its own. Use as a context manager: leaving it stops its worker."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str] | None = None,
        argv: Callable[[Sequence[str]], list[str]] = list,
    ) -> None:
        """``arguments``: what every call gets first (``--config F``); ``argv`` leads a command line to a seat."""
        self.home = Path(tempfile.mkdtemp(prefix="kvmtui-bench-"))
        self.env = dict(os.environ if env is None else env)
        for kind in ("CONFIG_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            folder = self.home / kind.lower()
            folder.mkdir(mode=0o700)
            self.env[f"XDG_{kind}"] = str(folder)
        self._arguments = list(arguments)
        self._argv = argv

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        """Return the command line for kvmtui with ``words``."""
        return self._argv([KVMTUI, *self._arguments, *words])

    def run(self, *words: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run kvmtui with ``words``."""
        return subprocess.run(
            self.command(*words), env=self.env, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def console(self, columns: int = 120, rows: int = 40) -> Watched:
        """Open the console on a pty."""
        return Watched(self.command(), self.env, columns, rows)

    def status(self) -> dict[str, Any]:
        """Return what ``worker status -o json`` says; {} if there is no worker."""
        done = self.run("worker", "status", "-o", "json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else {}
        return found

    def wait_for_vms(self, count: int, limit_s: float = 300.0) -> None:
        """Start the worker; return once it knows ``count`` VMs. Raises TimeoutError."""
        end = time.monotonic() + limit_s
        self.run("ls", "hosts", "--timeout", "10")
        while (known := self.status().get("vms", 0)) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"the worker knows {known} of {count} VMs after {limit_s:.0f} s")
            time.sleep(0.5)

    def stop(self) -> float:
        """Stop the worker by force; return the seconds until its process had gone (0 if there was none)."""
        pid = self.status().get("pid")
        if not pid:
            return 0.0
        began = time.monotonic()
        self.run("worker", "stop", "--force")
        while is_alive(pid):
            if time.monotonic() - began > 10:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        return time.monotonic() - began


def is_alive(pid: int) -> bool:
    """Return whether a process has not ended; whoever inherited it may not have taken notice of its end yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"
