"""The ``guard`` section of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.config.entries import TAG
from kvmtui.config.structs import GuardConfig, RoleConfig
from kvmtui.yamltree import values
from kvmtui.yamltree.nodes import Mapping, Node, Problems, Refused, Sequence, clip

if TYPE_CHECKING:
    from collections.abc import Collection

STARTS = ("read-write", "read-only")
ROLES = ("viewer", "operator", "admin")
_KEYS = GuardConfig.__struct_fields__
_ROLE_KEYS = RoleConfig.__struct_fields__
_EXAMPLE = 'write "- role: operator" and under it "  groups: [kvm-operators]"'


def read_guard(node: Node | None, hosts: Collection[str], problems: Problems) -> GuardConfig:
    """Return what the section says; everything wrong goes to ``problems``. ``hosts`` are the names that there are."""
    mapping = values.section(node, "guard", problems) if node is not None else None
    if mapping is None:
        return GuardConfig()
    given = values.known(mapping, "guard: ", _KEYS, problems)
    start = values.choice(given["start"], "guard: start", STARTS, problems) if "start" in given else None
    roles = _roles(given["roles"], hosts, problems) if "roles" in given else ()
    return GuardConfig(start=start or GuardConfig().start, roles=roles)


def _roles(node: Node, hosts: Collection[str], problems: Problems) -> tuple[RoleConfig, ...]:
    if isinstance(node, Refused):
        return ()
    if not isinstance(node, Sequence) or not node.items:
        # an empty list would make everybody admin: whoever wants that leaves the key out
        problems.add(node.line, f"guard: roles: {_kind(node)} where a list of roles is wanted", _EXAMPLE)
        return ()
    roles: list[RoleConfig] = []
    for place, item in enumerate(node.items):
        where = f"guard: roles[{place}]"
        if isinstance(item, Mapping):
            role = _role(item, where, hosts, problems)
            roles += [role] if role is not None else []
        elif not isinstance(item, Refused):
            problems.add(item.line, f"{where}: {values.kind(item)} where a role is wanted", _EXAMPLE)
    return tuple(roles)


def _kind(node: Node) -> str:
    return "an empty list" if isinstance(node, Sequence) else values.kind(node)


def _role(mapping: Mapping, where: str, hosts: Collection[str], problems: Problems) -> RoleConfig | None:
    given = values.known(mapping, f"{where}: ", _ROLE_KEYS, problems)
    if "role" not in given:
        problems.add(mapping.line, f"{where} has no role", f"add role: {', '.join(ROLES)}")
    if "users" not in given and "groups" not in given:
        problems.add(mapping.line, f"{where} is nobody's", "add users: [NAME] or groups: [NAME]")
    role = values.choice(given["role"], f"{where}: role", ROLES, problems) if "role" in given else None
    read = {key: _names(given[key], f"{where}: {key}", problems) for key in _ROLE_KEYS[1:] if key in given}
    for line, name in read.get("hosts", ()):
        if name not in hosts:
            problems.add(line, f'{where}: hosts: there is no host "{clip(name)}"', "a name that stands under hosts:")
    for line, name in read.get("tags", ()):
        if not TAG.fullmatch(name):
            problems.add(line, f'{where}: tags: "{clip(name)}" cannot be a tag', "letters, digits and . _ - + / = @")
    if role is None:
        return None
    return RoleConfig(role=role, **{key: tuple(name for _, name in found) for key, found in read.items()})


def _names(node: Node, key: str, problems: Problems) -> list[tuple[int, str]]:
    """Return names with their lines. An empty list is a problem: of tags or hosts it would mean all of them."""
    found = values.words(node, key, problems) or []
    if values.is_empty(node) or (isinstance(node, Sequence) and not node.items):
        problems.add(node.line, f"{key} is empty", "name some, or remove the line")
    return found
