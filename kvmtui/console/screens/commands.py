"""What can be typed behind ``:``: one declaration a command, tables, verbs, keys' actions from theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.actions import VERBS
from kvmtui.console import memory, theme
from kvmtui.console.arrangement import View
from kvmtui.console.present.columns import called
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens import choosing, going
from kvmtui.console.screens.acting import act_by_name, reconnect
from kvmtui.console.screens.ordering import order_by, remember_order
from kvmtui.console.screens.tables import TablePage
from kvmtui.console.unlocking import OFFERED
from kvmtui.errors import UsageError
from kvmtui.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kvmtui.actions import Verb
    from kvmtui.console.app import Console
    from kvmtui.console.screens.page import Page


class Command(NamedTuple):
    """One word that can be typed, with what may follow it."""

    word: str
    takes: str
    """What follows: "[FILTER]", "NAME"; "" for nothing."""
    help: str
    run: Callable[[Page, str], None]
    """Given the page it was typed on, and what followed. Raises UsageError."""
    offers: Callable[[Page], Iterable[str]] = lambda _: ()
    """What may follow, as far as it is known."""
    table: str = ""
    """Name of the table that what follows is a filter of."""
    acts: bool = False
    """It changes VMs: its word is never guessed from its beginning."""


def _go(name: str) -> Callable[[Page, str], None]:
    return lambda page, rest: going.go(page.console, name, rest)


def _table_of(page: Page) -> TablePage:
    if not isinstance(page, TablePage):
        raise UsageError("there is no table here", remedy="go to one first: vms, hosts")
    return page


def _view(page: Page, rest: str) -> None:
    words = rest.split()
    match words:
        case ["save"]:
            raise UsageError("save it under which name?", remedy="view save NAME")
        case ["drop"]:
            saved = ", ".join(page.console.memory.now.views)
            raise UsageError("forget which view?", remedy=f"you have saved {saved or 'none'}")
        case ["save", name]:
            _save_view(_table_of(page), clean(name, memory.NAME_MAX))
        case ["drop", name]:
            _drop_view(page, name)
        case [name] if name in memory.views(page.console.memory.now):
            going.show_view(page.console, name)
        case [name]:
            known = ", ".join(memory.views(page.console.memory.now))
            raise UsageError(f"there is no view {clean(name, 40)}", remedy=f"there are {known}")
        case _:
            raise UsageError("which view?", remedy="view NAME, view save NAME, view drop NAME")


def _save_view(page: TablePage, name: str) -> None:
    if name in {"save", "drop"}:
        raise UsageError(f"a view cannot be called {name}")
    table = page.table
    view = View(table=table.look_of.name, arrangement=table.listing.arrangement)
    page.console.remember(memory.with_view(name, view))
    page.console.say(f"view {name} saved: filter, order and columns of {table.look_of.name}", "good")
    table.repaint()


def _drop_view(page: Page, name: str) -> None:
    if name not in page.console.memory.now.views:
        raise UsageError(f"you have saved no view {clean(name, 40)}")
    page.console.remember(memory.with_view(name, None))
    page.console.say(f"view {name} forgotten", "notice")


def _order(page: Page, rest: str) -> None:
    table = _table_of(page).table
    column = called(table.look_of.every, [rest])[0] if rest else None
    order_by(table, column)
    remember_order(page.console, table)


def _columns(page: Page, rest: str) -> None:
    table = _table_of(page)
    if rest:
        choosing.choose(table, rest)
    else:
        table.do_columns()


def _theme(page: Page, rest: str) -> None:
    if not rest:
        raise UsageError("which theme?", remedy=f"there are {', '.join(theme.names())}")
    page.console.use_theme(rest)
    page.console.remember(memory.with_theme(rest))
    weak = theme.hard_to_see(page.console.palette.theme)
    page.console.say(f"theme {rest}, also the next time", "warn" if weak else "good", weak)


def _reconnect(page: Page, rest: str) -> None:
    page.console.work(reconnect(page, rest))


def _unlock(page: Page, rest: str) -> None:
    page.console.work(page.console.unlocking.unlock(rest))


def _lock(page: Page, _rest: str) -> None:
    page.console.work(page.console.unlocking.lock())


def _columns_of(page: Page) -> Iterable[str]:
    return [column.id for column in page.table.look_of.every] if isinstance(page, TablePage) else ()


def _views_of(page: Page) -> Iterable[str]:
    return memory.views(page.console.memory.now)


def _hosts_of(page: Page) -> Iterable[str]:
    return page.console.main.hosts.listing.keys()


OWN: tuple[Command, ...] = (
    Command("metrics", "", "figures of the row under the cursor", _go("metrics")),
    Command(
        "view", "NAME", "a saved view; view save NAME keeps this table as it is, view drop NAME forgets it", _view,
        _views_of,
    ),
    Command(
        "columns", "[COLUMNS]", "choose which columns stand in the table: +tags -steal; name,host,cpu%; usual",
        _columns, choosing.offers,
    ),
    Command("order", "[COLUMN]", "order the table by a column; again: the other way round", _order, _columns_of),
    Command("theme", "NAME", "other colours, also the next time", _theme, lambda _: theme.names()),
    Command("reconnect", "[HOST]", "try the links of hosts that are not up again, now", _reconnect, _hosts_of),
    Command(
        "rw", "[15m]", "change things for a while where the config has all begin read-only; 8h at most, recorded",
        _unlock, lambda _: OFFERED,
    ),
    Command("ro", "", "be read-only again", _lock),
    Command("quit", "", "leave", lambda page, _: page.console.exit()),
)  # fmt: skip
"""Commands that are nothing else's."""


def table_commands() -> Iterable[Command]:
    """Return the commands that lead to a table."""
    return [
        Command(look.name, "[FILTER]", f"{look.about}; what follows is the filter", _go(look.name), table=look.name)
        for look in LOOKS.values()
        if not look.within
    ]


def _verbs() -> Iterable[Command]:
    def act(verb: Verb) -> Callable[[Page, str], None]:
        return lambda page, rest: act_by_name(page, verb, rest)

    return [
        Command(verb.id, "[FILTER]", f"{verb.help} The marked VMs, the one under the cursor, or a filter.",
                act(verb), table="vms", acts=True)
        for verb in VERBS.values()
    ]  # fmt: skip


def _actions(console: Console, page: Page) -> Iterable[Command]:
    """Whatever a key does here has a word as well, but for moving about."""

    def perform(name: str) -> Callable[[Page, str], None]:
        return lambda page, _: page.perform(name)

    return [
        Command(action.id.replace("_", "-"), "", action.help, perform(action.id))
        for action in console.keymap.of(*page.contexts, "everywhere")
        if not action.moves and action.id != "command"
    ]


def commands(page: Page) -> dict[str, Command]:
    """Return what can be typed on a page, by its word; a command's own declaration comes before a key's.

    A table is found under what ``kvmtui ls`` calls it, too.
    """
    every = (*table_commands(), *OWN, *_verbs(), *_actions(page.console, page))
    found: dict[str, Command] = {}
    for command in every:
        found.setdefault(command.word, command)
    for command in table_commands():
        found.setdefault(LOOKS[command.table].resource, command)
    return found
