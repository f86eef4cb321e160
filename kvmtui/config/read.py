"""A config file to a Config, every problem at once."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

from kvmtui import text
from kvmtui.config.entries import TAG, read_hosts, read_tags
from kvmtui.config.guarding import read_guard
from kvmtui.config.structs import AuditConfig, Config, HostConfig, Limits, Periods
from kvmtui.errors import ConfigError
from kvmtui.model.job import AT_ONCE_MAX, FIRST_MAX, PER_HOST_MAX, RANKS_MAX, STOP_AFTER_MAX, WAIT_MAX_S, How, Order
from kvmtui.yamltree import values
from kvmtui.yamltree.bounded import read_bounded
from kvmtui.yamltree.nodes import Mapping, Node, Problems, clip, parse

NAME_MAX = 40
RULE_MAX = 500
RULE_FIELDS = ("name", "host")
"""Fields that a rule of vm_tags may look at."""
_KEYS = ("name", "hosts", "defaults", "guard", "limits", "bulk", "periods", "audit", "vm_tags", "demo")
_PERIOD_S = (0.5, 3600.0)
_LIMITS = {"per_host": (1, PER_HOST_MAX), "overall": (1, AT_ONCE_MAX)}
_BULK = {
    "first": (0, FIRST_MAX),
    "at_once": (1, AT_ONCE_MAX),
    "per_host": (1, PER_HOST_MAX),
    "stop_after": (1, STOP_AFTER_MAX),
}
_ORDERS = tuple(order.value for order in Order)
_ANCHOR_MAX = 107
"""Bytes that the path of a socket may have."""


def load(path: Path) -> Config:
    """Read the config at ``path``.

    Raises ConfigError with every problem found, each one line of text with its line in the file and a remedy.
    """
    absolute = path.expanduser().absolute()
    raw, why, remedy = read_bounded(absolute)
    if why:
        remedy = remedy or "check the path, or name a config by --config FILE"
        raise ConfigError(str(absolute), [f"cannot be read: {why} · {remedy}"])
    return read(raw, absolute)


def read(raw: bytes, path: Path) -> Config:
    """Return what the bytes of the config at ``path`` say; relative paths in it start from its folder.

    Raises ConfigError as ``load`` does.
    """
    problems = Problems()
    config = _whole(raw, path, problems)
    if config is None or problems.found:
        raise ConfigError(str(path), problems.lines())
    return config


def _whole(raw: bytes, path: Path, problems: Problems) -> Config | None:
    root = parse(raw, problems)
    if root is None:
        if not problems.found:
            problems.add(0, "the file is empty", 'begin with "hosts:"; config.example.yaml shows every key')
        return None
    if not isinstance(root, Mapping):
        problems.add(root.line, f"{values.kind(root)} where keys are wanted", 'begin with "hosts:"')
        return None
    given = values.known(root, "", _KEYS, problems)
    hosts, lines = read_hosts(given.get("hosts"), given.get("defaults"), path.parent, problems)
    demo = values.truth(given["demo"], "demo", problems) if "demo" in given else False
    if demo:
        _demo_only(hosts, lines, problems)
    return Config(
        name=_name(given.get("name"), problems) or text.clean(path.stem, NAME_MAX),
        hosts=hosts,
        guard=read_guard(given.get("guard"), {host.name for host in hosts}, problems),
        limits=_limits(given.get("limits"), problems),
        bulk=_bulk(given.get("bulk"), problems),
        periods=_periods(given.get("periods"), problems),
        audit=_audit(given.get("audit"), problems),
        vm_tags=_vm_tags(given.get("vm_tags"), problems),
        demo=bool(demo),
        path=str(path),
        digest=hashlib.sha256(raw).hexdigest()[:16],
    )


def _demo_only(hosts: tuple[HostConfig, ...], lines: dict[str, int], problems: Problems) -> None:
    """Invented figures must never stand beside a real VM."""
    for host in hosts:
        if not host.uri.startswith("test:"):
            problems.add(
                lines[host.name], f"host {host.name} is real, and demo: true invents figures", "remove demo: true"
            )


def _name(node: Node | None, problems: Problems) -> str:
    value = values.word(node, "name", problems, needed=True) if node is not None else None
    if value is None:
        return ""
    if len(value) > NAME_MAX or text.clean(value) != value:
        problems.add(node.line if node else 0, f'name: "{clip(value)}"', f"at most {NAME_MAX} printable characters")
    return value


def _limits(node: Node | None, problems: Problems) -> Limits:
    mapping = values.section(node, "limits", problems) if node is not None else None
    if mapping is None:
        return Limits()
    given = values.known(mapping, "limits: ", Limits.__struct_fields__, problems)
    read = {key: values.number(at, f"limits: {key}", *_LIMITS[key], problems, whole=True) for key, at in given.items()}
    return Limits(**{key: int(value) for key, value in read.items() if value is not None})


def _bulk(node: Node | None, problems: Problems) -> How:
    mapping = values.section(node, "bulk", problems) if node is not None else None
    if mapping is None:
        return How()
    read: dict[str, Any] = {}
    for key, at in values.known(mapping, "bulk: ", How.__struct_fields__, problems).items():
        where = f"bulk: {key}"
        if key in _BULK:
            number = values.number(at, where, *_BULK[key], problems, whole=True)
            read[key] = int(number) if number is not None else None
        elif key == "wait_s":
            read[key] = values.number(at, where, 0, WAIT_MAX_S, problems)
        elif key == "order":
            order = values.choice(at, where, _ORDERS, problems)
            read[key] = Order(order) if order is not None else None
        else:
            read[key] = read_tags(at, where, problems)
    how = How(**{key: value for key, value in read.items() if value is not None})
    if len(how.ranks) > RANKS_MAX:
        problems.add(mapping.line, f"bulk: ranks: {len(how.ranks)} tags", f"at most {RANKS_MAX}")
    if how.order is Order.TAGS and not how.ranks and "ranks" not in read:
        problems.add(
            mapping.line, "bulk: order: tags, and no ranks", "add ranks: [db, app]: those tagged db come first"
        )
    return how


def _periods(node: Node | None, problems: Problems) -> Periods:
    mapping = values.section(node, "periods", problems) if node is not None else None
    if mapping is None:
        return Periods()
    given = values.known(mapping, "periods: ", Periods.__struct_fields__, problems)
    read = {key: values.number(at, f"periods: {key}", *_PERIOD_S, problems) for key, at in given.items()}
    return Periods(**{key: value for key, value in read.items() if value is not None})


def _audit(node: Node | None, problems: Problems) -> AuditConfig:
    mapping = values.section(node, "audit", problems) if node is not None else None
    if mapping is None:
        return AuditConfig()
    given = values.known(mapping, "audit: ", ("anchor", "anchor_every", "keep"), problems)
    read: dict[str, float | None] = {}
    if "anchor_every" in given:
        read["anchor_every_s"] = values.span(given["anchor_every"], "audit: anchor_every", "1s", "1d", problems)
    if "keep" in given:
        read["keep_s"] = values.span(given["keep"], "audit: keep", "7d", "36500d", problems)
    spans = {key: value for key, value in read.items() if value is not None}
    anchor = _anchor(given["anchor"], problems) if "anchor" in given else ""
    return AuditConfig(anchor=anchor, **spans)


def _anchor(node: Node, problems: Problems) -> str:
    value = values.word(node, "audit: anchor", problems)
    if not value or value == "journald":
        return value or ""
    if not value.startswith("/") or len(value.encode()) > _ANCHOR_MAX or text.clean(value) != value:
        what = "journald, or the absolute path of a datagram socket: /dev/log"
        problems.add(node.line, f'audit: anchor: "{clip(value)}" is no place to send it to', what)
        return ""
    return value


def _vm_tags(node: Node | None, problems: Problems) -> dict[str, str]:
    mapping = values.section(node, "vm_tags", problems) if node is not None else None
    rules: dict[str, str] = {}
    for tag, (key, value) in mapping.keys.items() if mapping is not None else ():
        if not TAG.fullmatch(tag):
            problems.add(key.line, f'vm_tags: "{clip(tag)}" cannot be a tag', "letters, digits and . _ - + / = @")
        rule = values.word(value, f"vm_tags: {clip(tag)}", problems, needed=True)
        if rule is None:
            continue
        field, tilde, pattern = rule.partition("~")
        if not tilde or field not in RULE_FIELDS or len(rule) > RULE_MAX:
            example = "write 'name~^db-' or 'host~^kvm[12]$'"
            problems.add(value.line, f'vm_tags: {clip(tag)}: "{clip(rule)}" is no rule', example)
        elif why := _bad_pattern(pattern):
            example = "a regular expression as Python's re reads it"
            problems.add(value.line, f'vm_tags: {clip(tag)}: "{clip(pattern)}": {why}', example)
        else:
            rules[tag] = rule
    return rules


def _bad_pattern(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return str(error) or "too deep"
    return ""
