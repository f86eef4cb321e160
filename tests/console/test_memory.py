"""What the console remembers."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.console import memory
from kvmtui.console.arrangement import BUILT_IN, Arrangement, View
from kvmtui.console.memory import HISTORY_MAX, VIEWS_MAX, Memory
from kvmtui.console.present.looks import LOOKS
from kvmtui.fleet.filter import parse
from tests.console.desks import sitting

ORDER = Arrangement(filter="web", sort="cpu_pct", descending=True, columns=("host", "cpu_pct"))


def test_it_is_there_the_next_time(tmp_path: Path) -> None:
    """For this user only; order and columns, but no filter that nobody saved."""
    path = tmp_path / "state" / "console.json"
    first = Memory(path)
    first.change(memory.with_table("vms", ORDER))
    first.change(memory.with_view("mine", View(table="vms", arrangement=ORDER)))
    first.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = Memory(path)
    assert second.now == first.now
    assert second.now.tables["vms"].filter == ""
    assert second.now.views["mine"].arrangement == ORDER
    assert not second.trouble


def test_two_consoles_keep_what_the_other_saved(tmp_path: Path) -> None:
    """Each writes what it has changed on top of what is there."""
    path = tmp_path / "console.json"
    one, other = Memory(path), Memory(path)
    one.change(memory.with_view("one", View(table="vms", arrangement=ORDER)))
    one.save()
    other.change(memory.with_view("other", View(table="hosts", arrangement=ORDER)))
    other.change(memory.with_command("vms web"))
    other.save()
    found = Memory(path).now
    assert set(found.views) == {"one", "other"}
    assert found.history == ("vms web",)


@pytest.mark.parametrize(
    "kept", [b"", b"{", b"[]", b'{"format": 99}', b'{"views": {"x": 3}}', b"[" * 9000, b"\xff" * 40]
)
def test_a_file_that_is_not_understood_is_kept_beside(tmp_path: Path, kept: bytes) -> None:
    """The console begins anew, says so, and can save."""
    path = tmp_path / "console.json"
    path.write_bytes(kept)
    found = Memory(path)
    assert found.now == memory.Remembered()
    assert str(path) in found.trouble
    assert path.with_suffix(".broken").read_bytes() == kept
    found.change(memory.with_theme("light"))
    found.save()
    assert Memory(path).now.theme == "light"


@given(st.integers(0, 400))
def test_a_file_cut_anywhere_is_no_reason_to_fail(cut: int) -> None:
    """What a full disk or a power cut leaves is either whole or taken for none."""
    whole = msgspec.json.encode(memory.with_view("mine", View(table="vms", arrangement=ORDER))(memory.Remembered()))
    try:
        found = msgspec.json.decode(whole[:cut], type=memory.Remembered)
    except msgspec.DecodeError:
        return
    assert cut >= len(whole)
    assert found.views


def test_nothing_grows_for_ever() -> None:
    """History and views are bounded; the newest stay."""
    now = memory.Remembered()
    for number in range(HISTORY_MAX + 50):
        now = memory.with_command(f"vms {number}")(now)
        now = memory.with_view(f"v{number}", View(table="vms", arrangement=ORDER))(now)
    assert len(now.history) == HISTORY_MAX
    assert now.history[-1] == f"vms {HISTORY_MAX + 49}"
    assert len(now.views) == VIEWS_MAX


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_views_mean_something(name: str) -> None:
    """Their tables and columns exist, their filters are understood."""
    view = BUILT_IN[name]
    look = LOOKS[view.table]
    assert look.fitting(view.arrangement) == view.arrangement
    assert parse(view.arrangement.filter, look.resource)


async def test_a_console_opens_as_it_was_left(tmp_path: Path) -> None:
    """Order, columns and zoom are there; columns of another version are left out; the filter is not there."""
    kept = Memory(tmp_path / "console.json")
    async with sitting(memory=kept) as desk:
        await desk.press("slash", *"web", "enter", "o", "c", "f")
    kept.change(
        lambda now: msgspec.structs.replace(
            now, tables={"vms": msgspec.structs.replace(now.tables["vms"], columns=("nosuch", "tags"))}
        )
    )
    kept.save()
    async with sitting(memory=Memory(tmp_path / "console.json")) as desk:
        listing = desk.app.main.vms.listing
        assert (listing.sort, listing.descending, listing.chosen, listing.filter) == ("cpu_pct", True, ("tags",), "")
        assert desk.app.main.zoomed


async def test_a_memory_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """The order is changed all the same."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    async with sitting(memory=Memory(blocked / "console.json")) as desk:
        await desk.press("o", "c")
        await desk.until(lambda: "not remembered" in desk.message)
        assert desk.app.main.vms.listing.sort == "cpu_pct"
