"""Questions to a worker about itself, that never start one."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from kvmtui.errors import WorkerError
from kvmtui.wire import lockfile
from kvmtui.wire.line import CALL_S, Line, greeting
from kvmtui.wire.messages import Status, Stop, Stopping, WorkerStatus
from kvmtui.wire.spawn import find

if TYPE_CHECKING:
    from kvmtui.paths import WorkerPaths

_LEAVES_S = 5.0
_OBEYS_S = 3.0
_LOOK_S = 0.02


def status(paths: WorkerPaths) -> WorkerStatus | None:
    """Return what the worker says of itself, or None if there is none. Raises WorkerError: it does not answer."""
    line = _line(paths)
    if line is None:
        return None
    try:
        line.greet(greeting("cli"))
        return line.call(Status())
    finally:
        line.close()


def stop(paths: WorkerPaths, mode: str, *, answer_s: float = CALL_S) -> Stopping | None:
    """End the worker ("idle", "drain", "force", as in wire.messages.Stop); None if there is none.

    If it stops at once, it is gone when this returns. "force" also ends one that does not answer
    within ``answer_s``. Raises WorkerError.
    """
    try:
        line = _line(paths)
        if line is None:
            return None
        try:
            line.greet(greeting("cli"), answer_s)
            answer = line.call(Stop(mode=mode), answer_s)
            if answer.stopping and (mode != "drain" or not answer.jobs):
                line.wait_closed(_LEAVES_S)
                _wait_gone(paths, _LEAVES_S)
            return answer
        finally:
            line.close()
    except WorkerError:
        if mode != "force":
            raise
        _kill(paths)
        return Stopping(stopping=True)


def _line(paths: WorkerPaths) -> Line | None:
    line = find(paths)
    if line is None and (holder := lockfile.holder(paths.lock)) is not None:
        raise WorkerError(
            f"process {holder.pid} is the worker, and does not listen",
            where=str(holder.socket or paths.socket),
            remedy="kvmtui worker stop --force ends it",
        )
    return line


def _wait_gone(paths: WorkerPaths, patience_s: float) -> bool:
    ends = time.monotonic() + patience_s
    while lockfile.holder(paths.lock) is not None:
        if time.monotonic() > ends:
            return False
        time.sleep(_LOOK_S)
    return True


def _kill(paths: WorkerPaths) -> None:
    """End the process that holds the worker's lock: asked first, then not."""
    for number, patience_s in ((signal.SIGTERM, _OBEYS_S), (signal.SIGKILL, _LEAVES_S)):
        holder = lockfile.holder(paths.lock)
        if holder is None:
            return
        if holder.pid == 0:
            raise WorkerError("the lock is held by a process that does not say its number", where=str(paths.lock))
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.pid, number)
        if _wait_gone(paths, patience_s):
            return
    raise WorkerError("the worker cannot be ended", where=str(paths.lock))
