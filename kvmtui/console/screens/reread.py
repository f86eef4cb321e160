"""Pages whose text is read from the worker again each second, as long as it may change."""

from __future__ import annotations

from kvmtui.console.screens.reading import ReadingPage


class RereadPage(ReadingPage):
    """Base of them. One question is under way at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._reading = False

    @property
    def is_live(self) -> bool:
        """Whether it is to be read again."""
        raise NotImplementedError

    async def read(self) -> None:
        """Read it, and keep what came. May raise what the worker answers with."""
        raise NotImplementedError

    def on_mount(self) -> None:
        super().on_mount()
        self._begin()

    def tick(self) -> None:
        if self.is_live:
            self._begin()
        self.text.repaint()

    def _begin(self) -> None:
        if not self._reading:
            self._reading = True
            self.console.work(self._read())

    async def _read(self) -> None:
        try:
            await self.read()
        finally:
            self._reading = False
        if self.is_mounted:
            self.text.repaint()
