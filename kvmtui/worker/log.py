"""The worker's log: a file of bounded size, safe to show."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from kvmtui.text import clean

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

SIZE_MAX = 2 * 1024 * 1024
"""Bytes of a file; there are two, this one and the one before it."""
TRACE_LINES_MAX = 60

log = logging.getLogger(__name__)


class _Line(logging.Formatter):
    """One record, one line, and below it the lines of a traceback; nothing in it that a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        name = record.name.removeprefix("kvmtui.")
        line = f"{when}.{int(record.msecs):03d}Z {record.levelname.lower()} {name}: {clean(record.getMessage())}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n    {clean(each)}" for each in trace[-TRACE_LINES_MAX:])
        return line


class _File(RotatingFileHandler):
    """The file; what native code writes to our standard error goes along when it changes."""

    def __init__(self, path: Path, *, takes_stderr: bool) -> None:
        self._takes_stderr = takes_stderr
        super().__init__(path, maxBytes=SIZE_MAX, backupCount=1, encoding="utf-8", errors="backslashreplace")
        self._join()

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        super().doRollover()
        self._join()

    def _join(self) -> None:
        if self._takes_stderr and self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)


def open_log(path: Path, *, foreground: bool) -> None:
    """Log to ``path``, and to standard error too with ``foreground``. Raises OSError."""
    handlers: list[logging.Handler] = [_File(path, takes_stderr=not foreground)]
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_Line())
    logging.basicConfig(level=logging.INFO, handlers=handlers)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of each connection, and with it who logs in
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a full disk or a terminal that went away is no reason to say more
    faulthandler.enable(file=2)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("uncaught", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "?"
        log.critical("uncaught in thread %s", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
