"""The keys somebody has chosen: ``keys.yaml`` over the built-in ones."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from kvmtui import paths
from kvmtui.actions import VERBS
from kvmtui.console.keys import ACTIONS, BUILT_IN, CONTEXTS, FREE, NEEDED, TORN, Keymap, spelled
from kvmtui.text import width
from kvmtui.yamltree.bounded import read_bounded
from kvmtui.yamltree.nodes import Mapping, Problems, Refused, Scalar, Sequence, clip, parse
from kvmtui.yamltree.values import is_empty, kind

if TYPE_CHECKING:
    from pathlib import Path

    from kvmtui.yamltree.nodes import Node

KEYS_MAX = 8
"""Keys that one action may have."""
_NAMED = (
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete", "backspace", "enter", "tab",
    "escape", "space",
)  # fmt: skip
_OTHERS = {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown", "return": "enter", "del": "delete", "space": " ",
           "ins": "insert", "↑": "up", "↓": "down"}  # fmt: skip
"""Other names of keys."""
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+[": "escape"}
"""Keys for which a terminal sends what it sends for others."""
_PATTERN = re.compile(
    rf"(shift\+tab)|((ctrl|shift|ctrl\+shift)\+)?({'|'.join(_NAMED[:9])})|{'|'.join(_NAMED)}|ctrl\+[a-z]|f([1-9]|1[0-9]|2[0-4])"
)
_ACTS = frozenset({"a", "act", "acts", "menu", "verb", "verbs", "vm"})
"""Where somebody may think that the letters of acts are."""
_BY_NAME = {action.name: action for action in ACTIONS}


class _Chosen(NamedTuple):
    """The keys chosen for an action, with the line they stand on."""

    keys: tuple[str, ...]
    line: int


def place() -> Path:
    """Return where the file is, if there is one."""
    return paths.config_home() / "keys.yaml"


def read(path: Path) -> tuple[Keymap, tuple[str, ...]]:
    """Return the keys in force, and everything that is wrong with the file at ``path``, a line of text each.

    Where the file is wrong the built-in keys stay; without a file all of them do.
    """
    if not os.path.lexists(path):
        return BUILT_IN, ()
    raw, why, remedy = read_bounded(path)
    if why:
        return BUILT_IN, (f"cannot be read: {why} · {remedy or 'make it readable, or remove it'}",)
    problems = Problems()
    return _settled(_chosen(raw, problems), problems), problems.lines()


def _chosen(raw: bytes, problems: Problems) -> dict[str, _Chosen]:
    root = parse(raw, problems, 'quote keys that are signs: "?"')
    if root is None or (isinstance(root, Scalar) and is_empty(root)):
        return {}
    if not isinstance(root, Mapping):
        problems.add(root.line, f"{kind(root)} where names of actions are wanted", "write main.zoom: f")
        return {}
    chosen = {}
    for name, (key, node) in root.keys.items():
        if name not in _BY_NAME:
            problems.add(key.line, f'there is no action "{clip(name)}"', _meant(name))
            continue
        keys = _keys_of(name, node, problems)
        if keys is not None:
            chosen[name] = _Chosen(keys, key.line)
    return chosen


def _meant(name: str) -> str:
    """Return what to do about a name that is no action's."""
    head, _, tail = name.partition(".")
    if name in VERBS or tail in VERBS or head in _ACTS:
        return "the letters of acts are the same for everybody, for ever; table.act opens their menu"
    if name in CONTEXTS:
        return f"write {name}.NAME: KEY, each on a line of its own"
    near = get_close_matches(name[:64].lower(), _BY_NAME, n=1)
    same = [full for full, action in _BY_NAME.items() if action.id in {name, tail}]
    if near or same:
        return f"did you mean {(same + near)[0]}?"
    return "? in the console names them all"


def _keys_of(name: str, node: Node, problems: Problems) -> tuple[str, ...] | None:
    """Return the keys of an action, None after telling what is wrong with them."""
    if isinstance(node, Sequence):
        read = [_key(name, item, problems) for item in node.items]
    elif isinstance(node, Scalar):
        read = [_key(name, node, problems)]
    else:
        if not isinstance(node, Refused):
            problems.add(node.line, f"{name}: {kind(node)} where a key is wanted", "write main.zoom: f, or [f, ctrl+f]")
        return None
    keys = tuple(dict.fromkeys(key for key in read if key is not None))
    if None in read:
        return None
    if len(keys) > KEYS_MAX:
        problems.add(node.line, f"{name}: {len(keys)} keys", f"at most {KEYS_MAX}")
        return None
    if not keys and name in NEEDED:
        problems.add(node.line, f"{name} is left without a key", "nobody would find the way: give it one")
        return None
    return keys


def _key(name: str, node: Node, problems: Problems) -> str | None:
    """Return a key by our name for it, None after telling what is wrong with it."""
    if isinstance(node, Refused):
        return None
    if not isinstance(node, Scalar) or is_empty(node):
        remedy = 'a sign wants quotes: "~"; [] leaves the action without a key'
        problems.add(node.line, f"{name}: {kind(node)} where a key is wanted", remedy)
        return None
    key, shown = _named(node.text), clip(node.text)
    if key is None:
        near = get_close_matches(node.text[:32].lower(), [*_NAMED, *_OTHERS, "ctrl+f", "shift+tab"], n=1)
        remedy = f"did you mean {near[0]}?" if near else "one character, or enter, tab, pgdn, ctrl+f, f5 and the like"
        problems.add(node.line, f'{name}: there is no key "{shown}"', remedy)
    elif key in _SAME:
        problems.add(node.line, f"{name}: terminals send {_SAME[key]} for {shown}", f"write {_SAME[key]}")
    elif key in FREE:
        problems.add(node.line, f"{name}: {shown} belongs to terminals and multiplexers", "choose another key")
    elif key in TORN:
        why = "arrives by itself when a slow line tears the sequence of another key"
        problems.add(node.line, f"{name}: {shown} {why}", "choose a small letter, or ctrl and a letter")
    else:
        return key
    return None


def _named(text: str) -> str | None:
    """Return our name for what somebody calls a key, None if it is none."""
    if len(text) == 1 and text.isprintable() and width(text) == 1 and text not in _OTHERS:
        return text
    lower = text.lower()
    key = _OTHERS.get(lower, lower)
    return key if key == " " or key in _SAME or _PATTERN.fullmatch(key) else None


def _settled(chosen: dict[str, _Chosen], problems: Problems) -> Keymap:
    """Return the keymap with what was chosen; what clashes is told, and the built-in keys stay there."""
    while True:
        actions = [a._replace(keys=chosen[a.name].keys) if a.name in chosen else a for a in ACTIONS]
        keymap = Keymap(actions)
        guilty: set[str] = set()
        for key, one, other in keymap.clashes():
            lines = {a.name: chosen[a.name].line for a in (one, other) if a.name in chosen}
            first, second = (f"{a.name} (line {lines[a.name]})" if a.name in lines else a.name for a in (one, other))
            problems.add(max(lines.values()), f"{spelled(key)} is both {first} and {second}", "give one another key")
            guilty |= lines.keys()
        if not guilty:
            return keymap
        for name in guilty:
            del chosen[name]
