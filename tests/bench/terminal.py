"""A full-screen program driven over a real pty, timed from outside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Terminal:
    """A program on a pty of its own. Use as a context manager: leaving it ends the program."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], columns: int = 120, rows: int = 40, *, read: bool = True
    ) -> None:
        self.began = time.monotonic()
        self.received = bytearray()
        """What it has written so far, at most the last 4 MiB."""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._reads = read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.drain(0.05, 0.05)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _take(self) -> int:
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return 0
        self.received += data
        if len(self.received) > 4 << 20:
            del self.received[: 2 << 20]
        return len(data)

    def drain(self, quiet_s: float, limit_s: float) -> int:
        """Read until nothing has come for ``quiet_s``, at most ``limit_s``; return the bytes read."""
        count, end = 0, time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], min(quiet_s, left))[0]:
                break
            got = self._take()
            if not got:
                break
            count += got
        return count

    def wait_for(self, text: str, limit_s: float) -> float | None:
        """Return the seconds from the program's start until ``text`` was on its way to the screen, or None."""
        wanted, end = text.encode(), time.monotonic() + limit_s
        while wanted not in self.received:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0] or not self._take():
                return None
        return time.monotonic() - self.began

    def press(self, key: str, limit_s: float = 2.0) -> tuple[float, int]:
        """Press a key; return the seconds until the first byte of the answer, and the bytes within 20 ms of quiet."""
        self.drain(0.0, 0.01)
        began = time.monotonic()
        os.write(self.fd, key.encode())
        if not select.select([self.fd], [], [], limit_s)[0]:
            return limit_s, 0
        latency = time.monotonic() - began
        return latency, self.drain(0.02, 0.3)

    def rss_bytes(self) -> int:
        """Return the resident memory of the program (VmRSS)."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def cpu_s(self) -> float:
        """Return the CPU seconds that the program has used so far."""
        return cpu_s(self.pid)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
