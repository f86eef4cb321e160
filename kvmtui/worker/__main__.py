"""The worker as it is started on demand: ``python -m kvmtui.worker CONFIG STATE SOCKET [--detach] [--idle S]``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kvmtui.paths import WorkerPaths
from kvmtui.worker.main import IDLE_S, run


def main() -> int:
    """Become the worker; with ``--detach`` in a process that belongs to nobody. Return the exit code."""
    config, state, socket, *options = sys.argv[1:]
    idle_s = float(options[options.index("--idle") + 1]) if "--idle" in options else IDLE_S
    if "--detach" in options and os.fork():
        os._exit(0)  # whoever started us waits for this process only
    os.chdir("/")
    return run(WorkerPaths(Path(config), Path(state), Path(socket)), foreground=False, idle_s=idle_s)


if __name__ == "__main__":
    sys.exit(main())
