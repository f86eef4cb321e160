"""What every page of the console is made of: first line, body, last line, what lies over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import Layout, WidgetPlacement
from textual.screen import Screen

from kvmtui.console.present.frame import Box
from kvmtui.console.sheets import notice_lines
from kvmtui.console.widgets.ink import Ink
from kvmtui.console.widgets.lines import Footer, Overlay, TopLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.widget import Widget

    from kvmtui.console.app import Console
    from kvmtui.console.present.cells import Line
    from kvmtui.console.present.values import Values
    from kvmtui.console.screens.copying import Subject
    from kvmtui.console.sheets import Sheet
    from kvmtui.console.widgets.painted import Painted
    from kvmtui.console.widgets.table import Table

_OVER = 1
"""Order of what lies over the rest."""


class _Places(Layout):
    """Puts widgets where the page says: a pure function of the terminal's size."""

    name = "places"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> list[WidgetPlacement]:
        assert isinstance(parent, Page)
        Ink.frame += 1  # what lay under a menu that goes is not on the screen, whatever was painted there before
        places = parent.places(size.width, size.height)
        return [
            WidgetPlacement(
                Region(*places[child]), NULL_OFFSET, NULL_SPACING, child, _OVER if child is parent.overlay else 0
            )
            for child in children
            if child in places
        ]


class Page(Screen[None]):
    """Base of the pages. Keys go to the sheet if one lies over it, else to the page's own ``do_`` methods."""

    AUTO_FOCUS = ""
    contexts: tuple[str, ...] = ("everywhere",)

    def __init__(self) -> None:
        super().__init__()
        self._where = _Places()
        self.topline = TopLine()
        self.footer = Footer()
        self.overlay = Overlay(self._overlay_lines)
        self.sheet: Sheet | None = None
        self._overlay_height = 0

    @property
    def console(self) -> Console:
        """The app this is in."""
        return cast("Console", self.app)

    @property
    def layout(self) -> Layout:
        return self._where

    def compose(self) -> ComposeResult:
        yield self.topline
        yield from self.body()
        yield self.footer
        yield self.overlay

    # --- what a page is made of --------------------------------------------------------------------------------

    def body(self) -> Iterable[Painted]:
        """Return the widgets between first and last line."""
        raise NotImplementedError

    def body_places(self, width: int, height: int) -> dict[Widget, Box]:
        """Return where they stand."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Have the footer show the keys that matter now."""
        contexts = (*self.contexts, "everywhere")
        self.footer.show(self.console.keymap.of(*contexts), {"close": "close"})

    def tick(self) -> None:
        """A second has passed."""

    def fleet_changed(self) -> None:
        """The connection to the worker came or went: paint what shows it."""

    # --- where things stand ------------------------------------------------------------------------------------

    def places(self, width: int, height: int) -> dict[Widget, Box]:
        """Return where every widget stands; those that are not there are not shown."""
        places: dict[Widget, Box] = dict(self.body_places(width, height))
        if height > 1:
            places[self.topline] = Box(0, 0, width, 1)
        if height > 2:
            places[self.footer] = Box(0, height - 1, width, 1)
        over = min(len(self._overlay_lines(width)), max(0, height - 1))
        if over:
            below = 0 if self.sheet is not None or height <= 2 else 1
            places[self.overlay] = Box(0, height - over - below, width, over)
        return places

    def _overlay_lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        notice = self.console.notices.current
        if notice is not None:
            lines += notice_lines(notice, width, self.size.height)
        if self.sheet is not None:
            lines += self.sheet.lines(width)
        return lines

    def refresh_overlay(self) -> None:
        """Paint what lies over the page, and what it covered no longer."""
        height = len(self._overlay_lines(self.size.width)) + (1000 if self.sheet is not None else 0)
        if height != self._overlay_height:
            self._overlay_height = height
            self.place_anew()
        self.overlay.repaint()

    def place_anew(self) -> None:
        """Have the widgets stand where ``places`` says now."""
        # a child asks: a screen that asks itself keeps the arrangement it has cached
        self.overlay.refresh(repaint=False, layout=True)

    # --- sheets ------------------------------------------------------------------------------------------------

    def open_sheet(self, sheet: Sheet) -> None:
        """Lay a sheet over the page, in the place of one that is there."""
        self.sheet = sheet
        self.console.hear_typing(sheet.entry is not None)
        self.overlay.is_rendered = False
        self.refresh_overlay()

    def close_sheet(self) -> None:
        """Take the sheet away."""
        self.sheet = None
        self.console.hear_typing(False)
        self.refresh_overlay()

    def displayed(self) -> None:
        """A frame has left for the terminal."""
        if self.overlay.is_rendered and self.sheet is not None:
            self.overlay.is_rendered = False
            self.sheet.shown(self.console.monotonic())

    # --- keys --------------------------------------------------------------------------------------------------

    def press(self, key: str, at: float) -> None:
        """Take a key by our name that arrived at ``at``, monotonic seconds."""
        if self.console.notices.fade():
            self.refresh_overlay()
        if self.sheet is not None and self.sheet.is_menu and self._opens_commands(key):
            self.sheet.press("escape", at)
        if self.sheet is not None:
            # what is pressed while frames still wait for the terminal was pressed before they were seen
            self.sheet.press(key, at if self.console.terminal_keeps_up else float("-inf"))
            self.refresh_overlay()
            return
        action = self.console.keymap.find((*self.contexts, "everywhere"), key)
        if action is not None:
            self.perform(action.id)

    def _opens_commands(self, key: str) -> bool:
        action = self.console.keymap.find(("everywhere",), key)
        return action is not None and action.id == "command"

    def perform(self, action_id: str) -> None:
        """Do what a key of that action would do."""
        work: Any = getattr(self, f"do_{action_id}")
        work()

    def vm_under_cursor(self) -> tuple[str, Values] | None:
        """Return key and values of the VM that keys act on here, if there is one."""
        return None

    @property
    def marked_in(self) -> Table | None:
        """The table whose marked rows keys act on here, if there is one."""
        return None

    def do_command(self) -> None:
        """Type a command."""
        from kvmtui.console.screens.commanding import CommandLine

        CommandLine(self).open()

    def do_jump_back(self) -> None:
        """Go back to where somebody was before the last jump."""
        from kvmtui.console.screens.going import back

        back(self.console)

    def do_back(self) -> None:
        """One step out."""
        if not self.console.dismiss():
            self.dismiss()

    def do_close(self) -> None:
        """Close what is on top."""
        self.dismiss()

    @property
    def subject(self) -> Subject | None:
        """What is under the cursor, or what the page is about."""
        return None

    def do_copy(self) -> None:
        """Open the menu of what can be copied."""
        from kvmtui.console.screens.copying import copy_menu

        strips = self._compositor.render_strips()
        screen = "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
        self.open_sheet(copy_menu(self, self.subject, screen))

    def do_history(self) -> None:
        """Open what happened to the VM or host under the cursor, from elsewhere in the fleet."""
        from kvmtui.console.screens.timeline import TimelinePage

        subject = self.subject
        if subject is None or subject.resource == "jobs":
            self.console.push_screen(TimelinePage("", "", ""))
        else:
            self.console.push_screen(TimelinePage(subject.host, subject.uuid, subject.name))

    def do_help(self) -> None:
        """Open the help."""
        from kvmtui.console.screens.help import HelpPage

        self.console.push_screen(HelpPage(self))

    def on_mount(self) -> None:
        self.show_keys()

    def on_screen_resume(self) -> None:
        self.console.hear_typing(self.sheet is not None and self.sheet.entry is not None)
        self.refresh_overlay()
        self.topline.repaint()
