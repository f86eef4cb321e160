"""Processes named so that a recycled number is never mistaken for one of ours."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


def boot_id() -> str:
    """This boot of the machine: what was recorded under another one is gone."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, state first; empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


@dataclass(frozen=True)
class Process:
    """One process: its number, with its start time in clock ticks since boot (field 22 of proc(5)'s stat)."""

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this number now."""
        fields = _stat(pid)
        return cls(pid, int(fields[19])) if fields else None

    @classmethod
    def parse(cls, text: str) -> Process | None:
        """Read back what `str()` gave; None for anything else."""
        words = text.split()
        return cls(int(words[0]), int(words[1])) if len(words) == 2 and all(w.isdigit() for w in words) else None

    def __str__(self) -> str:
        return f"{self.pid} {self.start}"

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        fields = _stat(self.pid)
        return bool(fields) and int(fields[19]) == self.start and fields[0] not in "ZX"

    def state(self) -> str:
        """The kernel's letter for its state (R, S, T, ...); empty when it is gone."""
        fields = _stat(self.pid)
        return fields[0] if fields else ""

    def name(self) -> str:
        """The command's name, as the kernel keeps it (15 characters at most)."""
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().rstrip("\n")
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def command_line(self) -> str:
        """Its arguments, each with a NUL behind it."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def every_process() -> Iterator[Process]:
    """All processes this machine shows."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (process := Process.of(int(entry.name))):
            yield process


def _inode(path: str) -> int:
    try:
        return Path(path).stat().st_ino
    except OSError:
        return 0


def in_pid_namespace(first: Process) -> list[Process]:
    """The processes that live in the PID namespace whose first process is `first`, itself included."""
    wanted = _inode(f"/proc/{first.pid}/ns/pid")
    return [p for p in every_process() if wanted and _inode(f"/proc/{p.pid}/ns/pid") == wanted]


def in_network(namespace: str) -> list[Process]:
    """The processes in a named network namespace, save this one with those that started it."""
    wanted = _inode(f"/run/netns/{namespace}")
    ours = set(_ancestors(os.getpid()))
    return [p for p in every_process() if wanted and p.pid not in ours and _inode(f"/proc/{p.pid}/ns/net") == wanted]


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0


def wait_gone(processes: Iterable[Process], timeout_s: float) -> bool:
    """Wait until none of them runs any more; False when the time is up first."""
    left = list(processes)
    end = time.monotonic() + timeout_s
    while True:
        left = [p for p in left if p.alive()]
        if not left:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.01)


def end_all(processes: Iterable[Process], grace_s: float = 2.0) -> None:
    """Ask them to end, then make them."""
    chosen = list(processes)
    for process in chosen:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)
    if not wait_gone(chosen, grace_s):
        for process in chosen:
            process.signal(signal.SIGKILL)
        wait_gone(chosen, 5.0)
