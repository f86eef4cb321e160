"""A filter's text cut into tokens."""

from __future__ import annotations

import enum
from typing import NamedTuple

from kvmtui.errors import FilterError

LENGTH_MAX = 10_000
"""Characters of a filter."""


class Sign(enum.Enum):
    """What a token is."""

    WORD = "word"
    OPEN = "("
    CLOSE = ")"
    NOT = "!"
    OR = "or"
    END = "end"


class Token(NamedTuple):
    """One token, with its place in the filter's text."""

    sign: Sign
    offset: int
    length: int
    text: str = ""
    """Of a WORD: its characters, without quotes."""
    plain: str = ""
    """Of a WORD: as long as ``text``, a NUL in the place of each character that was quoted and means only itself."""
    places: tuple[int, ...] = ()
    """Of a WORD: where each character of ``text`` stands in the filter's text."""

    def error(self, text: str, remedy: str = "") -> FilterError:
        """Return a FilterError about this token."""
        return FilterError(text, self.offset, self.length, remedy)

    def part(self, first: int, last: int) -> Token:
        """Return the characters ``first`` to ``last`` (exclusive) of a WORD; its end if there are none."""
        if first >= last:
            return Token(Sign.WORD, self.offset, self.length)
        offset = self.places[first]
        length = self.places[last - 1] + 1 - offset
        return Token(Sign.WORD, offset, length, self.text[first:last], self.plain[first:last], self.places[first:last])


def _word(source: str, start: int) -> tuple[Token, int]:
    """Return the word at ``start``, with the index behind it. Raises FilterError for a quote that is not closed."""
    text: list[str] = []
    plain: list[str] = []
    places: list[int] = []
    index, quote = start, -1
    while index < len(source):
        character = source[index]
        if character == '"':
            quote = index if quote < 0 else -1
            index += 1
            continue
        if quote < 0 and (character.isspace() or character in "()"):
            break
        if quote >= 0 and character == "\\" and source[index + 1 : index + 2] in {'"', "\\"}:
            index += 1
            character = source[index]
        text.append(character)
        plain.append("\0" if quote >= 0 else character)
        places.append(index)
        index += 1
    if quote >= 0:
        raise FilterError("the quote is not closed", quote, len(source) - quote, 'close it with "')
    return Token(Sign.WORD, start, index - start, "".join(text), "".join(plain), tuple(places)), index


_SIGNS = {"(": Sign.OPEN, ")": Sign.CLOSE, "!": Sign.NOT}


def cut(source: str) -> list[Token]:
    """Return the tokens of a filter, the last one END. Raises FilterError: too long, or a quote is not closed."""
    if len(source) > LENGTH_MAX:
        raise FilterError(f"a filter of more than {LENGTH_MAX:,} characters", LENGTH_MAX, len(source) - LENGTH_MAX)
    tokens: list[Token] = []
    index = 0
    while index < len(source):
        character = source[index]
        if character.isspace():
            index += 1
        elif sign := _SIGNS.get(character):
            tokens.append(Token(sign, index, 1))
            index += 1
        else:
            token, index = _word(source, index)
            tokens.append(token._replace(sign=Sign.OR) if token.plain.casefold() == "or" else token)
    tokens.append(Token(Sign.END, len(source), 0))
    return tokens
