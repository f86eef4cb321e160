"""What is copied, in a sequence that nothing can break out of."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.console.clipboard import BYTES_MAX, sequence
from kvmtui.errors import UsageError
from kvmtui.wire.messages import GetDetail
from tests.console.desks import sitting
from tests.console.fake_worker import FakeWorker, small_fleet
from tests.console.seats import seated

WEB_01 = "00000000-0000-4000-8000-000000000001"


@given(st.text(max_size=200))
def test_nothing_breaks_out_of_the_sequence(text: str) -> None:
    """Whatever it says, letters and digits stand between beginning and end."""
    sent = sequence(text)
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/]*={0,2})\x07", sent)
    assert found is not None
    assert b64decode(found[1]).decode() == text.encode("utf-8", "replace").decode()


def test_too_much_is_refused() -> None:
    """Terminals take no more; half of it would be worse than nothing."""
    assert len(sequence("x" * BYTES_MAX)) <= 100_001
    with pytest.raises(UsageError, match="too many to copy"):
        sequence("中" * (BYTES_MAX // 3 + 1))


@pytest.mark.parametrize(
    ("where", "letter", "copied"),
    [
        ("web-01", "n", "web-01"),
        ("web-01", "u", WEB_01),
        ("web-01", "v", f"virsh -c qemu+ssh://root@kvm1/system console {WEB_01}"),
        ("build-1", "v", "virsh -c qemu+ssh://root@kvm1/system dominfo 00000000-0000-4000-8000-000000000008"),
        ("web-01", "r", "name web-01  host kvm1  state running  since 2h  cpu% 7.5  cores 0.6"),
        ("kvm1", "n", "kvm1"),
        ("kvm1", "v", "virsh -c qemu+ssh://root@kvm1/system list --all"),
    ],
)
async def test_a_letter_copies(where: str, letter: str, copied: str) -> None:
    """Of the row under the cursor."""
    async with sitting() as desk:
        await desk.press(*(["1", "g", "j", "j"] if where == "kvm1" else ["slash", *where, "enter"]))
        await desk.press("c")
        assert where in desk.sheet
        await desk.press(letter)
        await desk.until(lambda: desk.message.startswith("copied the"))
        assert desk.app.clipboard.startswith(copied)
        assert "OSC 52" in desk.message
        assert "\n" not in desk.app.clipboard


async def test_the_xml_is_read_anew() -> None:
    """From the list and from the detail of a VM."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", "c", "x")
        await desk.until(lambda: desk.message.startswith("copied the XML of web-01"))
        assert desk.app.clipboard.startswith("<domain type='kvm'>\n  <name>web-01</name>\n")
        await desk.press("enter", "c", "u")
        await desk.until(lambda: desk.app.clipboard == WEB_01)
        assert len(desk.worker.asked(GetDetail)) == 2


async def test_the_screen_is_copied_without_the_menu() -> None:
    """As it was before the menu lay over it."""
    async with sitting() as desk:
        before = [line.rstrip() for line in desk.lines()]
        await desk.press("c", "s")
        assert desk.app.clipboard.split("\n") == before
        await desk.press("?", "c")
        assert "there is nothing under the cursor" in desk.sheet
        await desk.press("s")
        assert "Keys everywhere" in desk.app.clipboard


async def test_what_has_no_uuid_says_so() -> None:
    """A host; nothing is copied."""
    async with sitting() as desk:
        await desk.press("1", "g", "c", "u")
        assert "only VMs have one" in desk.sheet
        assert desk.app.clipboard == ""


async def test_a_task_has_an_id() -> None:
    """In the list of tasks; nothing else has one, and on its page a step is copied."""
    async with sitting() as desk:
        await desk.press("c", "i")
        assert "only tasks have one" in desk.sheet
        await desk.press("escape", "slash", *"web-01", "enter", "a", "d", "y", "t", "c", "i")
        assert desk.app.clipboard == "j1"
        await desk.press("enter")
        await desk.until_shown("task j1")
        await desk.press("c", "u")
        assert desk.app.clipboard == WEB_01


def test_it_reaches_the_terminal(tmp_path: Path) -> None:
    """In one piece."""
    worker = FakeWorker(tmp_path)
    worker.now = time.time()
    small_fleet(worker)
    with seated(worker) as seat:
        seat.see("web-01")
        seat.press("/", *"web-01", "\r", "c", "u")
        seat.until(lambda: b"\x1b]52;c;" in bytes(seat.terminal.received))
        seat.until(lambda: b"copied the UUID of web-01, 36 characters" in bytes(seat.terminal.received))
        assert sequence(WEB_01).encode() in bytes(seat.terminal.received)
        assert seat.leave() == 0
