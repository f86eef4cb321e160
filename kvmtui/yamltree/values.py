"""Typed values out of YAML nodes, with the traps of YAML 1.1 told."""

from __future__ import annotations

import re

from kvmtui.text import seconds_of
from kvmtui.yamltree.nodes import Mapping, Node, Problems, Refused, Scalar, Sequence, clip

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?", re.ASCII)
_LITERAL_MAX = 32
_WORDS = {"bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date", "null": "nothing"}


def is_empty(node: Node) -> bool:
    """Tell whether a key was given without a value (or with YAML's null)."""
    return isinstance(node, Scalar) and node.plain and node.text in {"", "~", "null", "Null", "NULL"}


def kind(node: Node) -> str:
    """Return what a node is, in words for a message."""
    if isinstance(node, Scalar):
        return "nothing" if is_empty(node) else f'"{clip(node.text)}"'
    return "a list" if isinstance(node, Sequence) else "a block of keys"


def taken_for(value: str) -> str:
    """Return what YAML 1.1 takes a word without quotes for ("false", "the number 1342", "a date"); "": for itself."""
    import yaml

    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in resolvers.get(value[:1], []) + resolvers.get(None, []):
        if pattern.match(value):
            short = tag.rpartition(":")[2]
            if short in {"bool", "int"} and len(value) <= _LITERAL_MAX:
                return _literal(tag, short, value)
            return _WORDS.get(short, "")
    return ""


def _literal(tag: str, short: str, value: str) -> str:
    import yaml

    constructor = yaml.constructor.SafeConstructor()
    node = yaml.ScalarNode(tag, value)
    try:
        if short == "bool":
            return "true" if constructor.construct_yaml_bool(node) else "false"
        return f"the number {constructor.construct_yaml_int(node)}"
    except ValueError:
        return _WORDS[short]


def word(node: Node, key: str, problems: Problems, *, needed: bool = False) -> str | None:
    """Return a text, or None after telling why it is none. ``needed``: it may not be empty."""
    if isinstance(node, Refused):
        return None
    if not isinstance(node, Scalar):
        problems.add(node.line, f"{key}: {kind(node)} where one text is wanted", f"write {key}: TEXT")
        return None
    if is_empty(node) or (needed and not node.text.strip()):
        problems.add(node.line, f"{key} is empty", "give a value or remove the line")
        return None
    if node.plain and (other := taken_for(node.text)):
        problems.add(node.line, f"{key}: {clip(node.text)} is {other} in YAML", f'quote it: "{clip(node.text)}"')
        return None
    return node.text


def choice(node: Node, key: str, allowed: tuple[str, ...], problems: Problems) -> str | None:
    """Return one of ``allowed``, or None after telling them."""
    if isinstance(node, Refused):
        return None
    if isinstance(node, Scalar) and node.text in allowed:
        return node.text
    problems.add(node.line, f"{key}: {kind(node)} is no choice", f"one of {', '.join(allowed)}")
    return None


def truth(node: Node, key: str, problems: Problems) -> bool | None:
    """Return true or false, or None after telling that it is neither."""
    if isinstance(node, Refused):
        return None
    if isinstance(node, Scalar) and node.plain and node.text.lower() in {"true", "false"}:
        return node.text.lower() == "true"
    problems.add(node.line, f"{key}: {kind(node)} where true or false is wanted", "write true or false, without quotes")
    return None


def number(node: Node, key: str, low: float, high: float, problems: Problems, *, whole: bool = False) -> float | None:
    """Return a number of ``low`` .. ``high``, or None after telling what is wrong with it."""
    if isinstance(node, Refused):
        return None
    wanted = f"a{' whole' if whole else ''} number from {low:g} to {high:g}"
    if not isinstance(node, Scalar) or is_empty(node):
        problems.add(node.line, f"{key}: {kind(node)} where {wanted} is wanted", f"write {key}: {high:g}")
        return None
    if not _DECIMAL.fullmatch(node.text):
        other = taken_for(node.text) if node.plain else ""
        trap = f" (YAML takes it for {other})" if other.startswith("the number") else ""
        problems.add(node.line, f'{key}: "{clip(node.text)}"{trap} is not {wanted}', "write plain digits, no unit")
        return None
    value = float(node.text)
    if not low <= value <= high or (whole and value != int(value)):
        problems.add(node.line, f"{key}: {node.text} is not {wanted}", f"write {wanted}")
        return None
    return value


def span(node: Node, key: str, low: str, high: str, problems: Problems) -> float | None:
    """Return the seconds of a span of time ("90s", "400d") of ``low`` .. ``high``, or None after telling what is wrong
    with it."""
    if isinstance(node, Refused):
        return None
    wanted = f"a span of time from {low} to {high}"
    seconds = seconds_of(node.text) if isinstance(node, Scalar) else None
    if seconds is None or not (seconds_of(low) or 0) <= seconds <= (seconds_of(high) or 0):
        remedy = "write a whole number with its unit behind it: 30s, 10m, 12h, 400d, 8w"
        problems.add(node.line, f"{key}: {kind(node)} is not {wanted}", remedy)
        return None
    return seconds


def words(node: Node, key: str, problems: Problems) -> list[tuple[int, str]] | None:
    """Return a list of texts with their lines, or None after telling that it is no list."""
    if isinstance(node, Refused):
        return None
    if is_empty(node):
        return []
    if not isinstance(node, Sequence):
        problems.add(node.line, f"{key}: {kind(node)} where a list is wanted", f"write {key}: [ONE, TWO]")
        return None
    read = [(item.line, word(item, f"{key}[{place}]", problems, needed=True)) for place, item in enumerate(node.items)]
    return [(line, value) for line, value in read if value is not None]


def section(node: Node, key: str, problems: Problems) -> Mapping | None:
    """Return a block of keys, an empty one where nothing stands, or None after telling that it is none."""
    if isinstance(node, Mapping):
        return node
    if is_empty(node):
        return Mapping(node.line)
    if not isinstance(node, Refused):
        problems.add(node.line, f"{key}: {kind(node)} where a block of keys is wanted", f"indent its keys under {key}:")
    return None


def known(mapping: Mapping, where: str, allowed: tuple[str, ...], problems: Problems) -> dict[str, Node]:
    """Return the values of the allowed keys; every other key is told, with the closest that exists."""
    values: dict[str, Node] = {}
    for name, (key, value) in mapping.keys.items():
        if name in allowed:
            values[name] = value
            continue
        from difflib import get_close_matches

        near = get_close_matches(name[:64].lower(), allowed, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"keys here: {', '.join(allowed)}"
        problems.add(key.line, f'{where}unknown key "{clip(name)}"', remedy)
    return values
