"""A theme out of its YAML file, every mistake with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.errors import StyleSyntaxError
from rich.style import Style

from kvmtui.console.theme import GROUNDS, ROLES, Theme, built_in, load
from kvmtui.text import clean
from kvmtui.yamltree import values
from kvmtui.yamltree.nodes import Mapping, Refused, clip, parse

if TYPE_CHECKING:
    from collections.abc import Mapping as Names

    from kvmtui.yamltree.nodes import Node, Problems

_KEYS = ("name", "about", "base", "grounds", "roles")
_SHOWN = ("bold", "dim", "italic", "underline", "reverse")
"""Attributes that are sent to a terminal."""
_EXAMPLE = "#rrggbb, or a name like bright_blue"


def read(raw: bytes, name: str, problems: Problems) -> Theme | None:
    """Return the theme that ``raw`` holds under the name of its file; what is wrong goes to ``problems``."""
    root = parse(raw, problems, 'quote colours: "#aabbcc"')
    if root is None or not isinstance(root, Mapping):
        if not problems.found:
            problems.add(0, "the file holds no theme", 'begin with "base: dark", then roles: and what differs')
        return None
    given = values.known(root, "", _KEYS, problems)
    if "name" in given:
        said = values.word(given["name"], "name", problems)
        if said is not None and said != name:
            problems.add(given["name"].line, f'name: "{clip(said)}"', f"a theme has the name of its file: {clip(name)}")
    base = None
    if "base" in given and (chosen := values.choice(given["base"], "base", tuple(built_in()), problems)):
        base = load(chosen)
    told = len(problems.found)
    grounds = _styles(given.get("grounds"), "grounds", GROUNDS, base.grounds if base else {}, problems)
    roles = _styles(given.get("roles"), "roles", ROLES, base.roles if base else {}, problems)
    if "base" not in given and len(problems.found) == told:
        missing = [*(n for n in GROUNDS if n not in grounds), *(n for n in ROLES if n not in roles)]
        for each in missing:
            what = GROUNDS.get(each) or ROLES[each]
            problems.add(0, f"{each} is missing: {what}", "give it a style, or take the rest from another: base: dark")
    about = values.word(given["about"], "about", problems) if "about" in given else None
    if problems.found:
        return None
    return Theme(name=name, about=clean(about or "a theme of your own", 80), grounds=grounds, roles=roles)


def _styles(
    node: Node | None, where: str, known: Names[str, str], base: Names[str, str], problems: Problems
) -> dict[str, str]:
    mapping = values.section(node, where, problems) if node is not None else None
    styles = {name: base[name] for name in known if name in base}
    if mapping is None:
        return styles
    for name, value in values.known(mapping, f"{where}: ", tuple(known), problems).items():
        style = _style(value, f"{where}: {name}", problems)
        if style is not None:
            styles[name] = style
    return styles


def _style(node: Node, where: str, problems: Problems) -> str | None:
    if values.is_empty(node):
        problems.add(node.line, f"{where} is empty", 'a colour wants quotes, else it is a comment: "#aabbcc"')
        return None
    text = values.word(node, where, problems) if not isinstance(node, Refused) else None
    if text is None:
        return None
    try:
        style = Style.parse(text)
    except StyleSyntaxError:
        wrong = next((word for word in text.split() if not _is_style(word)), "")
        said = f'"{clip(wrong)}" is no colour' if wrong else "a colour must follow on"
        problems.add(node.line, f"{where}: {said}", _EXAMPLE)
        return None
    others = {"blink", "blink2", "conceal", "strike", "underline2", "frame", "encircle", "overline", "link"}
    if unsent := [name for name in sorted(others) if getattr(style, name)]:
        problems.add(node.line, f"{where}: {', '.join(unsent)} cannot be shown", f"attributes are {', '.join(_SHOWN)}")
        return None
    return text


def _is_style(word: str) -> bool:
    """Return whether one word of a style means something, alone or beside others."""
    if word.lower() in {"on", "not", "none", "link"}:
        return True
    try:
        Style.parse(word)
    except StyleSyntaxError:
        return False
    return True
