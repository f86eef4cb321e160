"""Spans of text with a role: what every line of the console is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.text import clean, fit, head, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Span(NamedTuple):
    """A piece of a line. ``role`` is a name that themes know (theme.ROLES), never a colour."""

    text: str
    role: str = "text"


Line = tuple[Span, ...]
"""One line of the screen, left to right."""


def line_width(line: Iterable[Span]) -> int:
    """Return the cells that a line takes."""
    return sum(width(span.text) for span in line)


def plain(line: Iterable[Span]) -> str:
    """Return the text of a line without its roles."""
    return "".join(span.text for span in line)


def safe(text: str) -> str:
    """Return ``text`` as clean() does, at once where there is nothing to clean or it was cleaned before."""
    return text if text.isascii() and text.isprintable() else _cleaned(text)


@lru_cache(8_192)
def _cleaned(text: str) -> str:
    return clean(text)


def fit_line(line: Iterable[Span], cells: int, role: str = "text") -> Line:
    """Return ``line`` made safe to show and in exactly ``cells`` cells: cut with "…", or padded in ``role``."""
    fitted: list[Span] = []
    left = cells
    for span in line:
        text = safe(span.text)
        have = width(text)
        if have > left:
            if left > 0:
                fitted.append(Span(fit(text, left), span.role))
            return tuple(fitted)
        if have:
            fitted.append(Span(text, span.role))
            left -= have
    if left > 0:
        fitted.append(Span(" " * left, role))
    return tuple(fitted)


def join(lines: Iterable[Sequence[Span]], between: str, role: str = "faint") -> Line:
    """Return lines put one behind the other with ``between`` between those that are not empty."""
    joined: list[Span] = []
    for line in lines:
        if not line:
            continue
        if joined:
            joined.append(Span(between, role))
        joined.extend(line)
    return tuple(joined)


@lru_cache(512)
def wrap(text: str, cells: int, most: int = 0) -> tuple[str, ...]:
    """Return ``text`` in lines of at most ``cells`` cells, broken at spaces where there are any.

    ``most`` is how many lines there may be (0: any number); what is cut off ends in "…".
    """
    cells = max(2, cells)
    lines: list[str] = []
    current = ""
    for next_word in clean(text).split(" "):
        word = next_word
        candidate = f"{current} {word}" if current else word
        if width(candidate) <= cells:
            current = candidate
            continue
        if current:
            lines.append(current)
        while width(word) > cells and not (most and len(lines) > most):
            piece = head(word, cells)
            lines.append(piece)
            word = word[len(piece) :]
        current = word
        if most and len(lines) > most:
            break
    lines.append(current)
    if most and len(lines) > most:
        return (*lines[: most - 1], fit(lines[most - 1] + " …", cells).rstrip(" "))
    return tuple(lines)


_ASCII = str.maketrans(
    {
        "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
        "━": "=", "┃": "|", "·": ".", "–": "-", "—": "-", "…": "~", "▸": ">", "▲": "!", "▼": "v", "⟳": "@", "✗": "x",
        "✓": "y", "•": "*", "◦": "o", "‖": "=", "≡": "s", "↓": "v", "↑": "^", "→": ">", "█": "#", "░": ".", "▐": "|",
        "▕": "|", "▏": ":", "▎": ":", "▍": ":", "▌": ":", "▋": "=", "▊": "=", "▉": "=", "⏎": "<", "●": "M", "○": "m",
        "◆": "C", "⊘": "L",
    }
)  # fmt: skip
_BRAILLE = " ..::||##"
"""By the number of dots."""


def to_ascii(text: str) -> str:
    """Return ``text`` in ASCII and in as many cells, for terminals that do not speak UTF-8."""
    if text.isascii():
        return text
    translated = text.translate(_ASCII)
    if translated.isascii():
        return translated
    return "".join(_ascii_of(character) for character in translated)


def _ascii_of(character: str) -> str:
    if character.isascii():
        return character
    code = ord(character)
    if 0x2800 <= code <= 0x28FF:
        return _BRAILLE[(code - 0x2800).bit_count()]
    return "?" * width(character)
