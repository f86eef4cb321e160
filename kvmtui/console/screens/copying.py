"""The menu by which something is copied: a name, a line for virsh, the screen."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console import clipboard
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.present.values import shown
from kvmtui.console.present.vms import state_of
from kvmtui.console.sheets import Choice, Menu
from kvmtui.errors import UsageError
from kvmtui.model.columns import COLUMNS
from kvmtui.model.virsh import connected
from kvmtui.model.vm import VmState
from kvmtui.text import clean, clean_lines, plural
from kvmtui.wire.messages import GetDetail, ListRows, Query

if TYPE_CHECKING:
    from kvmtui.console.listing import Held
    from kvmtui.console.screens.page import Page

_ABOUT = frozenset({"events", "findings", "steps", "audit"})
"""Resources whose rows are about a VM or a host, and say which."""
_SHOWN = 40
"""Characters of a thing that stand in the menu."""


class Subject(NamedTuple):
    """The row that something is copied of."""

    resource: str
    held: Held

    @property
    def host(self) -> str:
        """The host it is, or is on."""
        return str(self.held.values["host"]) if self.resource in _ABOUT else self.held.key.partition("/")[0]

    @property
    def uuid(self) -> str:
        """Its UUID; "" for what has none."""
        if self.resource in _ABOUT:
            return str(self.held.values["uuid"])
        return self.held.key.partition("/")[2] if self.resource == "vms" else ""

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.held.values.get("subject" if self.resource == "jobs" else "name") or self.held.key)


def copy_menu(page: Page, subject: Subject | None, screen: str) -> Menu:
    """Return the menu; ``screen`` is what the page looked like before it was opened."""
    nothing = "" if subject is not None else "there is nothing under the cursor"
    no_vm = nothing or ("" if subject is not None and subject.uuid else "only VMs have one")
    no_virsh = nothing or ("" if subject is not None and subject.resource in {"vms", "hosts"} else "not for virsh")
    no_task = nothing or ("" if subject is not None and subject.resource == "jobs" else "only tasks have one")
    name = clean(subject.name, _SHOWN) if subject is not None else ""
    choices = [
        Choice("n", "name", why_not=nothing, hint=name),
        Choice("i", "id", why_not=no_task, hint=subject.held.key if subject is not None else ""),
        Choice("u", "UUID", why_not=no_vm, hint=subject.uuid if subject is not None else ""),
        Choice("v", "virsh", why_not=no_virsh, hint=f"virsh -c … {_call(subject)}" if subject is not None else ""),
        Choice("x", "XML", why_not=no_vm, hint="read from its host now"),
        Choice("r", "row", why_not=nothing, hint="with the names of its columns"),
        Choice("s", "screen", hint="as text"),
    ]

    def chosen(choice: Choice) -> None:
        page.close_sheet()
        if choice.key == "s":
            _put(page, "the screen", screen)
        elif subject is not None:
            page.console.work(_copy(page, choice, subject))

    title: Line = (Span("copy", "title"), Span(f"  {name}"))
    return Menu(title, choices, chosen, page.close_sheet)


async def _copy(page: Page, choice: Choice, subject: Subject) -> None:
    """Find what was chosen and copy it. Raises what the worker answers with."""
    match choice.key:
        case "n":
            text = subject.name
        case "i":
            text = subject.held.key
        case "u":
            text = subject.uuid
        case "v":
            text = await _virsh(page, subject)
        case "x":
            text = clean_lines((await page.console.feed.call(GetDetail(host=subject.host, uuid=subject.uuid))).xml)
        case _:
            text = _row(subject, page.console.now())
    _put(page, f"the {choice.word} of {clean(subject.name, _SHOWN)}", text)


def _put(page: Page, what: str, text: str) -> None:
    try:
        page.console.copy_to_clipboard(text)
    except UsageError as error:
        page.console.say(f"✗ {what} is not copied: {error}", "warn")
    else:
        page.console.say(f"copied {what}, {plural(len(text), 'character')} · {clipboard.REMEDY}", "good")


def _call(subject: Subject) -> str:
    """Return what virsh is asked for."""
    if subject.resource == "hosts":
        return "list --all"
    return f"{'console' if state_of(subject.held.values) is VmState.RUNNING else 'dominfo'} {shlex.quote(subject.uuid)}"


async def _virsh(page: Page, subject: Subject) -> str:
    uri = subject.held.values.get("uri")
    if uri is None:
        query = Query(resource="hosts", filter=f'name:"{subject.host}"', columns=("uri",), count=1)
        found = (await page.console.feed.call(ListRows(query=query))).rows
        if not found:
            raise UsageError("the host is not in the config any more", where=subject.host)
        uri = found[0][0]
    return f"{connected(clean(str(uri)))} {_call(subject)}"


def _row(subject: Subject, now: float) -> str:
    values = subject.held.values
    told = [(column.title, shown(column.kind, values.get(column.id), now)) for column in COLUMNS[subject.resource]]
    return "  ".join(f"{title} {text}" for title, text in told if text not in {"", "–"})
