"""The hosts of a config, with the defaults they share."""

from __future__ import annotations

import re
from pathlib import Path

from kvmtui.config.files import readable
from kvmtui.config.structs import HostConfig
from kvmtui.errors import UsageError
from kvmtui.yamltree import values
from kvmtui.yamltree.nodes import Mapping, Node, Problems, Refused, Sequence, clip

GUARD_LEVELS = ("normal", "careful", "locked")
ACCESS = ("rw", "ro")
NAME = re.compile(r"[^\W_][\w.-]{0,62}")
"""What a host may be called: the filter, the screen and file names must all be able to say it."""
TAG = re.compile(r"[^\W_][\w.+/=@-]{0,62}")
"""What a tag may be."""
_HOP = r"(?:[^\s,@:/\[\]-][^\s,@:/\[\]]*@)?(?:\[[0-9A-Fa-f:.%\w]+\]|[^\s,@:/\[\]-][^\s,@:/\[\]]*)(?::[0-9]{1,5})?"
_JUMP = re.compile(rf"none|{_HOP}(?:,{_HOP})*")
_KEYS = HostConfig.__struct_fields__


def read_hosts(
    hosts: Node | None, defaults: Node | None, folder: Path, problems: Problems
) -> tuple[tuple[HostConfig, ...], dict[str, int]]:
    """Return the hosts that are right, and the line of each name; everything wrong goes to ``problems``.

    A host's own value replaces the default. ``uri`` under defaults is a pattern in which ``{name}`` stands for the
    host's name.
    """
    entries = _entries(hosts, problems)
    shared = _defaults(defaults, folder, problems)
    found: list[HostConfig] = []
    lines: dict[str, int] = {}
    for place, entry in entries:
        values_of = values.known(entry, f"hosts[{place}]: ", _KEYS, problems)
        own = _values(values_of, f"hosts[{place}]: ", folder, problems)
        name, uri = own.get("name"), own.get("uri")
        if "name" not in values_of:
            problems.add(entry.line, f"hosts[{place}] has no name", "add name: NAME")
        if isinstance(name, str):
            if name in lines:
                problems.add(
                    entry.line, f"host {name} stands on line {lines[name]} already", "give each host a name of its own"
                )
            lines.setdefault(name, entry.line)
        if "uri" not in values_of and isinstance(pattern := shared.get("uri"), str) and isinstance(name, str):
            uri = own["uri"] = pattern.replace("{name}", name)
        elif "uri" not in values_of and "uri" not in shared:
            remedy = f"add uri: qemu+ssh://root@{name or 'HOST'}/system"
            problems.add(entry.line, f"host {name or f'hosts[{place}]'} has no uri", remedy)
        if isinstance(name, str) and isinstance(uri, str):
            merged = {**shared, **own}
            found.append(HostConfig(**merged))  # type: ignore[arg-type]
    return tuple(found), lines


def _entries(hosts: Node | None, problems: Problems) -> list[tuple[int, Mapping]]:
    """Return the entries that are blocks of keys, each with its place in the list as it is written."""
    example = 'begin with "hosts:", then "  - name: kvm1", then "    uri: qemu+ssh://root@kvm1/system"'
    if hosts is None:
        problems.add(0, "no hosts", example)
        return []
    if isinstance(hosts, Refused):
        return []
    if not isinstance(hosts, Sequence):
        problems.add(hosts.line, f"hosts: {values.kind(hosts)} where a list is wanted", example)
        return []
    if not hosts.items:
        problems.add(hosts.line, "hosts: the list is empty", example)
    entries: list[tuple[int, Mapping]] = []
    for place, item in enumerate(hosts.items):
        if isinstance(item, Mapping):
            entries.append((place, item))
        elif not isinstance(item, Refused):
            what = f"hosts[{place}]: {values.kind(item)} where name and uri are wanted"
            problems.add(item.line, what, 'write "- name: NAME" and under it "  uri: URI"')
    return entries


def _defaults(node: Node | None, folder: Path, problems: Problems) -> dict[str, str | tuple[str, ...]]:
    if node is None or (mapping := values.section(node, "defaults", problems)) is None:
        return {}
    given = values.known(mapping, "defaults: ", _KEYS, problems)
    if (name := given.pop("name", None)) is not None:
        problems.add(name.line, "defaults: a name is each host's own", "remove it")
    return _values(given, "defaults: ", folder, problems)


def _values(given: dict[str, Node], where: str, folder: Path, problems: Problems) -> dict[str, str | tuple[str, ...]]:
    read: dict[str, str | tuple[str, ...] | None] = {}
    for key, node in given.items():
        at = where + key
        if key == "name":
            read[key] = _name(node, at, problems)
        elif key == "uri":
            read[key] = _uri(node, at, where.startswith("defaults"), problems)
        elif key in {"identity_file", "known_hosts"}:
            read[key] = _file(node, at, folder, problems)
        elif key == "jump":
            read[key] = _jump(node, at, problems)
        elif key == "tags":
            read[key] = read_tags(node, at, problems)
        elif key == "guard":
            read[key] = values.choice(node, at, GUARD_LEVELS, problems)
        else:
            read[key] = values.choice(node, at, ACCESS, problems)
    return {key: value for key, value in read.items() if value is not None}


def _name(node: Node, key: str, problems: Problems) -> str | None:
    value = values.word(node, key, problems, needed=True)
    if value is None or NAME.fullmatch(value):
        return value
    problems.add(
        node.line,
        f'{key}: "{clip(value)}" cannot be a name',
        "letters, digits, dots, dashes, underscores, at most 63, a letter or digit first",
    )
    return None


def _uri(node: Node, key: str, pattern: bool, problems: Problems) -> str | None:
    value = values.word(node, key, problems, needed=True)
    if value is None:
        return None
    from kvmtui.hosts.uri import parse

    try:
        parse(value.replace("{name}", "host") if pattern else value)
    except UsageError as error:
        problems.add(node.line, f"{key}: {error.text}", error.remedy or "see config.example.yaml")
        return None
    return value


def _file(node: Node, key: str, folder: Path, problems: Problems) -> str | None:
    value = values.word(node, key, problems)
    if not value:
        return value
    path, why, remedy = readable(value, folder)
    if why:
        problems.add(node.line, f"{key}: {clip(value)}: {why}", remedy)
        return None
    if key.endswith("identity_file") and value.endswith(".pub"):
        problems.add(node.line, f"{key}: {clip(value)} is the public half", "name the private key, without .pub")
        return None
    return str(path)


def _jump(node: Node, key: str, problems: Problems) -> str | None:
    value = values.word(node, key, problems)
    if not value or _JUMP.fullmatch(value):
        return value
    problems.add(
        node.line,
        f'{key}: "{clip(value)}" names no host to go through',
        "[user@]host[:port], several with commas, or none",
    )
    return None


def read_tags(node: Node, key: str, problems: Problems) -> tuple[str, ...] | None:
    """Return a list of tags, each once, or None after telling that it is none."""
    listed = values.words(node, key, problems)
    if listed is None:
        return None
    for line, value in listed:
        if not TAG.fullmatch(value):
            problems.add(line, f'{key}: "{clip(value)}" cannot be a tag', "letters, digits and . _ - + / = @")
    return tuple(dict.fromkeys(value for _, value in listed))
