"""Rows written for a terminal, for a script, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from kvmtui import text
from kvmtui.console.present.columns import Placed, header, place
from kvmtui.console.present.values import cells, shown
from kvmtui.model.columns import HIDDEN, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]

_DEMO = Column(id="demo", title="", kind=Kind.TEXT, width=4, priority=0, help="the figures are invented")


def write_table(
    stream: TextIO, columns: Sequence[Column], rows: Sequence[Row], now: float, *, demo: bool = False
) -> None:
    """Write a table: as wide as the terminal if it is one, else as wide as what is in it. Text is made safe again."""
    shown_columns = [column for column in columns if column.id != "demo"]
    if demo:
        shown_columns.append(_DEMO)
    safe = [_safe(row, demo=demo) for row in rows]
    width = _terminal_width(stream)
    placed = place(shown_columns, width) if width else _full_width(shown_columns, safe, now)
    stream.write(header(placed, "", descending=False).rstrip() + "\n")
    stream.writelines(" ".join(cells(placed, row, now)).rstrip() + "\n" for row in safe)


def _safe(row: Row, *, demo: bool) -> Row:
    """The worker made every word safe; this process believes no one either."""
    made: Row = {}
    for name, value in row.items():
        if isinstance(value, str):
            made[name] = text.clean(value)
        elif isinstance(value, list | tuple):
            made[name] = [text.clean(str(item)) for item in value]
        else:
            made[name] = value
    made["demo"] = "demo" if demo else ""
    return made


def _terminal_width(stream: TextIO) -> int:
    """Return the cells of a line of the terminal that ``stream`` is, 80 if it does not say; 0 if it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 0


def _full_width(columns: Sequence[Column], rows: Sequence[Row], now: float) -> tuple[Placed, ...]:
    placed: list[Placed] = []
    x = 0
    for column in columns:
        if column.priority >= HIDDEN:
            continue
        widest = max((text.width(shown(column.kind, row.get(column.id), now)) for row in rows), default=0)
        width = max(widest, text.width(column.title), 1)
        placed.append(Placed(column, x, width))
        x += width + 1
    return tuple(placed)


def write_json(stream: TextIO, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Write a list of objects in UTF-8, one a line, with ``names`` in that order."""
    lines = [msgspec.json.encode({name: row.get(name) for name in names}).decode() for row in rows]
    write_utf8(stream, "[" + ",\n ".join(lines) + "]\n")


def write_csv(stream: TextIO, rows: Iterable[Row], names: Sequence[str]) -> None:
    """Write CSV (RFC 4180) in UTF-8: a line of names, then values as they are; nothing is put before them.

    Unknown is empty, a list is joined by commas, yes and no are true and false.
    """
    whole = io.StringIO()
    writer = csv.writer(whole)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(row.get(name)) for name in names])
    write_utf8(stream, whole.getvalue())


def _plain(value: Any) -> str | int | float:  # noqa: ANN401 - a value of whatever kind
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, int | float) else str(value)


def write_line(stream: TextIO, told: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own, at once."""
    write_utf8(stream, msgspec.json.encode(told).decode() + "\n")


def write_utf8(stream: TextIO, whole: str) -> None:
    """Write to ``stream`` in UTF-8, whatever the terminal's own encoding is: what is for machines has one."""
    stream.flush()
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(whole)
    else:
        raw.write(whole.encode(errors="replace"))
        raw.flush()
