"""The pane of graphs: the recent figures of the row under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present import hosts, vms
from kvmtui.console.present.cells import Line, Span, fit_line, wrap
from kvmtui.console.present.metrics import HOST_GRAPHS, VM_GRAPHS, panel, sentence
from kvmtui.console.recent import Recent
from kvmtui.console.widgets.pane import Pane
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from kvmtui.text import duration
from kvmtui.wire.messages import OpenSeries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size

    from kvmtui.console.present.values import Values
    from kvmtui.console.widgets.painted import Part
    from kvmtui.wire.messages import Series

MOVES_S = 3.0
"""How often graphs move on though no point came: one column is many seconds."""


class Graphs(Pane):
    """Graphs of one VM or host, or, where there can be none, why."""

    def __init__(self, number: int, name: str, window: int) -> None:
        super().__init__(number, name)
        self.window = window
        self.subject = ""
        """Key of the row that is shown: host/UUID, or a host's name; "" for nothing."""
        self.is_host = False
        self._values: Values = {}
        self._recent = Recent()
        self._lines: list[Line] = []
        self._painted_at = 0.0

    def show(self, key: str, values: Values, *, is_host: bool) -> None:
        """Show the figures of a row."""
        if (key, is_host) != (self.subject, self.is_host):
            self.subject, self.is_host = key, is_host
            self._recent = Recent()
            if key:
                host, _, uuid = (key, "", "") if is_host else key.partition("/")
                self.console.feed.open(OpenSeries(window=self.window, host=host, uuid=uuid))
        self._values = values
        self.repaint()

    def tick(self) -> None:
        if self.console.now() - self._painted_at >= MOVES_S:
            self.repaint()

    def take(self, series: Series) -> None:
        """Take points from the worker."""
        self._recent.take(series)
        self.repaint()

    # --- painting ----------------------------------------------------------------------------------------------

    def titles(self) -> list[Line]:
        role = "title" if self.has_focus_of_keys else "text"
        name = str(self._values.get("name") or "metrics")
        chips: list[Line] = [(Span(name, role),)]
        if self.subject:
            if not self.is_host and (host := self._values.get("host")):
                chips.append((Span(f"on {host}", "faint"),))
            if self.console.is_cut_off:
                chips.append((Span("not live: the worker is gone", "bad"),))
            elif not self._reasons():
                demo = " · demo: invented figures" if self.console.top_state().demo else ""
                chips.append((Span(f"last 15 min · live{demo}", "faint"),))
        return chips

    def prepare(self, size: Size) -> None:
        wide, high = self.inner_width, self.inner_height
        self._painted_at = self.console.now()
        reasons = self._reasons()
        if not self.subject:
            self._lines = sentence("nothing under the cursor", wide, high)
        elif reasons:
            self._lines = self._words(reasons, wide, high)
        else:
            graphs = HOST_GRAPHS if self.is_host else VM_GRAPHS
            self._lines = panel(graphs, self._recent.figures, self._recent.points, self.console.now(), wide, high)

    def _reasons(self) -> list[Line]:
        """Return why there is nothing to draw, in words; nothing where there are figures."""
        values, now = self._values, self.console.now()
        if self.is_host:
            link = hosts.link_of(values)
            if link is LinkState.UP:
                return []
            said: list[Line] = [(Span(f"{hosts.GLYPHS[link]} {hosts.link_words(values, now)}", hosts.ROLES[link]),)]
            if remedy := values.get("link_remedy"):
                said.append((Span("do    ", "faint"), Span(str(remedy))))
            if uri := values.get("uri"):
                said.append((Span("uri   ", "faint"), Span(str(uri), "faint")))
            return said
        state = vms.state_of(values)
        if state in {VmState.RUNNING, VmState.IN_SHUTDOWN} or self._recent.has_values:
            return []
        said = [(vms.state_span(state),)]
        since = values.get("since")
        if state is not VmState.UNKNOWN and since is not None:
            said[0] = (*said[0], Span(f" for {duration(now - since)}", "faint"))
        if words := vms.words_of(values, now):
            said.append((Span(words, "warn" if state is VmState.PAUSED else "unknown"),))
        said.append((Span("no figures in the last 15 minutes", "faint"),))
        return said

    @staticmethod
    def _words(lines: Sequence[Line], wide: int, high: int) -> list[Line]:
        shown: list[Line] = [()]
        for line in lines:
            *head, last = line
            room = max(8, wide - 4 - sum(len(span.text) for span in head))
            for number, text in enumerate(wrap(last.text, room)):
                lead: Line = tuple(head) if number == 0 else tuple(Span(" " * len(span.text)) for span in head)
                shown.append((Span("  "), *lead, Span(text, last.role)))
        return [fit_line(line, wide) for line in shown[:high]]

    def inner(self, y: int, width: int) -> Sequence[Part]:
        line: Line = self._lines[y] if y < len(self._lines) else ()
        return [("base", fit_line(line, width))]
