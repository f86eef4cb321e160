"""How a job goes through its VMs, as it is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.console.sheets import FilterEntry, Verdict
from kvmtui.errors import FilterError
from kvmtui.model.job import AT_ONCE_MAX, FIRST_MAX, PER_HOST_MAX, RANKS_MAX, STOP_AFTER_MAX, WAIT_MAX_S, How, Order
from kvmtui.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

USUAL = "usual"
_WORDS: dict[str, tuple[str, str, float, float]] = {
    "first": ("first", "so many alone, the rest once they are done; 0: none alone", 0, FIRST_MAX),
    "at-once": ("at_once", "so many at a time", 1, AT_ONCE_MAX),
    "per-host": ("per_host", "so many of them on one host; usual: as the config says", 1, PER_HOST_MAX),
    "stop-after": ("stop_after", "so many failures, and it waits for you; usual: 3, or 5 %", 1, STOP_AFTER_MAX),
    "order": ("order", "hosts: host by host in turn; marked: as given; tags: by rank", 0, 0),
    "ranks": ("ranks", "db,app: VMs tagged db have ended before app begins, the others last", 0, 0),
    "rank-wait": ("wait_s", "seconds between two ranks", 0, WAIT_MAX_S),
}
"""Word -> field, what it means, the least and the most it may be."""
LIMITS = ("at-once", "per-host", "stop-after")
"""What may change while a job runs."""
_MAY_BE_USUAL = frozenset({"per_host", "stop_after"})
_SPAN = re.compile(r"(\d{1,9})(s|m?)")


def spelled(how: How, words: tuple[str, ...] = tuple(_WORDS)) -> str:
    """Return it as it is typed: "first:1 at-once:8 …"."""
    told = []
    for word in words:
        field = _WORDS[word][0]
        value = getattr(how, field)
        if value is None or (field in {"ranks", "wait_s"} and how.order is not Order.TAGS):
            continue  # as usual
        told.append(f"{word}:{','.join(value) if field == 'ranks' else f'{value:g}' if field == 'wait_s' else value}")
    return " ".join(told)


def read(text: str, how: How, words: tuple[str, ...] = tuple(_WORDS)) -> How:
    """Return ``how`` with what is typed. Raises FilterError for a word that means nothing here."""
    for found in re.finditer(r"\S+", text):
        word, colon, value = found[0].partition(":")
        try:
            if word not in words or not colon:
                raise ValueError(f"no such word: {', '.join(words)}")
            field = _WORDS[word][0]
            how = replace(how, **{field: _value(field, value, *_WORDS[word][2:])})
            if field == "ranks":
                how = replace(how, order=Order.TAGS)
        except ValueError as error:
            raise FilterError(clean(str(error)), found.start(), len(found[0])) from error
    if how.order is Order.TAGS and not how.ranks:
        raise FilterError("by rank of which tags? ranks:db,app", len(text), 1)
    return how


def _value(field: str, value: str, least: float, most: float) -> int | float | Order | tuple[str, ...] | None:
    if field == "order":
        if value not in list(Order):
            raise ValueError(f"one of {', '.join(Order)}")
        return Order(value)
    if field == "ranks":
        ranks = tuple(dict.fromkeys(tag for tag in value.split(",") if tag))
        if len(ranks) > RANKS_MAX:
            raise ValueError(f"at most {RANKS_MAX} tags")
        return ranks
    if value == USUAL and field in _MAY_BE_USUAL:
        return None
    found = _SPAN.fullmatch(value) if field == "wait_s" else re.fullmatch(r"(\d{1,9})", value)
    number = int(found[1]) * (60 if field == "wait_s" and found[2] == "m" else 1) if found else -1
    if not least <= number <= most:
        raise ValueError(f"{least:g} to {most:g}{' or usual' if field in _MAY_BE_USUAL else ''}")
    return float(number) if field == "wait_s" else number


class HowEntry(FilterEntry):
    """The line it is typed in, with what each word means."""

    def __init__(self, how: How, done: Callable[[How | None], None], words: tuple[str, ...] = tuple(_WORDS)) -> None:
        """``done`` is given what was kept; None where it stays as it was."""
        self._how = how
        self._words = words
        self._done = done
        text = spelled(how, words)
        super().__init__("how", text, lambda _: None, self._leave, self._judge, "enter keeps it · esc: as it was")
        self.entry = Entry(text)

    def _judge(self) -> Verdict:
        assert self.entry is not None
        try:
            read(self.entry.text, self._how, self._words)
        except FilterError as error:
            return Verdict(error.text, range(error.offset, error.offset + error.length))
        return Verdict()

    def _leave(self, keep: bool) -> None:
        assert self.entry is not None
        self._done(read(self.entry.text, self._how, self._words) if keep else None)

    def lines(self, width: int) -> list[Line]:
        first, *rest = super().lines(width)
        told = [
            fit_line((Span(f"   {word:<12}", "key"), Span(_WORDS[word][1], "faint")), width) for word in self._words
        ]
        return [first, *told, *rest]
