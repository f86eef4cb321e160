"""What happened to a VM, on a host, in the fleet: events, tasks, audit on one line of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.feed import Stage
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.timeline import timeline_lines, watched
from kvmtui.console.screens.reread import RereadPage
from kvmtui.wire.messages import GetTimeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.model.timeline import Timeline

_ENTRIES = 500


class TimelinePage(RereadPage):
    """The newest first; read again each second, as long as its beginning is on the screen."""

    def __init__(self, host: str, uuid: str, name: str) -> None:
        """``uuid`` "": what happened on the host; ``host`` "" too: in the fleet."""
        super().__init__()
        self._host = host
        self._uuid = uuid
        self._name = name
        self._timeline: Timeline | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is read again: what somebody reads further down stays where it is, so does the last that came."""
        return not self.text.top and self.console.feed.stage is Stage.UP

    async def read(self) -> None:
        found = await self.console.feed.call(GetTimeline(host=self._host, uuid=self._uuid, limit=_ENTRIES))
        if not self.text.top or self._timeline is None:
            self._timeline = found

    def titles(self) -> list[Line]:
        of = "in the fleet" if not self._host else f"to {self._name}" if self._uuid else f"on {self._host}"
        held = "held: g goes on" if self.text.top else "as it was last told"
        going = Span("live", "good") if self.is_live else Span(held, "notice")
        titles: list[Line] = [(Span(f"what happened {of}", "title"),), (going,)]
        if self._timeline is not None:
            titles.append((Span(watched(self._timeline), "faint"),))
        return titles

    def make(self, width: int, height: int) -> Sequence[Line]:
        if self._timeline is None:
            return [(Span(" reading…", "faint"),)]
        return timeline_lines(self._timeline, self._name or self._host, self.console.now(), width)
