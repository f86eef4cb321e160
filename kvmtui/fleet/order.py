"""Sort keys: natural, the unknown last whichever way round, the same for rows that are alike."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kvmtui.fleet.fields import NUMBERS, RESOURCES, Row, reader
from kvmtui.model.columns import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Entry = tuple[Any, str, Any]
"""(key of the sorted column, key of the name, the row's own key): entries of one order compare with each other."""

_DIGITS = re.compile(r"\d+")
_LAST = "\U0010ffff"
"""Behind every text: no text made safe to show contains it."""
_UNKNOWN = float("inf")
_IDS = 10**15 - 1
"""No event or record has a higher number."""
_BEGAN = {"jobs": "started", "events": "at", "audit": "at"}
"""Resource of which the newest rows come first -> the column that says when they began."""
_CACHED = 131_072
"""Names whose key is kept: twice the VMs of the largest fleet, and more."""


def _ranked(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"0{chr(len(number) + 0x30)}{number}"


@lru_cache(_CACHED)
def natural(text: str) -> str:
    """Return a key by which "web-9" comes before "web-10", whatever the case of the letters.

    A run of digits becomes a zero, its length as one character, and itself: so numbers of the same length compare as
    text, and longer ones are larger, as long as they are below 10 ** 500.
    """
    return _DIGITS.sub(_ranked, text.casefold())


@lru_cache(_CACHED)
def _backwards(key: str) -> str:
    """Return a key that compares with others of its kind the other way round."""
    return "".join([chr(0x10FFFE - ord(character)) for character in key]) + _LAST


def _text_key(read: Callable[[Row], Any], descending: bool) -> Callable[[Row], str]:
    def key(row: Row) -> str:
        value = read(row)
        text = value if isinstance(value, str) else ",".join(value or ())
        if not text:
            return _LAST * 2
        return _backwards(natural(text)) if descending else natural(text)

    return key


def _number_key(read: Callable[[Row], Any], sign: int) -> Callable[[Row], float]:
    def key(row: Row) -> float:
        value = read(row)
        return _UNKNOWN if value is None else sign * value

    return key


def first_of(
    resource: str, sort: str, descending: bool, reading: Mapping[str, Callable[[Row], Any]]
) -> Callable[[Row], Any]:
    """Return what gives the first part of a row's entry: the key of the sorted column.

    ``sort`` is a column id, or "" for the worst first (of jobs and events: the newest first); times sort by age, as
    they are shown. Values that are unknown or empty are last, ascending or descending. The figures of a row whose host
    does not answer are unknown.
    """
    if not sort:
        sort, descending = (began, descending) if (began := _BEGAN.get(resource)) else ("severity", not descending)
    declared = RESOURCES[resource].columns[sort]
    if declared.kind in NUMBERS or declared.kind is Kind.FLAG:
        backwards = descending != (declared.kind is Kind.TIME)
        first: Callable[[Row], Any] = _number_key(reading[sort], -1 if backwards else 1)
        if sort not in RESOURCES[resource].lasting:
            first = _in_sight(first, RESOURCES[resource].out_of_sight)
        return first
    return _text_key(reading[sort], descending)


def second_of(resource: str) -> Callable[[Row], str]:
    """Return what gives the second part of an entry, always ascending: the name; of events, of records the
    later one is first."""
    if resource in {"events", "audit"}:
        return lambda row: f"{_IDS - int(row.id):015d}"
    name = reader("subject" if resource == "jobs" else "name")
    return lambda row: natural(name(row))


def _in_sight(key: Callable[[Row], float], out_of_sight: Callable[[Row], bool]) -> Callable[[Row], float]:
    return lambda row: _UNKNOWN if out_of_sight(row) else key(row)
