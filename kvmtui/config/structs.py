"""The settings that a config file gives, as frozen structs."""

from __future__ import annotations

import msgspec

from kvmtui.model.job import How


class HostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One host as the config names it; the same keys may stand under ``defaults:``."""

    name: str
    """Unique in the config: letters, digits, dots, dashes, underscores."""
    uri: str
    """libvirt's address of it, as hosts.uri.parse accepts it."""
    identity_file: str = ""
    """Absolute path of the private key to log in with; "": as ssh would choose."""
    known_hosts: str = ""
    """Absolute path of a known_hosts file to read instead of the user's; "": what ssh would read."""
    jump: str = ""
    """Hosts to go through, as ssh's -J: ``[user@]host[:port],…``; "none": straight there; "": as ssh's config says."""
    tags: tuple[str, ...] = ()
    """Every VM on the host has them too."""
    guard: str = "normal"
    """Guard level: "normal", "careful" (every act counts as wide), "locked" (no act at all)."""
    access: str = "rw"
    """"rw", or "ro": libvirt's read-only socket, so that nothing can be changed even by mistake."""


class RoleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Some people have a role: everywhere, or on some VMs."""

    role: str
    """"viewer", "operator" or "admin"."""
    users: tuple[str, ...] = ()
    """Login names."""
    groups: tuple[str, ...] = ()
    """Names of Unix groups."""
    tags: tuple[str, ...] = ()
    """Only VMs with one of these tags."""
    hosts: tuple[str, ...] = ()
    """Only VMs on one of these hosts."""


class GuardConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do what."""

    start: str = "read-write"
    """How a console starts: "read-write" or "read-only"."""
    roles: tuple[RoleConfig, ...] = ()
    """Who has which role in a shared worker; none: whoever reaches it is admin."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once."""

    per_host: int = 2
    """Acts under way on one host, 1 to 8; each is a connection of its own."""
    overall: int = 32
    """Acts under way in all, of all jobs together, 1 to 64."""


class Periods(msgspec.Struct, frozen=True, kw_only=True):
    """How often a host is asked, in seconds; stretched by the worker where a fleet or a host is slow."""

    state_s: float = 2.0
    """States, and what exists."""
    watched_s: float = 2.0
    """Full statistics of the VMs that are on a screen."""
    others_s: float = 10.0
    """Full statistics of the other VMs."""


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The record of what was done."""

    anchor: str = ""
    """Where the end of the record is sent: the absolute path of a datagram socket, as a line of syslog's; "journald":
    journald's own socket; "": nowhere."""
    anchor_every_s: float = 60.0
    """Least seconds between two of them."""
    keep_s: float = 3_650 * 86_400.0
    """How long records are kept."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A whole config file."""

    name: str
    """What the fleet is called on the top line; without the key, the file's name."""
    hosts: tuple[HostConfig, ...]
    guard: GuardConfig = GuardConfig()
    limits: Limits = Limits()
    bulk: How = How()
    """How a job goes through its VMs, where it is not said with it."""
    periods: Periods = Periods()
    audit: AuditConfig = AuditConfig()
    vm_tags: dict[str, str] = {}
    """Tag -> rule: ``name~REGEX`` or ``host~REGEX``, Python's ``re.search`` on that field; both halves are checked."""
    demo: bool = False
    """The figures of the hosts are invented; only with ``test://`` hosts."""
    path: str = ""
    """The file, absolute."""
    digest: str = ""
    """First 16 hex digits of the SHA-256 of the file's bytes."""
