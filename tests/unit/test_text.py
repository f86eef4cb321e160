"""Strings from outside, held against what a terminal would do with them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvmtui.text import clean, clean_lines, fit, name_or, seconds_of, width

OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of what a terminal may act upon, or cannot show."""

ZALGO = "a" + "\u0301\u0301\u200d" * 80
anything = st.text(st.characters(codec=None) | st.sampled_from("\u0301\u0e31\u0489\u200d\u202e\u1161\u3164\t\x1b\x9b "))


def longest_stack(text: str) -> int:
    """Return how many marks stand on one letter at most."""
    most = here = 0
    for character in text:
        here = here + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        most = max(most, here)
    return most


@given(anything, st.integers(1, 300))
@example(ZALGO, 255)
@example("x" + "\u0e31" * 200, 255)
@example("\ud7b0" * 200, 255)
def test_what_is_shown_obeys_nobody(text: str, limit: int) -> None:
    """One line, no longer than asked, nothing in it that a terminal acts upon, no letter with a tower on it."""
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not [character for character in shown if unicodedata.category(character) in OBEYED]
    assert longest_stack(shown) <= 4
    assert clean(shown, limit) == shown


@given(anything)
def test_lines_stay_lines(text: str) -> None:
    assert not [c for c in clean_lines(text) if c != "\n" and unicodedata.category(c) in OBEYED]


def test_terminals_agree_on_what_is_kept() -> None:
    """As C libraries, xterm, tmux count: two cells for what is wide, none for marks, one for all the rest."""
    for character in map(chr, range(0x20, 0x20000)):
        if clean(character) == character:
            jamo = "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"
            mark = unicodedata.category(character) in {"Mn", "Me"} or jamo
            wide = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
            assert width(character) == (0 if mark else wide), f"U+{ord(character):04X}"
    assert width("हिन्दी") == 5


@given(anything, st.integers(0, 40))
def test_a_cell_is_filled_exactly(text: str, cells: int) -> None:
    assert width(fit(clean(text), cells)) == cells


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("zal\u0300\u0301\u0302go", "zal\u0300\u0301go"),
        (ZALGO, "a\u0301\u0301"),
        ("\u3164hangul\u115f\uffa0", "hangul"),
        ("\u0921\u093c\u0941\u0902", "\u0921\u093c\u0941\u0902"),
        ("\u1112\u1161\u11ab", "\u1112\u1161\u11ab"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("\x1b[31mred\x9b0m", "\ufffd[31mred\ufffd0m"),
        ("a\tb\r\nc", "a b  c"),
        ("x" * 300, "x" * 254 + "…"),
    ],
    ids=["accents", "zalgo", "fillers", "hindi", "jamo", "marks", "escapes", "lines", "long"],
)
def test_names_as_they_are_shown(text: str, shown: str) -> None:
    assert clean(text, 255) == shown


@pytest.mark.parametrize("name", ["", "\u202e\u200b", "\u3164", "  ", "\u3000\u2800"])
def test_what_cannot_be_seen_is_no_name(name: str) -> None:
    """A row, a question, a task without a name on it: nobody could tell which VM is meant."""
    assert name_or(name, "its UUID") == "its UUID"
    assert name_or(f"{name}a", "its UUID").strip("\u2800 ") == "a"


@given(st.integers(1, 999_999_999), st.sampled_from("smhdw"))
def test_a_span_of_time_has_its_unit_behind_it(count: int, unit: str) -> None:
    """A whole number, one letter; nothing else is guessed at."""
    assert seconds_of(f"{count}{unit}") == count * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    for wrong in (f"{count}", f"0{count}{unit}", f"-{count}{unit}", f"{count} {unit}", f"{count}.5{unit}", unit, ""):
        assert seconds_of(wrong) is None
