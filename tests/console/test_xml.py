"""XML in colours: what each piece of it is, torn or long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.console.present.cells import line_width, plain
from kvmtui.console.present.xml import XmlLines

SHORT = {"xml-tag": "t", "xml-attribute": "a", "xml-value": "v", "xml-comment": "c", "text": "."}


def _marked(source: str, width: int = 80) -> list[str]:
    """The lines as letters of what each character is, spaces as they are."""
    return [
        "".join(" " if character == " " else SHORT[span.role] for span in line[1:] for character in span.text)
        for line in XmlLines(source, width)
    ]


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("<a>b</a>", ["ttt.tttt"]),
        ("<domain type=\"kvm\" id='1'/>", ["ttttttt aaaatvvvvv aatvvvtt"]),
        ("<x:y z:w='>'/>", ["tttt aaatvvvtt"]),
        ("<a><!-- b\n<c> -->d", ["tttcccc c", "ccc ccc."]),
        ("<?xml v='1'?>\n<!DOCTYPE x>", ["ccccc ccccccc", "ccccccccc cc"]),
        ("<![CDATA[<a>]]><b/>", ["...............tttt"]),
        ("<a\n  b='c\nd'>", ["tt", "  atvv", "vvt"]),
        ("1 < 2 <3 a&lt;b", [". . . .. ......"]),
        ("<a b='c", ["tt at.."]),
        ("<a <b>", ["tt ttt"]),
        ("<!-- never closed", ["cccc ccccc cccccc"]),
        ("<a b=", ["tt at"]),
        ("</", [".."]),
        ("", [""]),
    ],
)
def test_each_piece_is_what_it_is(source: str, marked: list[str]) -> None:
    """Torn markup goes as far as it can be some."""
    assert _marked(source) == marked


@given(st.text(st.sampled_from(list("<>/!-?[]=\"' \nab&é中\u0301")), max_size=200), st.integers(3, 40))
def test_nothing_is_lost_and_nothing_too_wide(source: str, width: int) -> None:
    """Put together, the lines are the text; each fits."""
    lines = XmlLines(source, width)
    assert "".join(plain(line)[1:] for line in lines) == source.replace("\n", "")
    assert all(line_width(line) <= width for line in lines)
    assert list(lines.texts()) == [plain(line) for line in lines]
    assert list(lines) == lines[:]


def test_long_lines_go_on_in_their_colours() -> None:
    """A value that does not fit is a value in the next line."""
    assert _marked(f"<a b='{'x' * 20}'/>", 12)[1:] == ["vvvvvvvvvv", "vvvvvvvtt"]


@pytest.mark.parametrize(
    "source",
    [
        "  <disk type='file' device=\"disk\"><source file='/srv/a.qcow2'/></disk>\n" * 60_000,
        "<a " * 1_400_000,
        "<a b='" * 700_000,
        '<a "' * 1_000_000,
        "<" * 4_000_000,
        "<!--" * 1_000_000,
        "<a" + " b='c'" * 700_000,
        "中" * 1_000_000,
    ],
    ids=["sane", "torn tags", "torn values", "torn quotes", "brackets", "comments", "one tag", "wide"],
)
@pytest.mark.timeout(30)
def test_megabytes_take_no_time_to_look_at(source: str) -> None:
    """Anything that grew with the square of its length would take hours."""
    lines = XmlLines(source, 120)
    for at in (0, len(lines) // 2, len(lines) - 40):
        assert lines[max(0, at) : at + 40]
