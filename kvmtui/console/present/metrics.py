"""The recent figures of one VM or host as a panel of graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console.present.cells import Line, Span, fit_line, line_width
from kvmtui.console.present.graphs import SPAN_S, braille, bridge, buckets, nice_top, peak_of
from kvmtui.console.present.values import STALE_S
from kvmtui.model.columns import Kind
from kvmtui.text import bytes_short, fit, number_short, pct

if TYPE_CHECKING:
    from collections.abc import Sequence

    Points = Sequence[tuple[float | None, ...]]

_LEAST = 24
"""Cells of a graph below which fewer stand side by side."""
_AXIS = 5
"""Cells of the scale at the left of a graph."""
_TALL = 20
"""Lines of a panel from which graphs stand in two rows rather than as columns."""
_SAMPLE_S = 10.0
"""Longest period between two samples of a healthy host."""


class Graph(NamedTuple):
    """One graph: one figure, or two that share a scale, the second hanging down."""

    title: str
    up: str
    role: str
    kind: Kind = Kind.PCT
    top: float | None = 100.0
    """The fixed top of the scale; None: what the highest value needs."""
    down: str = ""
    names: tuple[str, str] = ("", "")
    least: float = 0.0
    """Least top of a scale that is not fixed: what stays below it is not made to look like much."""


VM_GRAPHS = (
    Graph("cpu", "cpu_pct", "graph-cpu"),
    Graph("mem", "mem_pct", "graph-mem"),
    Graph("disk", "disk_read_bps", "graph-disk", Kind.BPS, None, "disk_write_bps", ("r", "w")),
    Graph("net", "net_rx_bps", "graph-net", Kind.BPS, None, "net_tx_bps", ("↓", "↑")),
)
HOST_GRAPHS = (
    Graph("cpu", "cpu_pct", "graph-cpu"),
    Graph("mem", "mem_pct", "graph-mem"),
    Graph("load", "load_1m", "graph-disk", Kind.NUMBER, None, least=1.0),
    Graph("pressure", "pressure_cpu_pct", "graph-net", Kind.PCT, None, "pressure_io_pct", ("cpu ", "io "), 5.0),
)


def amount(kind: Kind, value: float | None) -> str:
    """Return a figure with its unit: "87 %", "8.1M/s", "2.4"; "–" for None."""
    if value is None:
        return "–"
    if kind is Kind.PCT:
        return f"{pct(value)} %"
    return f"{bytes_short(value)}/s" if kind is Kind.BPS else number_short(value)


def panel(
    graphs: Sequence[Graph], figures: Sequence[str], points: Points, now: float, width: int, height: int
) -> list[Line]:
    """Return ``height`` lines of ``width`` cells: as many graphs side by side as there is room for."""
    across = max(1, min(len(graphs), width // _LEAST))
    if across == 3 or (across > 2 and height >= _TALL):
        across = 2
    down = -(-len(graphs) // across)
    while down > 1 and height // down < 2:
        down -= 1
    each, spare = divmod(height, max(1, down))
    lines: list[Line] = []
    for row in range(down):
        tall = each + (1 if row < spare else 0)
        blocks = []
        for place, graph in enumerate(graphs[row * across : (row + 1) * across]):
            wide = width * (place + 1) // across - width * place // across
            inner = wide - (1 if place + 1 < across else 0)
            blocks.append([fit_line(line, wide) for line in block(graph, figures, points, now, inner, tall)])
        lines += [fit_line([span for drawn in blocks for span in drawn[y]], width) for y in range(tall)]
    return lines[:height]


def block(graph: Graph, figures: Sequence[str], points: Points, now: float, width: int, height: int) -> list[Line]:
    """Return one graph in ``height`` lines: its present values and peak, then the graph with its scale."""
    places = [figures.index(name) + 1 for name in (graph.up, graph.down) if name in figures]
    if not places:
        head: Line = (Span(graph.title, "title"), Span(" not known of it", "faint"))
        return [fit_line(head, width)] + [fit_line((), width)] * (height - 1)
    last = points[-1] if points and now - (points[-1][0] or 0) <= STALE_S else None
    present = [last[place] if last else None for place in places]
    peaks = [peak_of(points, place) for place in places]
    highest = max((p for p in peaks if p is not None), default=0.0)
    top = graph.top or nice_top(max(highest, graph.least), binary=graph.kind is Kind.BPS)
    lines = [fit_line(_head(graph, present, peaks, width), width)]
    rows = height - 1
    if rows <= 0:
        return lines
    wide = max(1, width - _AXIS)
    each = [rows - rows // 2, rows // 2] if len(places) == 2 else [rows]
    for number, (place, tall) in enumerate(zip(places, each, strict=True)):
        if not tall:
            continue
        values = buckets(points, place, wide * 2, now)
        values = bridge(values, int(_SAMPLE_S / (SPAN_S / (wide * 2))) + 1)
        hanging = number == 1
        for y, drawn in enumerate(braille(values, tall, top, hanging=hanging)):
            edge = y == (tall - 1 if hanging else 0)
            scale = _scale(graph, top) if edge else "0" if y == tall - 1 and len(places) == 1 else ""
            lines.append(fit_line((Span(f"{scale:>{_AXIS - 1}} ", "faint"), Span(drawn, graph.role)), width))
    return lines


def _scale(graph: Graph, top: float) -> str:
    if graph.kind is Kind.BPS:
        return bytes_short(top)
    return f"{top:g}%" if graph.kind is Kind.PCT else number_short(top).removesuffix(".0")


def _head(graph: Graph, present: Sequence[float | None], peaks: Sequence[float | None], width: int) -> Line:
    """Return title, present values and peak; the peak gives way first."""
    said: list[Span] = [Span(graph.title, "title")]
    if len(present) == 2:
        unit = "/s" if graph.kind is Kind.BPS else " %" if graph.kind is Kind.PCT else ""
        for name, value in zip(graph.names, present, strict=True):
            said += [Span(f" {name}", "faint"), Span(amount(graph.kind, value).removesuffix(unit))]
        said.append(Span(unit, "faint"))
    else:
        said.append(Span(f" {amount(graph.kind, present[0])}"))
    highest = max((p for p in peaks if p is not None), default=None)
    used = line_width(said)
    peak = "peak –" if highest is None else f"peak {amount(graph.kind, highest)}"
    if len(present) == 2:
        peak = peak.removesuffix("/s")
    if used + len(peak) < width:
        said.append(Span(f"{peak:>{width - used}}", "faint"))
    return tuple(said)


def sentence(text: str, width: int, height: int) -> list[Line]:
    """Return ``text`` in the middle of an empty panel."""
    lines: list[Line] = [fit_line((), width)] * height
    if height > 0:
        cut = fit(text, min(width, len(text)))
        lines[(height - 1) // 2] = fit_line((Span(" " * ((width - len(cut)) // 2)), Span(cut, "faint")), width)
    return lines
