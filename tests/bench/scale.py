"""What the console takes over large fleets that change every second, beside a DataTable with as many rows."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kvmtui.console.present.frame import Box, divide
from tests.bench import stalled
from tests.bench.figure import Figure, ms
from tests.bench.large import HOSTS, LargeFleet
from tests.bench.seat import PAGE_DOWN, QUIET_S, Seat, Times
from tests.bench.stalled import Lateness
from tests.bench.terminal import cpu_s
from tests.bench.watched import Watched

SIZES = (10_000, 30_000)
COLUMNS, LINES = 120, 40
_KEYS = ("j" * 18 + "k" * 18) * 6
_WORDS = ("web-12", "app-3", "12", "e1", "db-2")
_PAGES = 60
_FLIGHT_S = 10.0
_IDLE_S = 20
_FIRST = 7
_HOME = "\x1b[H"
_TURNED = COLUMNS * LINES // 5
"""Cells that look otherwise after htop has turned a page, at least: less is only its cursor that moved."""
_DEAF_S = 60.0
_PLACE = 8 + 6 + 41 + 4 + 5


@dataclass
class Run:
    """What a program took over a list of one size. Seconds, bytes, percent of a core."""

    keys: Times = field(default_factory=Times)
    pages: Times = field(default_factory=Times)
    letters: Times = field(default_factory=Times)
    holes: Times = field(default_factory=Times)
    first: list[float] = field(default_factory=list)
    rss: int = 0
    cpu_pct: float = 0.0
    tick_bytes: float = 0.0
    """Bytes a second while nobody is at the keys."""
    tick_cells: float = 0.0
    """Cells a second that look otherwise than before."""
    tick_places: float = 0.0
    """Runs of such cells."""
    ansi_page: float = 0.0
    worker_pct: float = 0.0
    figures_s: float = 0.0
    """Median age of the figures of all VMs."""
    names: list[str] = field(default_factory=list)
    calm: Lateness | None = None
    deaf: Lateness | None = None


def _console_box() -> Box:
    return divide(COLUMNS, LINES, pane="vms", bottom="metrics", zoomed=False).boxes["vms"]


def _rest(terminal: Watched, seconds: int, run: Run) -> None:
    """Watch it while nobody is at the keys; cells are counted each time that something was painted."""
    mine, began, received, cells, places = terminal.cpu_s(), time.monotonic(), terminal.count, 0, 0
    while (left := began + seconds - time.monotonic()) > 0:
        before = terminal.screen.copy()
        if terminal.step(left):
            terminal.drain(QUIET_S, 0.5)
            cells += terminal.screen.changed_since(before)
            places += terminal.screen.places_since(before)
    spent = time.monotonic() - began
    run.cpu_pct = 100 * (terminal.cpu_s() - mine) / spent
    run.tick_bytes = (terminal.count - received) / spent
    run.tick_cells = cells / spent
    run.tick_places = places / spent


def drive(vms: int, *, deaf: bool) -> Run:
    """Measure the console over ``vms`` VMs; ``deaf``: and what the worker notices of terminals that do not read."""
    run = Run()
    with LargeFleet(vms) as fleet:
        session, run.figures_s, run.names = fleet.session, fleet.figures_s, fleet.names
        for _ in range(_FIRST):
            with session.console(COLUMNS, LINES) as terminal:
                run.first.append(Seat(terminal, _console_box()).await_rows() or 30.0)
                terminal.drain(0.3, 2)
        with session.console(COLUMNS, LINES) as terminal:
            seat = Seat(terminal, _console_box())
            seat.await_rows()
            terminal.drain(0.5, 5)
            worker, began = cpu_s(fleet.pid), time.monotonic()
            _rest(terminal, _IDLE_S, run)
            run.worker_pct = 100 * (cpu_s(fleet.pid) - worker) / (time.monotonic() - began)
            run.keys = seat.keys(_KEYS)
            run.pages = seat.pages(_PAGES)
            run.holes = seat.flight(_FLIGHT_S)
            run.letters = seat.letters(_WORDS, fleet.names)
            run.rss = terminal.rss_bytes()
        theme, session.env["KVMTUI_THEME"] = session.env.get("KVMTUI_THEME"), "ansi-16"
        with session.console(COLUMNS, LINES) as terminal:
            seat = Seat(terminal, _console_box())
            seat.await_rows()
            run.ansi_page = seat.pages(20).bytes
        session.env.pop("KVMTUI_THEME")
        if theme is not None:
            session.env["KVMTUI_THEME"] = theme
        if deaf:
            run.calm = stalled.lateness(fleet, _DEAF_S / 3)
            with session.console(COLUMNS, LINES) as first, session.console(COLUMNS, LINES) as second:
                for terminal in (first, second):
                    Seat(terminal, _console_box()).await_rows()
                run.deaf = stalled.lateness_deaf(fleet, _DEAF_S, first, second)
    return run


def data_table(vms: int, names: list[str]) -> Run:
    """Measure a plain program on Textual's DataTable with as many rows."""
    run = Run()
    with tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as folder:
        file = Path(folder) / "names.json"
        file.write_text(json.dumps(names[:vms]), encoding="utf-8")
        command = [sys.executable, "-m", "tests.bench.data_table", str(file)]
        with Watched(command, os.environ, COLUMNS, LINES) as terminal:
            seat = Seat(terminal, Box(0, 2, COLUMNS, LINES - 2))
            run.first.append(seat.await_rows(120) or 120.0)
            terminal.drain(0.5, 5)
            _rest(terminal, 5, run)
            run.keys = seat.keys(_KEYS[:72])
            run.pages = seat.pages(20)
            run.letters = seat.letters(_WORDS[:1], names[:vms])
            run.rss = terminal.rss_bytes()
    return run


@contextmanager
def _processes(count: int) -> Iterator[None]:
    """Have so many more processes on the machine: htop's list shall be longer than its screen."""
    idle = [subprocess.Popen(["sleep", "600"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in idle:
            process.kill()
            process.wait()


def htop() -> Times | None:
    """Time htop's own page down; None where it is not installed."""
    if shutil.which("htop") is None:
        return None
    times = Times()
    with (
        _processes(3 * LINES),
        tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as folder,
        Watched(["htop", "-d", "100"], {**os.environ, "HOME": folder}, COLUMNS, LINES) as terminal,
    ):
        terminal.drain(0.5, 5)
        for _ in range(20):
            terminal.type(_HOME)  # the list may be short: each page is turned from the top
            terminal.drain(0.1, 0.5)
            shown = terminal.screen.copy()
            began, before = terminal.type(PAGE_DOWN), terminal.count
            terminal.drain(QUIET_S, 0.5)
            if terminal.screen.changed_since(shown) >= _TURNED:
                times.taken.append(terminal.last_at - began)
                times.sizes.append(terminal.count - before)
    return times if times.taken else None


def _times(times: Times) -> str:
    if not times.taken:
        return "never"
    return f"median {ms(times.median)}, p95 {ms(times.p95)}, worst {ms(times.worst)}"


def _beside(ours: float, plain: Times, other: Times | None = None) -> str:
    said = f"DataTable: {_times(plain)} ({plain.p95 / ours:.1f} ×)"
    if other is None:
        return said
    return f"{said}; htop over its processes: {_times(other)} ({other.p95 / ours:.1f} ×)"


def _of_size(vms: int, run: Run, plain: Run, other: Times | None) -> list[Figure]:
    over = f"{vms:,} VMs"
    keys, pages, letters, holes = run.keys, run.pages, run.letters, run.holes
    first, place = statistics.median(run.first), run.tick_bytes / max(1.0, run.tick_places)
    pages_beside = _beside(pages.p95, plain.pages, other)
    return [
        Figure(
            f"{over}: key to first byte",
            _times(keys),
            _beside(keys.p95, plain.keys),
            "median ≤ 3 ms, p95 ≤ 10, worst ≤ 30",
            keys.median <= 0.003 and keys.p95 <= 0.010 and keys.worst <= 0.030,
        ),
        Figure(
            f"{over}: page down, to the last byte of the new rows",
            _times(pages),
            pages_beside if other else f"{pages_beside}; htop is not installed",
            "p95 ≤ 15 ms",
            pages.p95 <= 0.015,
        ),
        Figure(
            f"{over}: page down held, 30 a second: rows missing on the screen",
            f"{len(holes.taken)} times in {_FLIGHT_S:.0f} s" + (f", at most {ms(holes.worst)}" if holes.taken else ""),
            "",
            "≤ 33 ms (two frames)",
            not holes.taken or holes.worst <= 0.033,
        ),
        Figure(
            f"{over}: a letter of a filter, to the new list and its count",
            _times(letters),
            _beside(letters.p95, plain.letters),
            "p95 ≤ 60 ms",
            letters.p95 <= 0.060,
        ),
        Figure(
            f"{over}: bytes of a cursor move; of a page; of a page in 16 colours",
            f"{keys.bytes:.0f}; {pages.bytes:.0f}; {run.ansi_page:.0f}",
            f"DataTable: {plain.keys.bytes:.0f}; {plain.pages.bytes:.0f}",
            "≤ 600; ≤ 11,000; ≤ 7,000",
            keys.bytes <= 600 and pages.bytes <= 11_000 and run.ansi_page <= 7_000,
        ),
        Figure(
            f"{over}: bytes of a second in which nobody does anything",
            f"{run.tick_bytes:.0f} for {run.tick_cells:.0f} changed cells in {run.tick_places:.0f} places: "
            f"{place:.0f} a place",
            f"DataTable: {plain.tick_bytes:.0f} for {plain.tick_cells:.0f} cells",
            f"≤ {_PLACE} a place: where it is, two colours, their end, a figure",
            place <= _PLACE,
        ),
        Figure(
            f"{over}: CPU of the console, nobody at the keys",
            f"{run.cpu_pct:.1f} %",
            f"DataTable: {plain.cpu_pct:.1f} %; the worker: {run.worker_pct:.0f} %",
            "≤ 6 %",
            run.cpu_pct <= 6,
        ),
        Figure(
            f"{over}: memory of the console, after all this",
            f"{run.rss / 1e6:.0f} MB",
            f"DataTable: {plain.rss / 1e6:.0f} MB",
            "≤ 80 MB",
            run.rss <= 80e6,
        ),
        Figure(
            f"{over}: the first picture with rows, worker warm",
            f"{ms(first)}",
            f"DataTable: {ms(plain.first[0])}",
            "≤ 300 ms",
            first <= 0.3,
        ),
        Figure(
            f"{over}, asked every second: median age of their figures, those on a screen aside",
            f"{run.figures_s:.1f} s",
            "the worker keeps to a quarter of a core",
        ),
    ]


def _deaf(run: Run) -> list[Figure]:
    assert run.calm is not None
    assert run.deaf is not None
    late = max(run.deaf.polls, default=float("nan"))
    answers = sorted(run.deaf.answers)
    return [
        Figure(
            "a minute with a terminal that does not read, and a client that is stopped: the latest poll of three hosts",
            f"{ms(late)} late, of {len(run.deaf.polls)} polls",
            f"when everybody reads: {ms(max(run.calm.polls, default=float('nan')))}",
            "≤ 100 ms",
            late <= 0.1,
        ),
        Figure(
            "the same minute: a list for another client",
            f"median {ms(answers[len(answers) // 2])}, worst {ms(answers[-1])}",
            f"when everybody reads: worst {ms(max(run.calm.answers))}",
        ),
    ]


def figures() -> Iterator[Figure]:
    """Measure at both sizes, on HOSTS hosts; each figure is given as soon as it is there."""
    other = htop()
    runs = []
    for vms in SIZES:
        run = drive(vms, deaf=vms == SIZES[-1])
        yield from _of_size(vms, run, data_table(vms, run.names), other)
        runs.append(run)
    small, large = runs
    memory, key = large.rss / small.rss, large.keys.median / small.keys.median
    yield Figure(
        f"{SIZES[1]:,} against {SIZES[0]:,} VMs on {HOSTS:,} hosts: memory; key",
        f"{memory:.2f} ×; {key:.2f} ×",
        "",
        "memory ≤ 1.1 ×",
        memory <= 1.1,
    )
    yield from _deaf(large)
