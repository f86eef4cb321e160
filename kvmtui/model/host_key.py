"""An SSH host key as a host shows it."""

from __future__ import annotations

import msgspec


class HostKey(msgspec.Struct, frozen=True, kw_only=True):
    """A host key as shown by a host, with what is known of it."""

    host: str
    """Name in the config, or the jump host."""
    address: str
    """The name it is looked up under in known_hosts, without its port."""
    port: int
    algorithm: str
    fingerprint: str
    """"SHA256:…"."""
    state: str
    """"known", "unknown" or "changed"."""
    where: str = ""
    """File and line of the key that is known, where it is another one."""
