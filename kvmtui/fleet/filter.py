"""The filter language: text in, a question with three answers out.

::

    filter  = either
    either  = all { "or" all }
    all     = not { not }                      words side by side are ANDed
    not     = { "!" } ( "(" either ")" | word )
    word    = field ":" value { "," value }    is one of these; * and ? are wild outside quotes
            | field "~" value { "," value }    contains one of these
            | field ( ">" | ">=" | "<" | "<=" ) number
            | text                             looks in the name; in IP and UUID if it has their form

Letters' case does not matter. Unknown is neither true nor false: "not unknown" is unknown, "unknown or true" is true
(Kleene's logic). A row matches where the answer is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from kvmtui.errors import FilterError
from kvmtui.fleet.fields import RESOURCES, Row, reader
from kvmtui.fleet.terms import term
from kvmtui.fleet.words import Sign, Token, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from kvmtui.fleet.terms import Test

K = TypeVar("K")

DEPTH_MAX = 50
"""Brackets and negations within each other."""
COST_MAX = 200
"""Questions that one filter may ask of each row: its words, and the patterns in their lists."""


_BEGINNINGS = frozenset({Sign.WORD, Sign.OPEN, Sign.NOT})


class Filter:
    """A filter that was understood. Make one with parse()."""

    def __init__(self, text: str, resource: str, test: Test | None, *, timely: bool, needle: str) -> None:
        self.text = text
        self.resource = resource
        self.timely = timely
        """Rows may begin to match, or cease to, by time alone."""
        self.needle = needle
        """What a name without letters' case must contain, where nothing else is asked; else ""."""
        self._test = test

    def __bool__(self) -> bool:
        """Say whether it asks anything; an empty filter matches every row."""
        return self._test is not None

    def match(self, row: Row, now: float) -> bool | None:
        """Return whether ``row`` matches at ``now`` (seconds since the epoch); None: unknown."""
        return True if self._test is None else self._test(row, now)

    def keys(self, rows: Iterable[tuple[K, Row]], now: float) -> list[K]:
        """Return the keys of those (key, row) that match for certain."""
        test = self._test
        if test is None:
            return [key for key, _ in rows]
        return [key for key, row in rows if test(row, now)]


def _negated(test: Test) -> Test:
    return lambda row, now: None if (found := test(row, now)) is None else not found


def _every(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(row: Row, now: float) -> bool | None:
        answer: bool | None = True
        for part in tests:
            found = part(row, now)
            if found is False:
                return False
            if found is None:
                answer = None
        return answer

    return test


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(row: Row, now: float) -> bool | None:
        answer: bool | None = False
        for part in tests:
            found = part(row, now)
            if found:
                return True
            if found is None:
                answer = None
        return answer

    return test


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, resource: str, reading: Mapping[str, Callable[[Row], Any]], strict: bool) -> None:
        self._tokens = iter(cut(text))
        self._token = next(self._tokens)
        self._resource = RESOURCES[resource]
        self._reading = {column: reading.get(column) or reader(column) for column in self._resource.columns}
        self._strict = strict
        self._depth = 0
        self._cost = 0
        self.terms = 0
        self.timely = False
        self.needle = ""

    def parse(self) -> Test:
        test = self._either()
        if self._token.sign is not Sign.END:
            raise self._token.error("this bracket closes nothing", 'take it away, or quote it: ")"')
        return test

    def _take(self) -> Token:
        token = self._token
        self._token = next(self._tokens, token)
        return token

    def _either(self) -> Test:
        tests = [self._all()]
        while self._token.sign is Sign.OR:
            token = self._take()
            if self._token.sign not in _BEGINNINGS:
                raise _lonely(token)
            tests.append(self._all())
        return _any(tests)

    def _all(self) -> Test:
        tests = [self._not()]
        while self._token.sign in _BEGINNINGS:
            tests.append(self._not())
        return _every(tests)

    def _not(self) -> Test:
        token = self._take()
        if token.sign is Sign.WORD:
            return self._word(token)
        if token.sign is Sign.OR:
            raise _lonely(token)
        if token.sign is Sign.CLOSE:
            raise token.error("there is nothing before this bracket", 'take it away, or quote it: ")"')
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise token.error(f"more than {DEPTH_MAX} levels of brackets and negations")
        if token.sign is Sign.NOT:
            if self._token.sign is Sign.END:
                raise token.error("nothing follows the !", "write what is not wanted behind it")
            test = _negated(self._not())
        else:
            if self._token.sign is Sign.END:
                raise token.error("this bracket is not closed", "close it with )")
            test = self._either()
            if self._token.sign is not Sign.CLOSE:
                raise token.error("this bracket is not closed", "close it with )")
            self._take()
        self._depth -= 1
        return test

    def _word(self, token: Token) -> Test:
        found = term(token, self._resource, self._reading, strict=self._strict)
        self.terms += 1
        self._cost += found.cost
        if self._cost > COST_MAX:
            raise token.error(f"more than {COST_MAX} words and patterns", "list whole names instead: name:a,b,c")
        self.timely |= found.timely
        self.needle = found.needle
        return found.test


def _lonely(token: Token) -> FilterError:
    return token.error("or needs a word on both sides", 'write one there, or "or" to look for it')


def parse(
    text: str,
    resource: str = "vms",
    *,
    for_act: bool = False,
    reading: Mapping[str, Callable[[Row], Any]] | None = None,
) -> Filter:
    """Return the filter that ``text`` means for a resource: "vms", "hosts" …

    ``for_act`` refuses what is too loose to act upon: an empty filter and words without a field. ``reading`` replaces
    the readers of columns whose value does not stand in the row itself. Raises FilterError with the place of what is
    wrong, as characters into ``text``.
    """
    if not text.strip():
        if for_act:
            raise FilterError("an empty filter is not enough for an act", 0, len(text), "name the VMs, or say all")
        return Filter(text, resource, None, timely=False, needle="")
    parser = _Parser(text, resource, reading or {}, for_act)
    test = parser.parse()
    alone = parser.terms == 1 and text.strip().casefold() == parser.needle
    needle = parser.needle if alone and RESOURCES[resource].bare == ("name",) else ""
    return Filter(text, resource, test, timely=parser.timely, needle=needle)
