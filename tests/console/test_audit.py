"""The table of what was done: the chain's state on top, whole records, where they lead."""

from __future__ import annotations

import msgspec

from kvmtui.console.present import audit
from kvmtui.console.present.cells import line_width, plain
from kvmtui.console.present.columns import place
from kvmtui.console.screens.tables import ListPage
from kvmtui.model.audit import AuditRow
from kvmtui.model.job import Job, JobState
from kvmtui.wire.messages import GetTimeline, OpenWindow
from tests.console.desks import sitting

OPEN = (":", *"audit", "enter")


async def test_the_newest_comes_first_with_the_state_of_the_chain() -> None:
    """At both sizes; what is broken is told however little room there is, in red."""
    for size in ((120, 40), (80, 24)):
        async with sitting(size=size) as desk:
            await desk.press(*OPEN)
            query = desk.worker.asked(OpenWindow)[-1].query
            assert (query.resource, query.sort, query.descending) == ("audit", "at", False)
            assert "chain sound, 9 records" in desk.text()
            page = desk.app.page
            assert isinstance(page, ListPage)
            table, held = page.table, page.table.current
            assert held is not None
            assert held.values["outcome"] == "unknown"
            desk.worker.audit_said = ("chain BROKEN at record 4", 4)
            desk.worker.stir()
            await desk.until(lambda: "BROKEN at record 4" in desk.text())
            assert any(span.role == "bad" for line in table.titles() for span in line if "BROKEN" in span.text)


async def test_a_record_is_shown_whole_and_leads_to_its_vm_and_task() -> None:
    """What was asked, by whom, what libvirt said; its VM where it is now, its task, what happened to it."""
    async with sitting() as desk:
        await desk.press(*OPEN, "j", "j", "enter")
        words = " ".join(desk.text().split())
        for said in (
            "anna (uid 1000, process 4712)", "192.0.2.7 50112 22 (as claimed)", "j0, step 0",
            "✗ failed after 120.004 s", '"Timed out during operation"', "record 7",
        ):  # fmt: skip
            assert said in words
        await desk.press("t")
        assert "task j0 is kept no longer" in desk.message
        desk.worker.jobs.append(Job(id="j0", verb="shutdown", by="anna", state=JobState.FAILED, total=1, started=1.0))
        await desk.press("t")
        await desk.until(lambda: any(r.query.job == "j0" for r in desk.worker.asked(OpenWindow)))
        await desk.press("q", "w")
        assert desk.worker.asked(GetTimeline)[-1].uuid == "00000000-0000-4000-8000-000000000007"
        await desk.press("q", "d")
        await desk.until(lambda: "mail" in desk.text() and "overview" in desk.text())
        await desk.press("q", "q", "G", "enter", "d")
        assert "about no VM or host" in desk.message
        await desk.press("t")
        assert "no task" in desk.message


async def test_it_is_filtered_as_other_tables_are() -> None:
    """By who, verb, outcome, age; a bare word looks in names and words."""
    async with sitting() as desk:
        await desk.press(":", *"audit outcome:failed,unknown who:anna", "enter")
        assert "2 of 9" in desk.text()
        await desk.press("escape", "slash", *"since<300s", "enter")
        assert "2 of 9" in desk.text()


def test_a_row_is_as_wide_as_it_is_told_whatever_is_in_it() -> None:
    """One that says nothing, one of a later version, one that says too much."""
    plain_row = AuditRow(id="1", at=0.0)
    full = dict.fromkeys(("user", "origin", "phase", "verb", "name", "host", "outcome", "text", "words"), "x" * 300)
    for row in (plain_row, msgspec.structs.replace(plain_row, severity=9, at=1e300, **full)):
        values = msgspec.to_builtins(row)
        for width in (1, 20, 77, 117):
            _, line = audit.row(place(audit.SHOWN, width), values, width, 0.0)
            assert line_width(line) == width
            assert all(line_width(each) <= max(width, 40) for each in audit.record_lines(values, 0.0, width))
    assert "when" in "".join(map(plain, audit.record_lines({}, 0.0, 80)))
