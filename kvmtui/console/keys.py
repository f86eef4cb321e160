"""The keys of the console: one table that dispatch, footer, help follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.actions import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable


class Action(NamedTuple):
    """One thing that a key does."""

    id: str
    """``do_<id>`` is the method of the page that does it."""
    keys: tuple[str, ...]
    """Characters, or Textual's names of keys that are none."""
    help: str
    context: str = "main"
    """Where it is bound: one of CONTEXTS."""
    footer: str = ""
    """Its word in the footer; "" keeps it out."""
    moves: bool = False
    """Only moves about: harmless even where many come at once."""

    @property
    def name(self) -> str:
        """What it is called where keys are chosen: "main.zoom"."""
        return f"{self.context}.{self.id}"


CONTEXTS: dict[str, str] = {
    "everywhere": "everywhere",
    "list": "in a list, and in a text",
    "table": "in a table",
    "text": "in a text",
    "main": "on the main screen",
    "detail": "in the detail of a VM or a host",
    "vm": "in the detail of a VM",
    "record": "in a record of what was done",
}
PLACES: tuple[tuple[str, ...], ...] = (
    ("list", "table", "main"), ("list", "table"), ("list", "text", "detail", "vm"), ("list", "text", "detail"),
    ("list", "text", "record"), ("list", "text"),
)  # fmt: skip
"""Contexts that are in force at once, with what is bound everywhere: those of each page."""

_WHAT_HAPPENED = "what happened here: events, tasks, audit on one line of time"
ACTIONS: tuple[Action, ...] = (
    Action("down", ("j", "down"), "one down", "list", moves=True),
    Action("up", ("k", "up"), "one up", "list", moves=True),
    Action("first", ("g", "home"), "to the first; the cursor stays at the top", "list", moves=True),
    Action("last", ("G", "end"), "to the last", "list", moves=True),
    Action("half_down", ("ctrl+d",), "half a page down", "list", moves=True),
    Action("half_up", ("ctrl+u",), "half a page up", "list", moves=True),
    Action("page_down", ("pagedown",), "a page down", "list", moves=True),
    Action("page_up", ("pageup",), "a page up", "list", moves=True),
    Action("filter", ("/",), "filter as you type; enter keeps it, esc takes it back", "table", footer="filter"),
    Action(
        "act", ("a",), "act on the row under the cursor: a letter says what, a question follows", "table", footer="act"
    ),
    Action("into", ("enter",), "into it: detail of a VM, VMs of a host, steps of a task", "table", footer="detail"),
    Action("detail", ("d",), "detail of a VM or a host, steps of a task", "table"),
    Action("columns", ("|",), "choose which columns stand in the table", "table"),
    Action("mark", (" ",), "mark the row under the cursor, or unmark it", "table", footer="mark"),
    Action("mark_range", ("v",), "mark a range: here it begins; again: here it ends", "table"),
    Action("mark_all", ("*",), "mark all that match, on the screen or not", "table"),
    Action("unmark", ("u",), "take all marks away; again: bring them back", "table"),
    Action("history", ("w",), _WHAT_HAPPENED, "table", footer="what happened"),
    Action("next_wrong", ("n",), "next row with something wrong", "table", footer="next trouble", moves=True),
    Action("previous_wrong", ("N",), "previous row with something wrong", "table", moves=True),
    Action("order", ("o",), "order by a figure: its letter follows; again reverses", "table", footer="order"),
    Action("only_wrong", ("z",), "only rows with something wrong, and back", "table", footer="only wrong"),
    Action("find", ("/",), "look for a text; enter keeps it, esc takes it back", "text", footer="find"),
    Action("next_match", ("n",), "next line that has it", "text"),
    Action("previous_match", ("N",), "previous line that has it", "text"),
    Action("zoom", ("f",), "the pane alone on the screen, and back", footer="zoom"),
    Action("tasks", ("t",), "tasks", footer="tasks"),
    Action("xml", ("y",), "XML of the VM"),
    Action("next_pane", ("tab",), "next pane", moves=True),
    Action("previous_pane", ("shift+tab",), "previous pane", moves=True),
    Action("pane_hosts", ("1",), "hosts", moves=True),
    Action("pane_vms", ("2",), "VMs", moves=True),
    Action("pane_metrics", ("3",), "metrics of the row under the cursor", moves=True),
    Action("pane_tasks", ("4",), "tasks", moves=True),
    Action("next_tab", ("l", "right", "tab"), "next tab", "detail", footer="tabs", moves=True),
    Action("previous_tab", ("h", "left", "shift+tab"), "previous tab", "detail", moves=True),
    Action("act", ("a",), "act on it", "detail", footer="act"),
    Action("history", ("w",), _WHAT_HAPPENED, "detail", footer="what happened"),
    Action("xml", ("y",), "its XML", "vm", footer="XML"),
    Action("subject", ("d",), "detail of its VM, else of its host", "record", footer="VM"),
    Action("task", ("t",), "its task, with all its steps", "record", footer="task"),
    Action("history", ("w",), _WHAT_HAPPENED, "record", footer="what happened"),
    Action("copy", ("c",), "copy name, UUID, virsh line, XML, row or screen: a letter says which", "everywhere"),
    Action("command", (":",), "go or do anything by its name: tab completes, ↑ recalls", "everywhere", footer="go"),
    Action("jump_back", ("backspace", "ctrl+o"), "back to where you were before the last jump", "everywhere"),
    Action("help", ("?",), "this page", "everywhere", footer="help"),
    Action(
        "back",
        ("escape",),
        "one step out: question, input, range, zoom, detail, host, filter",
        "everywhere",
    ),
    Action("close", ("q", "ctrl+c"), "close what is on top; on the main screen: leave", "everywhere", footer="leave"),
)

NEEDED = frozenset({"everywhere.help", "everywhere.back", "everywhere.close"})
"""Without a key for these nobody finds a way."""
FREE = frozenset({"ctrl+a", "ctrl+b", "ctrl+k", "ctrl+z", "ctrl+s", "ctrl+q"})
"""Never bound: they belong to terminals and multiplexers."""
TORN = frozenset("[O") | (frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {"G", "N"})
"""What a torn escape sequence arrives as; no bare key of ours. No sequence of keys ends in G or N."""
_ANSWERS = frozenset({"y", *(verb.key for verb in VERBS.values())})
"""What acts where a menu or a question is open."""


class Clash(NamedTuple):
    """One key that would do two things in one place."""

    key: str
    one: Action
    other: Action


class Keymap:
    """The keys in force."""

    def __init__(self, actions: Iterable[Action] = ACTIONS) -> None:
        self.actions = tuple(actions)
        self._bound = {(action.context, key): action for action in self.actions for key in action.keys}
        acting = {key for action in self.actions if not action.moves for key in action.keys} | _ANSWERS
        self.moves = frozenset(key for action in self.actions if action.moves for key in action.keys) - acting
        """Keys that only move about, wherever they are pressed."""

    def find(self, contexts: tuple[str, ...], key: str) -> Action | None:
        """Return what ``key`` does, the first of ``contexts`` first."""
        return next((self._bound[at, key] for at in contexts if (at, key) in self._bound), None)

    def of(self, *contexts: str) -> list[Action]:
        """Return the actions of these contexts."""
        return [action for context in contexts for action in self.actions if action.context == context]

    def key_of(self, name: str) -> str:
        """Return the first key of an action as it is printed, "–" for one that has none. Raises KeyError."""
        for action in self.actions:
            if action.name == name:
                return spelled(action.keys[0]) if action.keys else "–"
        raise KeyError(name)

    def clashes(self) -> list[Clash]:
        """Return what is bound twice in one place."""
        found: dict[Clash, None] = {}
        for place in PLACES:
            seen: dict[str, Action] = {}
            for action in self.of(*place, "everywhere"):
                for key in action.keys:
                    other = seen.setdefault(key, action)
                    if other is not action:
                        found[Clash(key, other, action)] = None
        return list(found)


BUILT_IN = Keymap()
"""The keys of those who have chosen none."""


def name_of(key: str, character: str | None) -> str:
    """Return a key by our name: the character it types, else Textual's name for it."""
    modified = key.startswith(("alt+", "ctrl+", "super+", "hyper+", "meta+"))
    if character is not None and len(character) == 1 and character.isprintable() and not modified:
        return character
    return key


_SPELLED = {
    " ": "space",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "left",
    "right": "right",
    "shift+tab": "shift+tab",
}


def spelled(key: str) -> str:
    """Return a key as it is printed in footer and help."""
    return _SPELLED.get(key, key)
