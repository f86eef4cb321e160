"""The help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.help import help_lines
from kvmtui.console.screens.commands import OWN, table_commands
from kvmtui.console.screens.reading import ReadingPage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.screens.page import Page


class HelpPage(ReadingPage):
    """Keys, verbs, commands, filter and columns, made from their declarations."""

    def __init__(self, page: Page) -> None:
        """``page``: what is on the screen; its keys come first."""
        super().__init__()
        self._here = page.contexts
        self._commands = [(f"{c.word} {c.takes}".rstrip(), c.help) for c in (*table_commands(), *OWN)]

    def make(self, width: int, height: int) -> Sequence[Line]:
        return help_lines(width, self.console.keymap, self._here, self._commands)

    def titles(self) -> list[Line]:
        key = self.console.keymap.key_of
        says = f"{key('list.down')} {key('list.up')} move, {key('text.find')} finds, {key('everywhere.close')} closes"
        return [(Span("help", "title"),), (Span(says, "faint"),)]

    def do_help(self) -> None:
        """Close it: the key that opened it."""
        self.dismiss()
