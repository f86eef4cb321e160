"""What a verb is given beyond its VMs, as it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.editing import Entry
from kvmtui.console.sheets import Sheet, Verdict, rule, typed_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.actions import Verb
    from kvmtui.actions.parameter import Parameter
    from kvmtui.console.present.cells import Line


class Given(Sheet):
    """Asks for the parameters of a verb, one after the other."""

    def __init__(self, verb: Verb, chosen: Callable[[dict[str, str]], None], closed: Callable[[], None]) -> None:
        """``chosen`` is told what was typed, once all of it can be meant."""
        self._verb = verb
        self._chosen = chosen
        self._closed = closed
        self._values: dict[str, str] = {}
        self._wrong = ""
        self.entry = Entry()

    @property
    def _parameter(self) -> Parameter:
        return self._verb.parameters[len(self._values)]

    def lines(self, width: int) -> list[Line]:
        assert self.entry is not None
        parameter = self._parameter
        verdict = Verdict(self._wrong, range(len(self.entry.text))) if self._wrong else Verdict()
        hint = f"{parameter.help}: {parameter.example} · {'' if parameter.is_needed else 'enter alone: none · '}esc"
        prompt = f" {self._verb.title} · {parameter.id}: "
        return [rule(width), *typed_lines(self.entry, prompt, verdict, f"{hint}: nothing is done", width)]

    def press(self, key: str, at: float) -> None:
        assert self.entry is not None
        if key in {"escape", "ctrl+c"}:
            self._closed()
        elif key == "enter":
            self._take(self.entry.text.strip())
        elif self.entry.press(key):
            self._wrong = ""

    def _take(self, value: str) -> None:
        parameter = self._parameter
        is_missing = not value and parameter.is_needed
        self._wrong = f"{parameter.id} is missing" if is_missing else parameter.problem(value) if value else ""
        if self._wrong:
            return
        self._values[parameter.id] = value
        if len(self._values) == len(self._verb.parameters):
            self._chosen(self._values)
        else:
            self.entry = Entry()
