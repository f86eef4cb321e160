"""YAML text to a tree of nodes that know their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmtui import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import yaml

DEPTH_MAX = 16
"""Levels of nesting that are read; no file of ours has more than four."""
PROBLEMS_MAX = 50
"""Problems that are told; of more, only the number."""

_CONTROL = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""What YAML does not allow. It takes long to compile, so it is only where a file is not plainly free of it."""


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, collected so that all of it can be told at once."""

    found: list[tuple[int, str]] = field(default_factory=list)
    """(line, words), in the order in which they were noticed."""

    def add(self, line: int, what: str, remedy: str) -> None:
        """Note a problem on ``line`` (from 1; 0: the file as a whole)."""
        self.found.append((line, f"{text.clean(what, 400)} · {text.clean(remedy, 400)}"))

    def lines(self) -> tuple[str, ...]:
        """Return the problems by line, a line of text each, at most PROBLEMS_MAX of them."""
        ordered = sorted(set(self.found), key=lambda problem: problem[0])
        told = [f"line {line}: {words}" if line else words for line, words in ordered[:PROBLEMS_MAX]]
        if (more := len(ordered) - PROBLEMS_MAX) > 0:
            told.append(f"… and {text.plural(more, 'problem')} more")
        return tuple(told)


@dataclass(slots=True)
class Scalar:
    """A word. ``plain``: it stands without quotes, so YAML may take it for something else."""

    line: int
    text: str
    plain: bool


@dataclass(slots=True)
class Sequence:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys with values; ``pairs`` are key, value, key, value … until the mapping is complete."""

    line: int
    flat: list[Node] = field(default_factory=list)
    keys: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)

    def complete(self, problems: Problems) -> None:
        """Turn the flat list into keys; duplicate keys and keys that are no words are problems."""
        for key, value in zip(self.flat[::2], self.flat[1::2], strict=True):
            if not isinstance(key, Scalar):
                problems.add(key.line, "a key must be a word", "write KEY: VALUE")
            elif key.text in self.keys:
                first = self.keys[key.text][0].line
                problems.add(key.line, f'"{clip(key.text)}" stands on line {first} already', "keep one of the two")
            else:
                self.keys[key.text] = (key, value)
        self.flat.clear()


@dataclass(slots=True)
class Refused:
    """Something that has been told as a problem already; every type check passes over it."""

    line: int


Node = Scalar | Sequence | Mapping | Refused


def clip(value: str) -> str:
    """Return a value short and safe enough to stand in a message."""
    return text.clean(value, 60)


def parse(raw: bytes, problems: Problems, signs: str = "") -> Node | None:
    """Return the root of the only document in ``raw``, or None if there is none or it could not be read.

    ``signs`` is what to do about signs that mean something to YAML, where such a file often has them. Reads events,
    not objects: nothing is constructed, aliases are refused rather than followed, and nesting is counted, so that
    hostile text costs no more than its length.
    """
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(line, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return None
    if not source.replace("\n", "").isprintable() and (bad := re.search(_CONTROL, source)):
        line = source.count("\n", 0, bad.start()) + 1
        problems.add(line, f"control character U+{ord(bad.group()):04X}", "the file is plain text: remove it")
        return None
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _tree(yaml.parse(source, Loader=loader), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        problems.add(mark.line + 1 if mark else 0, f"not YAML: {words}", signs or _syntax_remedy(words))
    except yaml.YAMLError as error:
        problems.add(0, f"not YAML: {error}", signs or _syntax_remedy(str(error)))
    return None


def _syntax_remedy(words: str) -> str:
    if "\\t" in words or "cannot start any token" in words:
        return "indent with spaces, not tabs; quote values that begin with @, `, % or a tab"
    if "mapping values are not allowed" in words:
        return 'quote values that contain ": "'
    return "check indentation, quotes and brackets on this line and the one before"


def _tree(events: Iterable[yaml.Event], problems: Problems) -> Node | None:
    from yaml import events as kinds

    root: Node | None = None
    documents = 0
    stack: list[Sequence | Mapping] = []
    for event in events:
        if isinstance(event, kinds.DocumentStartEvent):
            documents += 1
            if documents > 1:
                what = "a second document begins here"
                problems.add(_line(event), what, 'a file is one document: remove the "---"')
                return root
        elif isinstance(event, kinds.CollectionEndEvent):
            closed = stack.pop()
            if isinstance(closed, Mapping):
                closed.complete(problems)
        elif isinstance(event, kinds.NodeEvent):
            node = _node(event, problems)
            if not stack:
                root = node
            elif isinstance(stack[-1], Mapping):
                stack[-1].flat.append(node)
            else:
                stack[-1].items.append(node)
            if isinstance(node, Sequence | Mapping):
                stack.append(node)
            if len(stack) > DEPTH_MAX:
                what = f"nested more than {DEPTH_MAX} levels deep"
                problems.add(node.line, what, "write it flatter")
                return None
    return root


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _node(event: yaml.NodeEvent, problems: Problems) -> Node:
    from yaml import events as kinds

    line = _line(event)
    anchor = clip(event.anchor or "")
    if isinstance(event, kinds.AliasEvent):
        problems.add(line, f"*{anchor}: aliases are not read", "write the value out")
        return Refused(line)
    if anchor:
        problems.add(line, f"&{anchor}: anchors are not read", "remove it, and write each value out")
    if tag := getattr(event, "tag", None):
        problems.add(line, f"{clip(tag)}: YAML tags are not read", "remove the tag; quote the value if it is text")
    if isinstance(event, kinds.ScalarEvent):
        return Scalar(line, event.value, not event.style)
    return Sequence(line) if isinstance(event, kinds.SequenceStartEvent) else Mapping(line)
