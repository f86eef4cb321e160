"""What is left of a failure of the console itself: one line to say, the trace in a log."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from kvmtui.text import clean

if TYPE_CHECKING:
    from pathlib import Path

LOG_MAX = 1_000_000
"""Bytes of the log; beyond that it begins anew."""


def record(error: BaseException, log: Path | None) -> str:
    """Write the trace of ``error``, without the values of variables, to ``log``; return the line that is said of it."""
    said = f"kvmtui: the console failed: {type(error).__name__}: {clean(str(error), 200)}"
    if log is None:
        return said
    try:
        mode = "a" if log.exists() and log.stat().st_size < LOG_MAX else "w"
        with log.open(mode, encoding="utf-8", errors="replace") as file:
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n{''.join(traceback.format_exception(error))}\n")
    except OSError as trouble:
        return f"{said} · its trace could not be written: {trouble.strerror}"
    return f"{said} · the trace is in {log}"
