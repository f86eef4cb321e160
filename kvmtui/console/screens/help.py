"""The help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.help import help_lines
from kvmtui.console.screens.reading import ReadingPage

if TYPE_CHECKING:
    from collections.abc import Sequence


class HelpPage(ReadingPage):
    """Keys, verbs, filter and columns, made from their declarations."""

    def make(self, width: int, height: int) -> Sequence[Line]:
        return help_lines(width, self.console.keymap)

    def titles(self) -> list[Line]:
        key = self.console.keymap.key_of
        says = f"{key('list.down')} {key('list.up')} move, {key('everywhere.close')} closes"
        return [(Span("help", "title"),), (Span(says, "faint"),)]

    def do_help(self) -> None:
        """Close it: the key that opened it."""
        self.dismiss()
