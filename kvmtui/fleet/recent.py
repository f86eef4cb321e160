"""The last quarter of an hour of figures, row by row.

A track keeps one point in COARSE_S of everything, and every point of what somebody follows: 30,000 VMs take about
3 KB each, whatever happens. Tracks of VMs go by UUID, so they go on where a VM moved to.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.model.host import Host
    from kvmtui.model.vm import Vm

SPAN_S = 900.0
COARSE_S = 10.0
_COARSE_SLACK = 0.8
"""A point this part of COARSE_S after the last one is taken for the next."""
FINE_POINTS = 450
FINE_TRACKS = 64
"""Rows whose every point is kept: those that were followed last."""
TRACKS_MAX = 40_000
GAP_POINTS = 3.5
"""Points that fail to come before it is a gap."""

VM_FIGURES = ("cpu_pct", "mem_pct", "disk_read_bps", "disk_write_bps", "net_rx_bps", "net_tx_bps")
HOST_FIGURES = ("cpu_pct", "mem_pct", "load_1m", "pressure_cpu_pct", "pressure_mem_pct", "pressure_io_pct")

Point = tuple[float | None, ...]
"""(seconds since the epoch, figure, …); None where nothing honest can be said."""

_NAN = math.nan


class Track:
    """A ring of points of one row; grows to ``size`` points, then the oldest give way."""

    __slots__ = ("_base", "_figures", "_next", "_size", "_times")

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = 0
        self._base = 0.0
        self._times = array("I")
        """Tenths of a second since ``_base``: good for 13 years."""
        self._figures = array("f")

    def __len__(self) -> int:
        return len(self._times)

    @property
    def last_at(self) -> float:
        """Time of the newest point; 0.0 if there is none."""
        return self._base + self._times[self._next - 1] / 10 if self._times else 0.0

    @property
    def first_at(self) -> float:
        """Time of the oldest point; infinite if there is none."""
        if not self._times:
            return math.inf
        return self._base + self._times[self._next if len(self._times) == self._size else 0] / 10

    def add(self, at: float, figures: tuple[float | None, ...]) -> None:
        """Add a point, newer than all others."""
        values = [_NAN if figure is None else figure for figure in figures]
        if not self._times:
            self._base = at
        since_base = round((at - self._base) * 10)
        if len(self._times) < self._size:
            self._times.append(since_base)
            self._figures.extend(values)
            self._next = len(self._times) % self._size
            return
        index = self._next
        self._times[index] = since_base
        self._figures[index * len(values) : (index + 1) * len(values)] = array("f", values)
        self._next = (index + 1) % self._size

    def points(self) -> Iterator[Point]:
        """Return all points, oldest first."""
        count = len(self._times)
        width = len(self._figures) // count if count else 0
        begin = self._next if count == self._size else 0
        for step in range(count):
            index = (begin + step) % count
            values = self._figures[index * width : (index + 1) * width]
            at = self._base + self._times[index] / 10
            yield (at, *[None if math.isnan(value) else round(value, 2) for value in values])


class Recent:
    """The tracks of all rows, by the row's key: (host, "") of a host, ("", UUID) of a VM."""

    def __init__(self) -> None:
        self._coarse: dict[tuple[str, str], Track] = {}
        self._fine: OrderedDict[tuple[str, str], Track] = OrderedDict()

    def add_vm(self, vm: Vm) -> None:
        """Add the present figures of a VM, as of its ``sampled``."""
        figures = (
            vm.cpu_pct, vm.mem_pct, vm.disk_read_bps, vm.disk_write_bps, vm.net_rx_bps, vm.net_tx_bps
        )  # fmt: skip
        self._add(("", vm.uuid), vm.sampled, figures)

    def add_host(self, host: Host) -> None:
        """Add the present figures of a host, as of its ``sampled``."""
        figures = (
            host.cpu_pct, host.mem_pct, host.load_1m,
            host.pressure_cpu_pct, host.pressure_mem_pct, host.pressure_io_pct,
        )  # fmt: skip
        self._add((host.name, ""), host.sampled, figures)

    def _add(self, key: tuple[str, str], at: float | None, figures: tuple[float | None, ...]) -> None:
        if at is None:
            return
        fine = self._fine.get(key)
        if fine is not None and at > fine.last_at:
            fine.add(at, figures)
        coarse = self._coarse.get(key)
        if coarse is None:
            if len(self._coarse) >= TRACKS_MAX:
                self._forget(at - SPAN_S)
                if len(self._coarse) >= TRACKS_MAX:
                    return
            coarse = self._coarse[key] = Track(round(SPAN_S / COARSE_S))
        elif at < coarse.last_at - SPAN_S:
            coarse = self._coarse[key] = Track(round(SPAN_S / COARSE_S))
            self._fine.pop(key, None)
        if at - coarse.last_at >= COARSE_S * _COARSE_SLACK:
            coarse.add(at, figures)

    def follow(self, host: str, uuid: str) -> None:
        """Keep every point of a VM, or of a host (``uuid`` ""), from now on."""
        key = _key(host, uuid)
        if key not in self._fine:
            self._fine[key] = Track(FINE_POINTS)
        self._fine.move_to_end(key)
        while len(self._fine) > FINE_TRACKS:
            self._fine.popitem(last=False)

    def points(self, host: str, uuid: str, after: float, now: float) -> list[Point]:
        """Return the points of a VM, or of a host (``uuid`` ""), newer than ``after`` and than SPAN_S, oldest first.

        Where points failed to come stands one whose figures are all None.
        """
        key = _key(host, uuid)
        fine = self._fine.get(key) or Track(1)
        coarse = self._coarse.get(key) or Track(1)
        fine_from = fine.first_at
        found = [point for point in coarse.points() if (point[0] or 0.0) < fine_from]
        found += fine.points()
        since = max(after, now - SPAN_S)
        return [point for point in _with_gaps(found) if (point[0] or 0.0) > since]

    def forget_old(self, now: float) -> None:
        """Drop tracks to which nothing came for SPAN_S."""
        self._forget(now - SPAN_S)

    def _forget(self, before: float) -> None:
        for tracks in (self._coarse, self._fine):
            for key in [key for key, track in tracks.items() if len(track) and track.last_at < before]:
                del tracks[key]


def _key(host: str, uuid: str) -> tuple[str, str]:
    return ("", uuid) if uuid else (host, "")


def _with_gaps(points: list[Point]) -> Iterator[Point]:
    last: float | None = None
    for point in points:
        at = point[0]
        assert at is not None
        if last is not None and at - last > COARSE_S * GAP_POINTS:
            yield (last + COARSE_S, *[None] * (len(point) - 1))
        last = at
        yield point
