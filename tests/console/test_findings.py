"""The table of findings: what it asks for, where it leads, what it says of a fleet that is well."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from kvmtui.console.present import findings
from kvmtui.console.present.cells import line_width, plain
from kvmtui.console.present.columns import place
from kvmtui.model.checks import CHECKS
from kvmtui.model.finding import Finding
from kvmtui.wire.messages import OpenWindow
from tests.console.desks import Desk, sitting
from tests.console.fake_worker import FakeWorker, small_fleet

OPEN = (":", *"findings", "enter")


def _asked(desk: Desk, resource: str) -> OpenWindow:
    found: OpenWindow = [request for request in desk.worker.asked(OpenWindow) if request.query.resource == resource][-1]
    return found


async def test_a_finding_leads_to_who_is_meant() -> None:
    """Its filter on the VMs; a host where it is about one; nowhere where it is about neither."""
    async with sitting() as desk:
        await desk.press(*OPEN)
        assert _asked(desk, "findings").query.sort == ""
        await desk.press("j", "enter")
        assert _asked(desk, "vms").query.filter == "host:kvm1 name:web-01"
        assert desk.app.main.pane == "vms"
        await desk.press("backspace", "k", "enter")
        assert _asked(desk, "hosts").query.filter == 'name:"kvm2"'
        assert desk.app.main.pane == "hosts"
        await desk.press(*OPEN, "j", "j", "enter")
        assert "about no VM or host" in desk.message
        assert "old QEMU still running: not known" in desk.text()


async def test_what_to_do_stands_under_the_table() -> None:
    """All of it, on the narrow screen too; it goes with the cursor, and gives way on a small one."""
    for size in ((120, 40), (80, 24)):
        async with sitting(size=size) as desk:
            await desk.press(*OPEN)
            assert "chronyc tracking" in desk.text()
            await desk.press("j")
            words = " ".join(desk.text().split())
            assert CHECKS["old-qemu"].remedy in words
            assert "it is not the version installed" in words
    async with sitting(size=(60, 10)) as desk:
        await desk.press(*OPEN)
        assert "chronyc" not in desk.text()
        assert "web-01" in desk.text()


async def test_a_fleet_that_is_well_says_what_was_looked_for() -> None:
    """Not so while a filter hides what there is."""
    with tempfile.TemporaryDirectory(prefix="kvmtui-test-") as folder:
        worker = FakeWorker(Path(folder))
        small_fleet(worker)
        worker.findings = []
        async with sitting(worker) as desk:
            await desk.press(*OPEN)
            words = " ".join(desk.text().split())
            assert "no findings" in words
            assert "Looked for: one UUID on two hosts, one host under two names" in words
    async with sitting() as desk:
        await desk.press(*OPEN, "slash", *"nosuch", "enter")
        assert "Looked for" not in desk.text()


def test_a_row_is_as_wide_as_it_is_told_whatever_is_in_it() -> None:
    """A finding of a later version, one without anything, one that is not known."""
    plain_finding = Finding(id="x", check="no-such-check", text="t" * 300, name="n" * 300, severity=9)
    for finding in (plain_finding, msgspec.structs.replace(plain_finding, text="", name="", known=False, severity=-1)):
        values = msgspec.to_builtins(finding)
        for width in (1, 20, 77, 117):
            _, line = findings.row(place(findings.SHOWN, width), values, width, 0.0)
            assert line_width(line) == width
            assert all(line_width(each) <= max(width, 20) for each in findings.below(values, width)[1:])
    glyph, _ = findings.row(place(findings.SHOWN, 77), {"known": False}, 77, 0.0)
    assert glyph.text == "?"
    assert "no-such" not in plain(findings.below({"check": "no-such-check"}, 77)[0])
