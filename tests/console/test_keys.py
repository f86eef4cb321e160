"""Keys as they arrive, with what they are bound to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.console import keys
from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import line_width, plain
from kvmtui.console.present.help import help_lines
from kvmtui.console.screens.detail import DetailPage
from kvmtui.console.screens.help import HelpPage
from kvmtui.console.screens.host import HostPage
from kvmtui.console.screens.main import MainPage
from kvmtui.console.screens.tables import ListPage
from kvmtui.console.screens.tasks import JobPage
from kvmtui.console.sieve import APART_S, TORN_S, Arrived, Sieve
from kvmtui.model.columns import COLUMNS, WORST_FIRST


def test_no_key_is_bound_twice_or_where_it_must_not() -> None:
    """One meaning a place; what torn escape sequences arrive as, and what multiplexers use, stays free."""
    assert keys.BUILT_IN.clashes() == []
    assert not {key for action in keys.ACTIONS for key in action.keys} & (keys.FREE | keys.TORN)
    assert "a" not in keys.BUILT_IN.moves


@pytest.mark.parametrize("page", [MainPage, ListPage, DetailPage, HostPage, JobPage, HelpPage])
def test_every_binding_has_its_method(page: type[MainPage]) -> None:
    """A key in the table does something on every page where it is bound, and clashes are looked for there."""
    assert page.contexts in keys.PLACES
    for action in keys.ACTIONS:
        if action.context in (*page.contexts, "everywhere"):
            assert callable(getattr(page, f"do_{action.id}"))


def test_everything_is_in_the_help() -> None:
    """If it is not reachable from ?, it does not exist: keys, verbs, columns with their formulas."""
    text = re.sub(r"\s+", " ", "\n".join(plain(line) for line in help_lines(400, keys.BUILT_IN)))
    for action in keys.ACTIONS:
        assert action.help in text
    for verb in VERBS.values():
        assert f"{verb.key} {verb.title}" in text
        assert verb.help in text
    for columns in COLUMNS.values():
        for column in columns:
            assert column.help in text


@given(st.integers(40, 200))
def test_the_help_is_as_wide_as_it_is_told(cells: int) -> None:
    """Nothing of it is cut off."""
    commands = [("group by COLUMN, or by nothing at all", "in groups"), ("quit", "leave")]
    assert max(line_width(line) for line in help_lines(cells, keys.BUILT_IN, ("detail",), commands)) <= cells


def test_verbs_say_what_they_do_beside_their_letter_at_80_columns() -> None:
    """The menu gives them what its letter and word leave."""
    assert all(len(verb.help) <= 56 for verb in VERBS.values())


@pytest.mark.parametrize("resource", COLUMNS)
def test_every_column_has_a_letter_of_its_own(resource: str) -> None:
    """By any figure a table can be ordered; the letters leave alone what leaves the menu."""
    letters = [column.key for column in COLUMNS[resource]] + [WORST_FIRST]
    assert len(set(letters)) == len(letters)
    assert all(re.fullmatch("[a-pr-z0-9]", letter) for letter in letters)


# --- the sieve ----------------------------------------------------------------------------------------------------


def _keys(text: str, at: float, apart: float = 0.0) -> list[Arrived]:
    names = {"\x1b": "escape", "\r": "enter", "\t": "tab"}
    return [
        Arrived(names.get(character, character), character != "\x1b", at + place * apart)
        for place, character in enumerate(text)
    ]


def test_one_key_at_a_time_is_typing() -> None:
    """Keys that are pressed one after the other all count."""
    sieve = Sieve(keys.BUILT_IN.moves)
    for place, key in enumerate("adyq/?"):
        assert sieve.sift(_keys(key, place * 0.05)) == (tuple(_keys(key, place * 0.05)), "")


@pytest.mark.parametrize("text", ["easy", "ady", "ay\r", "y\r", "jay", "aa", "jjy"])
def test_a_burst_is_dropped_and_told(text: str) -> None:
    """What comes at once is no typing: nothing of it counts."""
    sifted = Sieve(keys.BUILT_IN.moves).sift(_keys(text, 1.0))
    assert sifted.keys == ()
    assert sifted.burst == text.replace("\r", "⏎")


def test_a_key_held_down_is_no_burst() -> None:
    """Over a slow line movements arrive together."""
    sifted = Sieve(keys.BUILT_IN.moves).sift(_keys("jjjjkk", 1.0))
    assert [key.key for key in sifted.keys] == list("jjjjkk")


@pytest.mark.parametrize("text", ["j\r", "zg", "aj"])
def test_a_quick_hand_is_no_burst(text: str) -> None:
    """Two keys that a slow line delivers together, one of them a movement."""
    assert Sieve(keys.BUILT_IN.moves).sift(_keys(text, 1.0)).burst == ""


def test_a_burst_in_two_portions_is_one() -> None:
    """What follows without a pause belongs to what was dropped; after a pause somebody types again."""
    sieve = Sieve(keys.BUILT_IN.moves)
    assert sieve.sift(_keys("ea", 1.0)).burst == "ea"
    assert sieve.sift(_keys("s", 1.0 + APART_S / 2)).burst == "s"
    assert sieve.sift(_keys("y", 2.0)).keys == tuple(_keys("y", 2.0))
    assert sieve.sift(_keys("d", 2.0 + APART_S / 2)).burst == "d"


def test_in_an_input_everything_counts() -> None:
    """A filter may be typed as fast as it comes."""
    sieve = Sieve(keys.BUILT_IN.moves)
    sieve.in_input = True
    assert len(sieve.sift(_keys("host:kvm1", 1.0)).keys) == 9


@pytest.mark.parametrize("tail", ["[A", "OA", "[5~", "[1;5C", "[200~", "OP", "[<0;12;7M"])
def test_a_torn_sequence_is_swallowed(tail: str) -> None:
    """The rest of a sequence whose ESC came alone does nothing, in one portion or many."""
    sieve = Sieve(keys.BUILT_IN.moves)
    assert [key.key for key in sieve.sift(_keys("\x1b", 1.0)).keys] == ["escape"]
    for place, character in enumerate(tail):
        sifted = sieve.sift(_keys(character, 1.1 + place * 0.01))
        assert sifted == ((), "")
    assert len(sieve.sift(_keys("j", 1.4)).keys) == 1


def test_after_half_a_second_a_bracket_is_a_bracket() -> None:
    """Nothing is swallowed for ever."""
    sieve = Sieve(keys.BUILT_IN.moves)
    sieve.sift(_keys("\x1b", 1.0))
    assert len(sieve.sift(_keys("O", 1.0 + TORN_S + 0.01)).keys) == 1


@given(st.text(max_size=30), st.lists(st.integers(0, 5), max_size=30))
def test_nothing_is_counted_that_was_not_pressed(text: str, cuts: list[int]) -> None:
    """However keys are cut into portions: in order, none twice, none invented."""
    sieve = Sieve(keys.BUILT_IN.moves)
    counted: list[Arrived] = []
    whole = _keys(text, 1.0, 0.003)
    rest = list(whole)
    for cut in cuts:
        counted += sieve.sift(rest[:cut]).keys
        rest = rest[cut:]
    counted += sieve.sift(rest).keys
    remaining = iter(whole)
    assert all(key in remaining for key in counted)


# --- typing -------------------------------------------------------------------------------------------------------


def _typed(*pressed: str, text: str = "") -> str:
    entry = Entry(text)
    for key in pressed:
        entry.press(key)
    return f"{entry.text[: entry.at]}|{entry.text[entry.at :]}"


@pytest.mark.parametrize(
    ("pressed", "left"),
    [
        (["a", "b"], "one two ab|"),
        (["backspace"], "one two|"),
        (["ctrl+w"], "one |"),
        (["ctrl+w", "ctrl+w"], "|"),
        (["ctrl+u"], "|"),
        (["ctrl+a", "x"], "x|one two "),
        (["home", "ctrl+k"], "|"),
        (["ctrl+a", "right", "delete"], "o|e two "),
        (["left", "left", "ctrl+e"], "one two |"),
        (["home", "left", "backspace"], "|one two "),
    ],
)
def test_inputs_know_readline(pressed: list[str], left: str) -> None:
    """The keys that fingers know."""
    assert _typed(*pressed, text="one two ") == left


@given(
    st.text(max_size=40),
    st.lists(st.sampled_from(["left", "right", "backspace", "delete", "ctrl+w", "x"]), max_size=20),
)
def test_the_cursor_stays_in_the_text(text: str, pressed: list[str]) -> None:
    """Whatever is pasted and pressed, and nothing of it would move a terminal."""
    entry = Entry()
    entry.insert(text)
    for key in pressed:
        entry.press(key)
    assert 0 <= entry.at <= len(entry.text)
    assert all(character.isprintable() for character in entry.text)
