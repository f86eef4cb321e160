"""What is pasted, however it is cut into portions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.console.pasting import BEGIN, END, LENGTH_MAX, QUIET_S, Pasting, Piece

typed = st.text(st.sampled_from("aj/\r\x1b[2O~é"), max_size=8).filter(lambda text: BEGIN not in text)
pasted = st.text(st.sampled_from("aj\x1b[201~\r\x03q"), max_size=20).filter(lambda text: END not in text + END[:-1])


def _told(pieces: list[Piece]) -> list[Piece]:
    """Pieces that were typed one after the other as one."""
    told: list[Piece] = []
    for piece in pieces:
        if told and not piece.is_pasted and not told[-1].is_pasted:
            told[-1] = Piece(told[-1].text + piece.text, False)
        else:
            told.append(piece)
    return told


@given(st.lists(st.tuples(typed, pasted), max_size=3), typed, st.lists(st.integers(1, 9), max_size=40))
def test_what_is_pasted_is_no_key(parts: list[tuple[str, str]], last: str, cuts: list[int]) -> None:
    """Whatever is in it, and wherever it was cut on its way."""
    wanted: list[Piece] = []
    whole = ""
    for before, text in parts:
        whole += before + BEGIN + text + END
        wanted += [Piece(before, False)] if before else []
        wanted.append(Piece(text, True))
    whole += last
    wanted += [Piece(last, False)] if last else []
    pasting, got = Pasting(), []
    for cut in cuts:
        if whole[:cut].endswith("\x1b") and len(whole) > cut:
            continue  # an ESC that comes alone is a key: it is not held back
        got += pasting.take(whole[:cut], 0.0)
        whole = whole[cut:]
    got += pasting.take(whole, 0.0)
    got += pasting.rest(0.1)
    assert _told(got) == wanted


def test_an_escape_key_is_not_held_back() -> None:
    """Nothing is waited for that need not come."""
    pasting = Pasting()
    assert pasting.take("\x1b", 0.0) == [Piece("\x1b", False)]
    assert pasting.take("\x1b[2", 0.0) == []
    assert pasting.rest(0.05) == [Piece("\x1b[2", False)]


def test_a_paste_without_an_end_is_over_some_time() -> None:
    """What follows is typed again, and no more is kept than somebody may want."""
    pasting = Pasting()
    assert pasting.take(f"{BEGIN}{'x' * 2 * LENGTH_MAX}", 0.0) == []
    assert pasting.rest(0.5) == []
    assert pasting.rest(QUIET_S + 0.1) == [Piece("x" * LENGTH_MAX, True)]
    assert pasting.take("q", 2.0) == [Piece("q", False)]
