"""The same list as a plain program on Textual's DataTable: ``python -m tests.bench.data_table NAMES_FILE``.

It holds all rows, as its tutorial does; its figures are invented, and those on the screen change every second.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import DataTable, Input, Static

COLUMNS = ("name", "host", "state", "since", "cpu%", "cores", "steal", "mem%")
_FIGURES = range(4, 8)


class Plain(App[None]):
    """A table, a filter, a count."""

    CSS = "Input { height: 1; border: none; padding: 0; } Static { height: 1; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names
        self._dice = random.Random(1)

    def compose(self) -> ComposeResult:
        yield Static(id="count")
        yield Input(id="filter", disabled=True)
        yield DataTable(id="table", cursor_type="row")

    def on_mount(self) -> None:
        table = self._table
        table.add_columns(*COLUMNS)
        self._fill("")
        table.focus()
        self.set_interval(1.0, self._tick)

    @property
    def _table(self) -> DataTable[str]:
        return self.query_one(DataTable)

    def _fill(self, text: str) -> None:
        table = self._table
        table.clear()
        chosen = [name for name in self._names if text in name]
        table.add_rows([(name, "kvm1", "running", "3d", *self._figures()) for name in chosen])
        self.query_one("#count", Static).update(f"{len(chosen)} of {len(self._names)}")

    def _figures(self) -> list[str]:
        return [f"{self._dice.random() * 100:5.1f}" for _ in _FIGURES]

    def _tick(self) -> None:
        table = self._table
        first = int(table.scroll_offset.y)
        for row in range(first, min(first + table.size.height, table.row_count)):
            for column, figure in zip(_FIGURES, self._figures(), strict=True):
                table.update_cell_at((row, column), figure)  # type: ignore[arg-type]

    def on_key(self, event: Key) -> None:
        typed = self.query_one(Input)
        if event.key in {"j", "k"} and not typed.has_focus:
            self._table.action_cursor_down() if event.key == "j" else self._table.action_cursor_up()
        elif event.key == "slash" and not typed.has_focus:
            event.prevent_default()
            typed.disabled = False
            typed.focus()
        elif event.key == "escape":
            typed.value = ""
            typed.disabled = True
            self._table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)


if __name__ == "__main__":
    Plain(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).run(mouse=False)
