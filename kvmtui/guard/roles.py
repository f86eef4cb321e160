"""Roles: which of them somebody has on a VM."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.guard.client import ClientId
    from kvmtui.model.vm import Vm


class Role(enum.StrEnum):
    """What somebody may do, the least first."""

    VIEWER = "viewer"
    """Looks."""
    OPERATOR = "operator"
    """Does whatever destroys nothing."""
    ADMIN = "admin"
    """Does all."""

    def reaches(self, least: Role) -> bool:
        """Whether it allows what ``least`` does."""
        return _ORDER[self] >= _ORDER[least]


_ORDER = {role: place for place, role in enumerate(Role)}


class GrantRule(Protocol):
    """What is read of one entry of the config's ``guard.roles``."""

    @property
    def role(self) -> str: ...
    @property
    def users(self) -> Sequence[str]: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def hosts(self) -> Sequence[str]: ...


class Grant(msgspec.Struct, frozen=True):
    """Some people have a role: everywhere, or on some VMs."""

    role: Role
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    """VMs with one of these tags; empty: whatever their tags."""
    hosts: frozenset[str] = frozenset()
    """VMs on one of these hosts; empty: wherever they are."""

    @property
    def is_scoped(self) -> bool:
        """Whether it holds for some VMs only."""
        return bool(self.tags or self.hosts)

    def is_for(self, client: ClientId) -> bool:
        """Whether ``client`` is one of these people."""
        return client.user in self.users or not self.groups.isdisjoint(client.groups)

    def covers(self, vm: Vm) -> bool:
        """Whether it holds for ``vm``; where both tags and hosts are given, both must fit."""
        return (not self.hosts or vm.host in self.hosts) and (not self.tags or not self.tags.isdisjoint(vm.tags))


def grants_of(rules: Iterable[GrantRule]) -> tuple[Grant, ...]:
    """Return what the config grants."""
    return tuple(
        Grant(
            Role(rule.role), frozenset(rule.users), frozenset(rule.groups), frozenset(rule.tags), frozenset(rule.hosts)
        )
        for rule in rules
    )


def role_on(client: ClientId, grants: Sequence[Grant], vm: Vm) -> Role:
    """Return the role of ``client`` on ``vm``: the highest that is granted, of whoever is named nowhere the least."""
    return _highest(client, grants, [grant for grant in grants if grant.covers(vm)])


def role_everywhere(client: ClientId, grants: Sequence[Grant]) -> Role:
    """Return the role of ``client`` on every VM, which is the one for what is about no VM (stop the worker)."""
    return _highest(client, grants, [grant for grant in grants if not grant.is_scoped])


def role_somewhere(client: ClientId, grants: Sequence[Grant]) -> Role:
    """Return the highest role that ``client`` has on any VM there may be."""
    return _highest(client, grants, grants)


def _highest(client: ClientId, grants: Sequence[Grant], holding: Iterable[Grant]) -> Role:
    """Return the highest of some grants. Where nothing is granted to anybody, everybody is admin."""
    if not grants or client.is_owner:
        return Role.ADMIN
    return max((grant.role for grant in holding if grant.is_for(client)), key=_ORDER.__getitem__, default=Role.VIEWER)
