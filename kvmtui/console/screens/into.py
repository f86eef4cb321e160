"""What a row leads to: the page behind it, the menu of what can be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.listing import Held
from kvmtui.console.present import hosts, vms
from kvmtui.console.screens.acting import act_on_host, act_on_vm
from kvmtui.console.screens.taskmenu import act_on_job
from kvmtui.wire.messages import ListRows, Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.console.screens.page import Page


def _vm(page: Page, held: Held) -> None:
    from kvmtui.console.screens.detail import DetailPage

    page.console.push_screen(DetailPage(page.console, held, "overview"))


def _job(page: Page, held: Held) -> None:
    from kvmtui.console.screens.tasks import JobPage

    page.console.push_screen(JobPage(page.console, held))


def _host(page: Page, held: Held) -> None:
    from kvmtui.console.screens.host import HostPage

    page.console.push_screen(HostPage(page.console, held))


def _event(page: Page, held: Held) -> None:
    page.console.work(subject_of(page, held))


async def subject_of(page: Page, held: Held) -> None:
    """Open the VM of an event, a step or a record where it is now, else the host; what happened, where there is
    neither."""
    uuid, host = str(held.values["uuid"]), str(held.values["host"])
    if uuid:
        query = Query(resource="vms", filter=f'uuid:"{uuid}"', columns=("host", *vms.ASKED))
    elif host:
        query = Query(resource="hosts", filter=f'name:"{host}"', columns=hosts.ASKED)
    else:
        page.do_history()
        return
    page_of = await page.console.feed.call(ListRows(query=query))
    found = [dict(zip(query.columns, cells, strict=True)) for cells in page_of.rows]
    if not found:
        key = page.console.keymap.key_of("table.history")
        page.console.say(f"{held.values['name']} is there no longer: {key} tells what happened", "notice")
    elif uuid:
        values = next((values for values in found if values["host"] == host), found[0])
        _vm(page, Held(f"{values['host']}/{uuid}", values))
    else:
        _host(page, Held(host, found[0]))


def _finding(page: Page, held: Held) -> None:
    """Show the VMs that a finding is about, else its host."""
    from kvmtui.console.screens import going

    meant, host = str(held.values.get("filter") or ""), str(held.values.get("host") or "")
    if meant:
        going.go(page.console, "vms", meant)
    elif host:
        going.go(page.console, "hosts", f'name:"{host}"')
    else:
        page.console.say("it is about no VM or host by itself", "notice")


def _record(page: Page, held: Held) -> None:
    from kvmtui.console.screens.record import RecordPage

    page.console.push_screen(RecordPage(held))


_INTO: dict[str, Callable[[Page, Held], None]] = {
    "vms": _vm, "hosts": _host, "jobs": _job, "steps": _event, "events": _event, "findings": _finding,
    "audit": _record,
}  # fmt: skip
"""Resource -> what opens the page behind a row."""
_ACTS: dict[str, Callable[[Page, Held], None]] = {
    "vms": lambda page, held: act_on_vm(page, held.key, held.values),
    "hosts": lambda page, held: act_on_host(page, held.key, held.values),
    "jobs": lambda page, held: act_on_job(page, held.key, held.values),
}
"""Resource -> what opens the menu of a row."""


def into(page: Page, resource: str, held: Held) -> None:
    """Open the page behind a row, where there is one."""
    opens = _INTO.get(resource)
    if opens is not None:
        opens(page, held)


def can_act_on(resource: str) -> bool:
    """Return whether something can be done to rows of a resource."""
    return resource in _ACTS


def act_on(page: Page, resource: str, held: Held) -> None:
    """Open the menu of what can be done to a row; say so where nothing can."""
    opens = _ACTS.get(resource)
    if opens is not None:
        opens(page, held)
    else:
        page.console.say("nothing can be done to this by itself", "notice")
