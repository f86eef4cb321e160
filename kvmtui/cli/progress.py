"""How far a job is, on the last line of a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.console.present.cells import plain, to_ascii
from kvmtui.console.present.jobs import counts, pace, progress_cell
from kvmtui.model.job import ENDED

if TYPE_CHECKING:
    from kvmtui.model.job import Job

_BAR = 24
"""Cells of bar and figures, where there is room."""
_COUNTED = ("total", "done", "failed", "unknown", "skipped", "not_begun", "rate", "left_s")


def progress_line(job: Job, width: int) -> str:
    """Return where a job stands in at most ``width`` cells: "⟳ ███▌···· 21/37 · 1 failed · about 40s left · …"."""
    values = {name: getattr(job, name) for name in _COUNTED}
    told = [progress_cell(values, max(len(f"{job.total}/{job.total}"), min(_BAR, width // 3)))]
    told += [part for part in plain(counts(values)).partition(": ")[2].split(" · ") if not part.endswith("done")]
    told += [pace(values, job.state)]
    told += [f"{VERBS[job.verb].title if job.verb in VERBS else job.verb} {job.subject}"]
    return text.fit(text.clean("⟳ " + " · ".join(part for part in told if part)), width).rstrip()


class ProgressLine:
    """One line that is written over in place, nothing of which stays; nothing at all where there is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_shown = False

    def show(self, job: Job) -> None:
        """Show where a job stands, as wide as the terminal is now."""
        width = self._width()
        if not width or job.state in ENDED:
            return
        line = progress_line(job, width - 1)  # a full line would leave the cursor on the next one
        if "utf" not in (self._stream.encoding or "").lower():
            line = to_ascii(line)
        self._write(f"\r\x1b[K{line}")
        self._is_shown = True

    def clear(self) -> None:
        """Leave the line empty."""
        if self._is_shown:
            self._write("\r\x1b[K")
            self._is_shown = False

    def _width(self) -> int:
        try:
            return (os.get_terminal_size(self._stream.fileno()).columns or 80) if self._stream.isatty() else 0
        except (OSError, ValueError):
            return 0

    def _write(self, what: str) -> None:
        self._stream.write(what)
        self._stream.flush()
