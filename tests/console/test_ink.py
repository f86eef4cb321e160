"""Lines that cost the terminal only what changed end up as if all of them had been painted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from kvmtui.console.widgets.ink import Ink
from tests.bench.screen import Screen

WIDE = 24
STYLES = [
    Style.parse(words)
    for words in ("white", "bold red", "#aabbcc on #112233", "reverse", "underline blue on black", "dim", "")
]
_texts = st.lists(st.sampled_from([*"ab 1–│中é", "a\u0301", "中\u0301"]), max_size=6).map("".join)
_lines = st.lists(st.tuples(_texts, st.sampled_from(STYLES)), max_size=8)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """What one test says of frames is not to be believed in the next."""
    before = Ink.frame, Ink.partial
    yield
    Ink.frame, Ink.partial = before


def _ink(pieces: list[tuple[str, Style]]) -> Ink:
    """Return the pieces that fit as a line of exactly WIDE cells: whoever paints one never cuts a letter in two."""
    fitting: list[Segment] = []
    for text, style in pieces:
        if sum(segment.cell_length for segment in fitting) + Segment(text).cell_length > WIDE:
            break
        fitting.append(Segment(text, style))
    return Ink(list(Strip(fitting).extend_cell_length(WIDE, STYLES[0])), WIDE)


def _console() -> Console:
    console = Console(force_terminal=True, color_system="truecolor")
    assert console._color_system is ColorSystem.TRUECOLOR
    return console


def _painted(screen: Screen, data: str) -> list[object]:
    screen.feed(f"\x1b[1;5H{data}".encode())
    return list(screen.cells[0])


@given(st.lists(st.tuples(_lines, st.booleans()), min_size=1, max_size=6))
def test_a_line_ends_up_as_if_all_of_it_had_been_painted(lines: list[tuple[list[tuple[str, Style]], bool]]) -> None:
    """Whatever stood there before, and whether or not it was ever rendered."""
    console, screen = _console(), Screen(WIDE + 8, 1)
    Ink.frame, Ink.partial = Ink.frame + 1, True
    before: Ink | None = None
    for pieces, is_rendered in lines:
        line = _ink(pieces)
        if before is not None:
            line.follow(before)
        before = line
        if is_rendered:
            fresh = _ink(pieces)
            assert _painted(screen, line.render(console)) == _painted(Screen(WIDE + 8, 1), fresh.render(console))


@given(_lines, _lines)
def test_a_whole_frame_takes_nothing_for_shown(old: list[tuple[str, Style]], new: list[tuple[str, Style]]) -> None:
    """After a page, a menu or a resize, and within a line of several panes, all of a line is told."""
    console = _console()
    Ink.partial = True
    before = _ink(old)
    before.render(console)
    Ink.frame += 1
    assert _ink(new).follow(before).render(console) == _ink(new).render(console)
    Ink.partial = False
    before.render(console)
    assert _ink(new).follow(before).render(console) == _ink(new).render(console)


def test_a_changed_figure_costs_little() -> None:
    console = _console()
    Ink.partial = True
    base, figure = STYLES[2], STYLES[1]
    before = _ink([("web-01  running ", base), ("12.5", figure), (" ok", base)])
    whole = before.render(console)
    after = _ink([("web-01  running ", base), ("13.5", figure), (" ok", base)]).follow(before).render(console)
    assert after == "\x1b[17C\x1b[1;31m3\x1b[0m"
    assert len(after) < len(whole) / 4
