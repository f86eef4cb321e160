"""A host in detail: what an engineer wants to know of one that is lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kvmtui.model.host import LinkState
from kvmtui.wire.messages import OpenSeries, OpenWindow, Reconnect
from tests.console.desks import sitting
from tests.console.fake_worker import FakeWorker, small_fleet

LONG = "ssh: connect to host 10.0.0.7 port 22: " + " ".join(f"word{number}" for number in range(40)) + " at last"
REMEDY = "is it powered on? ipmitool -H kvm7-ipmi power status"


def _worker(folder: Path) -> FakeWorker:
    worker = FakeWorker(folder)
    small_fleet(worker)
    return worker


def _change(worker: FakeWorker, which: str, /, **fields: object) -> None:
    worker.hosts = [msgspec.structs.replace(host, **fields) if host.name == which else host for host in worker.hosts]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_why_a_host_is_lost_is_said_in_full(tmp_path: Path, size: tuple[int, int]) -> None:
    """Reason, remedy, since when; no word of it is cut off."""
    worker = _worker(tmp_path)
    _change(worker, "kvm7", link_reason=LONG, link_remedy=REMEDY)
    async with sitting(worker, size) as desk:
        await desk.press("1", "g", "d")
        await desk.until_shown("lost for 2m")
        shown = desk.text()
        assert all(word in shown for word in LONG.split())
        assert all(
            word in shown for word in ["is", "it", "powered", "on?", "ipmitool", "-H", "kvm7-ipmi", "power", "status"]
        )
        await desk.press("l")
        await desk.until_shown("peak")


async def test_it_is_live_and_asks_for_its_own_rows_only(tmp_path: Path) -> None:
    """What changes is shown; what was asked for is given back when the page is closed."""
    worker = _worker(tmp_path)
    async with sitting(worker) as desk:
        await desk.press("1", "g", "j", "j", "d")
        await desk.until_shown("QEMU 7.2.22")
        query = [r.query for r in worker.asked(OpenWindow) if r.query.resource == "hosts" and r.query.filter][-1]
        assert (query.resource, query.filter, query.count) == ("hosts", 'name:"kvm1"', 1)
        assert [(r.host, r.uuid) for r in worker.asked(OpenSeries)][-1] == ("kvm1", "")
        assert "7 running of 9" in desk.text()
        assert "71 %, 45G of 64G" in desk.text()
        _change(worker, "kvm1", link=LinkState.LOST, link_reason="cable cut", since=worker.now - 5)
        worker.stir()
        await desk.until_shown("cable cut")
        await desk.press("a", "r")
        await desk.until(lambda: worker.asked(Reconnect))
        await desk.press("q")
        assert desk.app.page is desk.app.main


async def test_what_is_no_longer_there_says_so(tmp_path: Path) -> None:
    """A host taken out of the config, a VM that was undefined: nothing old is shown as if it were now."""
    worker = _worker(tmp_path)
    async with sitting(worker) as desk:
        await desk.press("1", "g", "j", "j", "d")
        await desk.until_shown("QEMU 7.2.22")
        worker.hosts = [host for host in worker.hosts if host.name != "kvm1"]
        worker.stir()
        await desk.until_shown("no longer there: the last that was known")
        await desk.press("q", "2", "g", "enter")
        await desk.until_shown("devices")
        assert "no longer there" not in desk.text()
        worker.vms = []
        worker.stir()
        await desk.until_shown("no longer there: the last that was known")


async def test_enter_scopes_and_d_opens(tmp_path: Path) -> None:
    """In the hosts' pane; a VM's detail is behind both."""
    async with sitting(_worker(tmp_path)) as desk:
        await desk.press("1", "g", "j", "j", "enter")
        assert "on kvm1" in desk.text()
        assert desk.app.page is desk.app.main
        await desk.press("d")
        assert desk.app.page is not desk.app.main
        await desk.until_shown("devices")


async def test_a_careful_and_a_locked_host_show(tmp_path: Path) -> None:
    """A glyph in the row, a word where there is room, a sentence in the detail; no name is too long for it."""
    worker = _worker(tmp_path)
    _change(worker, "kvm1", level="careful")
    _change(worker, "kvm2", level="locked")
    _change(worker, "kvm8", name="k" * 60, level="locked")
    async with sitting(worker) as desk:
        assert "kvm1 ◆" in desk.text()
        assert "kvm2 ⊘" in desk.text()
        assert "k… ⊘" in desk.text()
        await desk.press("1", "f")
        assert "kvm2 ⊘ locked" in desk.text()
        assert "kvm1 ◆ careful" in desk.text()
        await desk.press("f")
        await desk.press("1", "g", "j", "j", "d")
        await desk.until_shown("careful: every act on its VMs")
        await desk.press("q", "j", "d")
        await desk.until_shown("locked: nothing on it can be")
    async with sitting(worker, ascii_only=True) as desk:
        assert "kvm1 C" in desk.text()
        assert "kvm2 L" in desk.text()
