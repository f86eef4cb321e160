"""A sorted list in blocks is a sorted list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet import blocks
from kvmtui.fleet.blocks import Blocks

_numbers = st.integers(0, 60)


@given(st.sets(_numbers), st.lists(st.tuples(_numbers, st.booleans()), max_size=200), st.integers(0, 70))
def test_it_is_a_sorted_list_whatever_comes_and_goes(
    numbers: set[int], steps: list[tuple[int, bool]], first: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 4)  # so that few entries make many blocks
        kept, truth = Blocks(sorted(numbers)), set(numbers)
        views = []
        for number, is_seen in steps:
            if is_seen:
                views.append((kept.view(), sorted(truth)))
            if number in truth:
                kept.remove(number)
            else:
                kept.add(number)
            truth ^= {number}
        whole = sorted(truth)
        assert list(kept) == whole
        assert len(kept) == len(whole)
        assert kept.span(first, 7) == whole[first : first + 7]
        assert [kept.place(number) for number in whole] == list(range(len(whole)))
        for view, seen in views:
            assert (list(view), len(view), view.span(first, 7)) == (seen, len(seen), seen[first : first + 7])


def test_what_is_not_there_has_no_place() -> None:
    kept = Blocks([1, 3])
    for number in (0, 2, 4):
        with pytest.raises(ValueError, match="not there"):
            kept.place(number)
