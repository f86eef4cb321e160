"""What all links of a worker share, so that one can be made for a host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kvmtui.hosts.contract import Link
from kvmtui.hosts.link import SshLink
from kvmtui.hosts.local import LocalLink
from kvmtui.hosts.uri import HostUri


class Links:
    """Makes links. One for each hosts loop; made and used in it."""

    def __init__(self, known_hosts: Path, agents: Callable[[], tuple[str, ...]]) -> None:
        """``known_hosts`` is our own file (it may not exist yet), ``agents`` gives the agent sockets that clients
        offer now, best first; it is asked at every login."""
        self._known_hosts = known_hosts
        self._agents = agents

    def link(self, name: str, uri: HostUri, *, identity_file: str = "", known_hosts: str = "", jump: str = "") -> Link:
        """Return a link, not yet connected, to a host of transport "ssh" or "unix" (the test driver has none).

        ``name`` is the host's in the config; the rest are the config's keys of the same name, "" where not given.
        """
        if uri.transport == "unix":
            return LocalLink(name, uri)
        return SshLink(
            name, uri, self._known_hosts, self._agents, identity_file=identity_file, user_known_hosts=known_hosts
        )

    async def trust(self, address: str, port: int, fingerprint: str) -> None:
        """Add a host key that ``fetch_host_keys`` of one of the links has shown to our own known_hosts file.

        Raises LinkError if no such key was shown lately, or the file cannot be written.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End what the links share: the connections to jump hosts. Never blocks."""
