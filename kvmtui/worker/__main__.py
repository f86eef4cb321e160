"""The worker as its clients start it.

``python -m kvmtui.worker CONFIG STATE SOCKET [--detach] [--shared] [--idle S|never]``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kvmtui.paths import WorkerPaths
from kvmtui.worker.main import IDLE_S, run

FILES_OF_OTHERS = 1024
"""Descriptors below it that came from a shell or script are closed: who reads their other end would wait for us."""


def main() -> int:
    """Become the worker; with ``--detach`` in a process that belongs to nobody. Return the exit code."""
    config, state, socket, *options = sys.argv[1:]
    idle = options[options.index("--idle") + 1] if "--idle" in options else str(IDLE_S)
    if "--detach" in options:
        if os.fork():
            os._exit(0)  # whoever started us waits for this process only
        os.closerange(3, FILES_OF_OTHERS)
    os.chdir("/")
    places = WorkerPaths(Path(config), Path(state), Path(socket), shared="--shared" in options)
    return run(places, foreground=False, idle_s=None if idle == "never" else float(idle))


if __name__ == "__main__":
    sys.exit(main())
