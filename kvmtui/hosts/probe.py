"""The figures of a host itself: its CPU, memory, load, pressure."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import psutil

from kvmtui.hosts.contract import Link, NoShellError
from kvmtui.hosts.local import LocalLink
from kvmtui.hosts.reports import Vitals

_PRESSURE = ("cpu", "memory", "io")
_FILES = ("/proc/stat", "/proc/meminfo", "/proc/loadavg", *(f"/proc/pressure/{name}" for name in _PRESSURE))
_COMMAND = ("head", "-n", "3", *_FILES)
"""Three lines of each: the CPUs' sum is in the first of stat, MemAvailable in the third of meminfo (Linux 3.14)."""
_LIMIT_BYTES = 65_536
_NUMBER_MAX = 1 << 63
"""Anything above was never counted."""


async def vitals(link: Link, at: float, deadline_s: float = 5.0) -> Vitals | None:
    """Return the host's counters, taken at ``at`` (the clock's time right before the call).

    One round trip; for this machine none. None if this host will not tell, now or later (no shell): the caller uses
    libvirt's figures then, and does not ask again on this link. Raises LinkError if the link is lost, or the host is
    slower than the deadline (state UP).
    """
    if isinstance(link, LocalLink):
        return await asyncio.to_thread(_local, link.name, at)
    try:
        done = await link.run(_COMMAND, deadline_s=deadline_s, limit_bytes=_LIMIT_BYTES)
    except NoShellError:
        return None
    found = parse(done.out, link.name, at)
    return None if found.total_ticks is None and found.mem_total_bytes is None else found


def parse(text: str, host: str, at: float) -> Vitals:
    """Return what the output of `head` over several /proc files says; None for what it does not say. Never raises."""
    files: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text[:_LIMIT_BYTES].splitlines():
        if (match := re.fullmatch(r"==> (\S+) <==", line)) is not None:
            lines = files.setdefault(match[1], [])
        elif line:
            lines.append(line)
    busy, total, steal = _cpu(files.get("/proc/stat", []))
    memory = _memory(files.get("/proc/meminfo", []))
    load = files.get("/proc/loadavg", [""])[:1]
    pressure = {name: _pressure(files.get(f"/proc/pressure/{name}", [])) for name in _PRESSURE}
    return Vitals(
        host=host,
        at=at,
        busy_ticks=busy,
        total_ticks=total,
        steal_ticks=steal,
        load_1m=_float(load[0].split(" ")[0], 1e6) if load else None,
        mem_total_bytes=memory.get("MemTotal"),
        mem_available_bytes=memory.get("MemAvailable"),
        pressure_cpu_pct=pressure["cpu"],
        pressure_mem_pct=pressure["memory"],
        pressure_io_pct=pressure["io"],
    )


def _cpu(lines: list[str]) -> tuple[int | None, int | None, int | None]:
    """(busy, total, steal) of the first line of /proc/stat; guest time is counted in user time already (proc(5))."""
    words = lines[0].split() if lines else []
    ticks = [value for word in words[1:9] if (value := _int(word)) is not None]
    if len(words) < 5 or words[0] != "cpu" or len(ticks) != len(words[1:9]):
        return None, None, None
    ticks += [0] * (8 - len(ticks))
    total = sum(ticks)
    return total - ticks[3] - ticks[4], total, ticks[7]


def _memory(lines: list[str]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB" and (kib := _int(words[0])) is not None:
            found[name] = kib * 1024
    return found


def _pressure(lines: list[str]) -> float | None:
    """avg10 of the line "some" of a PSI file, 0..100."""
    for line in lines:
        if (match := re.match(r"some avg10=([0-9.]{1,8}) ", line)) is not None:
            return _float(match[1], 100.0)
    return None


def _int(word: str) -> int | None:
    if not (word.isascii() and word.isdigit() and len(word) < 20):
        return None
    value = int(word)
    return value if value < _NUMBER_MAX else None


def _float(word: str, most: float) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", word) is None:
        return None
    return min(float(word), most)


def _local(host: str, at: float) -> Vitals:
    """The same of this machine. Ticks are hundredths of a second."""
    times = psutil.cpu_times()
    steal = getattr(times, "steal", 0.0)
    total = times.user + times.nice + times.system + times.idle + times.iowait + times.irq + times.softirq + steal
    memory = psutil.virtual_memory()
    pressure: dict[str, float | None] = {}
    for name in _PRESSURE:
        pressure[name] = None
        with contextlib.suppress(OSError):
            pressure[name] = _pressure(Path(f"/proc/pressure/{name}").read_text().splitlines())
    return Vitals(
        host=host,
        at=at,
        busy_ticks=round((total - times.idle - times.iowait) * 100),
        total_ticks=round(total * 100),
        steal_ticks=round(steal * 100),
        load_1m=os.getloadavg()[0],
        mem_total_bytes=memory.total,
        mem_available_bytes=memory.available,
        pressure_cpu_pct=pressure["cpu"],
        pressure_mem_pct=pressure["memory"],
        pressure_io_pct=pressure["io"],
    )
