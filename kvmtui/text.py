"""Strings from outside made safe to show, widths in cells, units in words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NAME_MAX = 255
"""Characters of a name that are kept."""
LINE_MAX = 2_000
"""Characters of a line of foreign text that are kept."""

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u302e\u302f\U00016ff0\U00016ff1")
"""Letters that show nothing, and tone marks; terminals do not agree on their cells."""
_WIDENED = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d356\U0001d360-\U0001d376]")
"""Symbols that have had two cells since Unicode 16: terminals do not agree on them either."""
_SPACING = re.compile("[\u0900-\u1cff\ua800-\uabff\U00011000-\U00011eff\U00016f00-\U00016fff\U0001d100-\U0001d17f]")
"""Scripts with marks that have a cell of their own (Mc) for terminals, and none for Rich."""
_SHAPERS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400))))
"""Variation selectors and skin tones: terminals do not agree on the cells of what they follow."""


_DROPPED = _BIDI | _JOINERS | _SHAPERS | _FILLERS
_ACCENTS_MAX = 2
"""Accents on one letter that are kept; more of them reach into the lines above and below."""
_MARKS_MAX = 4
"""Marks of any kind on one letter that are kept: living scripts need no more."""


_SPAN = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _is_mark(character: str) -> bool:
    """Return whether a character stands in the cell of the one before it."""
    jamo = "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"
    return jamo or unicodedata.category(character) in {"Mn", "Me"}


def _safe(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character in _DROPPED:
        return ""
    if _WIDENED.match(character):
        return "\ufffd"
    category = unicodedata.category(character)
    if category in {"Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp"}:
        return "\ufffd"
    return " " if category == "Zs" else character


def clean(text: str, limit: int = LINE_MAX) -> str:
    """Return one line of ``text`` without anything a terminal would obey, at most ``limit`` characters.

    Control characters (C0, C1, DEL), surrogates and unassigned code points become U+FFFD; marks that turn the
    direction of writing or have no width are dropped; tabs and newlines become one space; combining marks are kept,
    at most two accents and four marks in all on one letter. What was cut off ends in "…".
    """
    if text.isascii() and text.isprintable():
        return text if len(text) <= limit else text[: limit - 1] + "…"
    kept: list[str] = []
    marks = accents = 0
    for character in text[: limit * 4]:
        if character in "\t\n\r":
            kept.append(" ")
            marks = accents = 0
            continue
        safe = _safe(character)
        if not safe:
            continue
        if _is_mark(character):
            marks += 1
            accents += unicodedata.combining(character) > 0
            if marks > _MARKS_MAX or accents > _ACCENTS_MAX:
                continue
        else:
            marks = accents = 0
        kept.append(safe)
    line = "".join(kept)
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1] + "…"


def name_or(name: str, instead: str) -> str:
    """Return a name made safe to show, ``instead`` where nothing of it can be seen."""
    shown = clean(name, NAME_MAX)
    return shown if shown.strip(" \u2800") else instead


def clean_lines(text: str, limit: int = 4_194_304) -> str:
    """Return ``text`` with every line cleaned and its indentation kept, at most ``limit`` characters in all."""
    return "\n".join(clean(line.replace("\t", "    ")) for line in text[:limit].splitlines())


def width(text: str) -> int:
    """Return the cells that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return _cells(text) if len(text) <= LINE_MAX else _cells.__wrapped__(text)


@lru_cache(4_096)
def _cells(text: str) -> int:
    from rich.cells import cell_len

    spacing = sum(unicodedata.category(character) == "Mc" for character in _SPACING.findall(text))
    return cell_len(text) + spacing


def head(text: str, cells: int) -> str:
    """Return the longest beginning of ``text`` that fits into ``cells`` cells, and at least one character."""
    low, high = 1, min(len(text), max(1, cells))
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle]) <= cells:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """Return ``text`` in exactly ``cells`` cells: padded, or cut with "…"."""
    if cells <= 0:
        return ""
    have = width(text)
    if have > cells:
        if text.isascii():
            return text[: cells - 1] + "…"
        cut = (head(text, cells - 1).rstrip(" ") if cells > 1 else "") + "…"
        if width(cut) > cells:  # a single wide character before it
            cut = "…"
        return cut + " " * (cells - width(cut))
    pad = " " * (cells - have)
    return pad + text if right else text + pad


def bytes_short(value: float | None) -> str:
    """Return bytes in at most five characters, powers of 1024: "512", "8.1M", "128G"; "–" for None."""
    if value is None:
        return "–"
    amount = float(value)
    for unit in ("", "K", "M", "G", "T", "P"):
        if abs(amount) < 999.5 or unit == "P":
            break
        amount /= 1024
    if not unit:
        return f"{amount:.0f}"
    return f"{amount:.1f}{unit}" if abs(amount) < 9.95 else f"{amount:.0f}{unit}"


def number_short(value: float | None) -> str:
    """Return a number in few characters: "0.3", "14.2", "87", "–" for None."""
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def pct(value: float | None) -> str:
    """Return a percentage as a whole number, below 10 with one decimal; "–" for None."""
    if value is None:
        return "–"
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:.0f}"


def milliseconds(value: float | None) -> str:
    """Return a latency: "0.3ms", "14ms", "1.2s"; "–" for None."""
    if value is None:
        return "–"
    if value >= 999.5:
        return f"{value / 1000:.1f}s"
    return f"{value:.1f}ms" if value < 9.95 else f"{value:.0f}ms"


def duration(seconds: float | None) -> str:
    """Return a span of time in at most four characters: "4s", "12m", "3h", "5d", "2y"; "–" for None."""
    if seconds is None:
        return "–"
    left = max(0, int(seconds))
    for unit, length in (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if left >= length:
            return f"{left // length}{unit}"
    return f"{left}s"


def seconds_of(word: str) -> int | None:
    """Return the seconds of a whole number with a unit behind it ("90s", "15m", "2h", "7d", "8w"), else None."""
    found = _SPAN.fullmatch(word)
    return None if found is None else int(found[1]) * _UNITS_S[found[2]]


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 VM", "2 VMs"."""
    return f"{count} {one if count == 1 else many or one + 's'}"
