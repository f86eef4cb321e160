"""One word of a filter as a question that a row answers with yes, no or unknown."""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import translate
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmtui.fleet.fields import NUMBERS, Resource, Row, normal
from kvmtui.fleet.words import Token
from kvmtui.model.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[Row], Any]
    Test = Callable[[Row, float], bool | None]
    """(row, now) -> yes, no, or None for unknown."""

PATTERNS_MAX = 100
"""Patterns in one list; of whole words there may be any number."""
VALUE_MAX = 300
"""Characters of one value; a name has 255 at most."""

_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_%-]*)(!?=|:|~|>=|<=|>|<)")
_NUMBER = re.compile(r"([+-]?(?:\d{1,15}\.?\d{0,9}|\.\d{1,9}))([a-z%/]*)", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{0,4}){0,3}(-[0-9a-f]{0,12})?|[0-9a-f]{32}")
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\[?[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}\]?")

_SIZES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "p": 1024**5}
_BYTES = {f"{unit}{tail}": size for unit, size in _SIZES.items() for tail in ("", "b", "ib") if unit != "b" or not tail}
_SPANS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_UNITS: dict[Kind, dict[str, float]] = {
    Kind.COUNT: {"": 1},
    Kind.NUMBER: {"": 1},
    Kind.PCT: {"": 1, "%": 1},
    Kind.BYTES: {unit: float(size) for unit, size in _BYTES.items()},
    Kind.BPS: {f"{unit}{tail}": float(size) for unit, size in _BYTES.items() for tail in ("", "/s")},
    Kind.MS: {"": 1, "ms": 1, "us": 0.001, "s": 1_000, "m": 60_000},
    Kind.TIME: _SPANS,
    Kind.DURATION: _SPANS,
}
_EXAMPLES = {
    Kind.COUNT: "vcpus>4",
    Kind.NUMBER: "cores>2.5",
    Kind.PCT: "cpu>80",
    Kind.BYTES: "used>512M or memory>=8G",
    Kind.BPS: "rx>512K or write>8M",
    Kind.MS: "disk>5ms or disk>1s",
    Kind.TIME: "seen>30s, since<2h or since>3d",
    Kind.DURATION: "30s, 5m, 2h or 3d",
    Kind.STATE: "state:running or state:off,saved",
    Kind.FLAG: "auto:yes",
    Kind.LIST: "tag:prod",
    Kind.TEXT: "name:web-* or name~web",
}
_FLAGS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
_MEASURED = frozenset({Kind.NUMBER, Kind.PCT, Kind.BYTES, Kind.BPS, Kind.MS, Kind.TIME, Kind.DURATION})
"""Kinds of figures that are hardly ever equal to one that somebody writes."""
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le, ":": eq}


class Term(NamedTuple):
    """A question, and what the filter it stands in must know of it."""

    test: Callable[[Row, float], bool | None]
    timely: bool = False
    """Its answer changes with time, though the row does not."""
    cost: int = 1
    """Questions it asks of each row."""
    needle: str = ""
    """Of a bare word that looks in one column only: the word, case folded."""


def _alternatives(value: Token, word: Token, column: Column) -> list[Token]:
    """Return the values of a comma list. Raises FilterError for one that is missing or too long."""
    found: list[Token] = []
    first = 0
    for index in [place for place, sign in enumerate(value.plain) if sign == ","] + [len(value.plain)]:
        part = value.part(first, index)
        if not part.text.strip():
            raise word.error("a value is missing", f"as in {_EXAMPLES[column.kind]}")
        if len(part.text) > VALUE_MAX:
            raise part.error(f"a value of more than {VALUE_MAX} characters")
        found.append(part)
        first = index + 1
    return found


def _glob(value: Token, fold: Callable[[str], str]) -> str | None:
    """Return the pattern for a value with unquoted * or ?, or None if it is to be taken as it stands."""
    if "*" not in value.plain and "?" not in value.plain:
        return None
    wild = [
        sign if sign in "*?" else "".join(f"[{c}]" if c in "*?[" else c for c in fold(character))
        for character, sign in zip(value.text, value.plain, strict=True)
    ]
    return translate("".join(wild))


def _exactly(values: list[Token], fold: Callable[[str], str]) -> Callable[[str], bool]:
    """Return what says whether a text, once folded, is one of the values or fits one of their patterns."""
    patterns = [_glob(value, fold) for value in values]
    words = frozenset(fold(value.text) for value, pattern in zip(values, patterns, strict=True) if pattern is None)
    wild = [pattern for pattern in patterns if pattern is not None]
    if not wild:
        return words.__contains__
    fits = re.compile("|".join(wild)).match
    return lambda text: text in words or fits(text) is not None


def _containing(values: list[Token], fold: Callable[[str], str]) -> Callable[[str], bool]:
    needles = [needle for value in values if (needle := fold(value.text))] or [value.text for value in values]
    if len(needles) == 1:
        needle = needles[0]
        return lambda text: needle in text
    return lambda text: any(needle in text for needle in needles)


def _states(values: list[Token], operator: str, vocabulary: Mapping[str, str]) -> frozenset[str]:
    """Return the states that the values mean. Raises FilterError for a word that is none."""
    wanted: set[str] = set()
    for value in values:
        says = (_exactly if operator == ":" else _containing)([value], normal)
        found = {state for word, state in vocabulary.items() if says(word)}
        if not found:
            known = ", ".join(dict.fromkeys(vocabulary.values()))
            near = get_close_matches(normal(value.text[:40]), vocabulary, 1, 0.6)
            meant = f"did you mean {vocabulary[near[0]]}? " if near else ""
            raise value.error(f"no state is {value.text[:40]!r}", f"{meant}one of: {known}")
        wanted |= found
    return frozenset(wanted)


def _number(value: Token, column: Column) -> float:
    """Return a number in the column's own unit. Raises FilterError."""
    found = _NUMBER.fullmatch(value.text)
    example = _EXAMPLES[column.kind]
    if found is None:
        raise value.error(f"{value.text[:40]!r} is not a number", f"as in {example}")
    factor = _UNITS[column.kind].get(found[2].casefold())
    if factor is None:
        raise value.error(f"{found[2]!r} is no unit of {column.id}", f"as in {example}")
    return float(found[1]) * factor


def _text_test(
    column: Column, resource: Resource, read: Reader, says: Callable[[str], bool], fold: Callable[[str], str]
) -> Test:
    if column.kind is not Kind.LIST:
        return lambda row, _now: None if (value := read(row)) is None else says(fold(value))
    if (is_partial := resource.partial.get(column.id)) is not None:
        return lambda row, _now: any(says(fold(item)) for item in read(row)) or (None if is_partial(row) else False)
    return lambda row, _now: any(says(fold(item)) for item in read(row))


def _state_test(resource: Resource, read: Reader, wanted: frozenset[str]) -> Test:
    no_state = resource.no_state

    def test(row: Row, _now: float) -> bool | None:
        state = read(row)
        if state in wanted:
            return True
        return None if state == no_state else False

    return test


def _number_test(column: Column, read: Reader, compare: Callable[[Any, Any], bool], wanted: list[float]) -> Test:
    aged = column.kind is Kind.TIME
    first = wanted[0]
    if len(wanted) > 1:
        among = frozenset(wanted)
        return lambda row, now: None if (value := read(row)) is None else (now - value if aged else value) in among
    if aged:
        return lambda row, now: None if (value := read(row)) is None else compare(now - value, first)
    return lambda row, _now: None if (value := read(row)) is None else compare(value, first)


def _in_sight(resource: Resource, test: Test) -> Test:
    """Return ``test`` with the answer unknown for rows whose host does not answer."""
    out_of_sight = resource.out_of_sight
    return lambda row, now: None if out_of_sight(row) else test(row, now)


def _field_test(column: Column, word: Token, operator: str, value: Token, resource: Resource, read: Reader) -> Test:
    values = _alternatives(value, word, column)
    if column.kind in NUMBERS:
        if operator == "~":
            raise word.error(f"{column.id} is a number", f"compare it: {column.id}>…")
        if operator != ":" and len(values) > 1:
            raise value.error("a comparison takes one number")
        if operator == ":" and column.kind in _MEASURED and not column.exact:
            field, wanted = word.text.partition(":")[0], values[0].text[:40]
            raise word.error(f"{column.id} is measured: compare it", f"{field}>{wanted} or {field}<{wanted}")
        return _number_test(column, read, _COMPARE[operator], [_number(item, column) for item in values])
    if operator not in {":", "~"}:
        raise word.error(f"{column.id} is not a number", f"use {column.id}:… or {column.id}~…")
    if column.kind is Kind.FLAG:
        flags = [_FLAGS.get(item.text.casefold()) for item in values]
        if None in flags or operator != ":":
            raise value.error(f"{column.id} is yes or no", f"{column.id}:yes")
        return lambda row, _now: read(row) in flags
    if column.kind is Kind.STATE:
        return _state_test(resource, read, _states(values, operator, resource.states[column.id]))
    fold = normal if column.id in resource.phrases else str.casefold
    return _text_test(column, resource, read, (_exactly if operator == ":" else _containing)(values, fold), fold)


def _bare(word: Token, resource: Resource, reading: Mapping[str, Reader]) -> Term:
    """Return the term for a word without a field: it looks in names, and elsewhere if it has the form for it."""
    if not word.text.strip():
        raise word.error("nothing stands between the quotes")
    if len(word.text) > VALUE_MAX:
        raise word.error(f"a word of more than {VALUE_MAX} characters")
    if word.plain.casefold() == "and":
        raise word.error("words are joined by and as they are", 'leave it out, or write "and" to look for it')
    needle = word.text.casefold()
    tests: list[Test] = [_contains(reading[column_id], needle) for column_id in resource.bare]
    if resource.uuid and _UUID.fullmatch(needle):
        tests.append(_begins(reading[resource.uuid], needle.replace("-", "")))
    if resource.address and _IP.fullmatch(needle):
        alone = re.compile(rf"(?<![0-9a-f.:]){re.escape(needle)}(?![0-9a-f.])").search
        tests.append(_found(reading[resource.address], alone))
    if len(tests) == 1:
        return Term(tests[0], needle=needle)
    return Term(lambda row, now: any(test(row, now) for test in tests))


def _contains(read: Reader, needle: str) -> Test:
    return lambda row, _now: needle in read(row).casefold()


def _begins(read: Reader, digits: str) -> Test:
    return lambda row, _now: read(row).replace("-", "").startswith(digits)


def _found(read: Reader, search: Callable[[str], object]) -> Test:
    return lambda row, _now: search(read(row).casefold()) is not None


def term(word: Token, resource: Resource, reading: Mapping[str, Reader], *, strict: bool = False) -> Term:
    """Return what a WORD asks.

    ``reading`` gives the reader of every column. ``strict`` refuses words without a field. Raises FilterError with
    the place of what is wrong.
    """
    found = None if _IP.fullmatch(word.plain.casefold()) else _FIELD.match(word.plain)
    if found is None:
        if strict:
            where = f"say where: name:{word.text[:40]} is that name, name~{word.text[:40]} contains it"
            raise word.error("a word without a field is not enough for an act", where)
        return _bare(word, resource, reading)
    field, operator = word.part(0, found.end(1)), found[2]
    column = resource.field(field.text)
    if column is None:
        closest = resource.closest(field.text)
        remedy = f"did you mean {closest}?" if closest else "quote the word to look for it in the name"
        raise field.error(f"there is no field {field.text[:40]!r}", remedy)
    if operator in {"=", "!="}:
        raise word.error(f"{operator!r} is not used here", f"{'!' if operator == '!=' else ''}{field.text}:…")
    value = word.part(found.end(), len(word.text))
    is_searched = operator == "~" or "*" in value.plain or "?" in value.plain
    cost = 1 + value.plain.count(",") if is_searched else 1
    if cost > PATTERNS_MAX:
        raise value.error(f"more than {PATTERNS_MAX} patterns in a list")
    test = _field_test(column, word, operator, value, resource, reading[column.id])
    if column.id not in resource.lasting:
        test = _in_sight(resource, test)
    return Term(test, timely=column.kind is Kind.TIME, cost=cost)
