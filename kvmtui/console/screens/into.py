"""What a row leads to: the page behind it, the menu of what can be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.screens.acting import act_on_host, act_on_job, act_on_vm

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.console.listing import Held
    from kvmtui.console.screens.page import Page


def _vm(page: Page, held: Held) -> None:
    from kvmtui.console.screens.detail import DetailPage

    page.console.push_screen(DetailPage(held, "overview"))


def _job(page: Page, held: Held) -> None:
    from kvmtui.console.screens.tasks import JobPage

    page.console.push_screen(JobPage(held.key))


def _host(page: Page, held: Held) -> None:
    from kvmtui.console.screens.host import HostPage

    page.console.push_screen(HostPage(page.console, held))


_INTO: dict[str, Callable[[Page, Held], None]] = {"vms": _vm, "hosts": _host, "jobs": _job}
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


def act_on(page: Page, resource: str, held: Held) -> None:
    """Open the menu of what can be done to a row; say so where nothing can."""
    opens = _ACTS.get(resource)
    if opens is not None:
        opens(page, held)
    else:
        page.console.say("nothing can be done to this by itself", "notice")
