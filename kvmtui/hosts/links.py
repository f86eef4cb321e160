"""What all links of a worker share, so that one can be made for a host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Link
from kvmtui.hosts.hops import Hops
from kvmtui.hosts.host_keys import KnownHosts
from kvmtui.hosts.link import Shared, SshLink
from kvmtui.hosts.local import LocalLink
from kvmtui.hosts.ssh_config import SshConfig
from kvmtui.hosts.tcp import Dialer
from kvmtui.hosts.uri import HostUri
from kvmtui.model.host import LinkState


class Links:
    """Makes links. One for each hosts loop; made and used in it."""

    def __init__(
        self, known_hosts: Path, agents: Callable[[], tuple[str, ...]], config: SshConfig | None = None
    ) -> None:
        """``known_hosts`` is our own file (it may not exist yet), ``agents`` gives the agent sockets that clients
        offer now, best first; it is asked at every login. ``config`` resolves aliases: by default as the user's ssh.
        """
        config = config or SshConfig()
        self._shared = Shared(config, Hops(config), KnownHosts(known_hosts), Dialer(), agents)

    def link(self, name: str, uri: HostUri, *, identity_file: str = "", known_hosts: str = "", jump: str = "") -> Link:
        """Return a link, not yet connected, to a host of transport "ssh" or "unix" (the test driver has none).

        ``name`` is the host's in the config; the rest are the config's keys of the same name, "" where not given.
        """
        if uri.transport == "unix":
            return LocalLink(name, uri)
        return SshLink(name, uri, self._shared, identity_file=identity_file, known_hosts=known_hosts, jump=jump)

    async def trust(self, address: str, port: int, fingerprint: str) -> None:
        """Add a host key that a host has shown lately to our own known_hosts file.

        It takes the place of other keys that the file had of this host. Raises LinkError with NEEDS_YOU if no such
        key was shown, or the file cannot be written.
        """
        try:
            await asyncio.to_thread(self._shared.known.trust, address, port, fingerprint)
        except KeyError:
            text = f"no key {fingerprint} was shown by {address} port {port}"
            raise LinkError(
                text, LinkState.NEEDS_YOU, remedy="look at the host's key again: kvmtui trust HOST"
            ) from None
        except OSError as error:
            words = error.strerror or str(error)
            raise LinkError("the host key cannot be written down", LinkState.NEEDS_YOU, words=words) from None

    def close(self) -> None:
        """End what the links share: the connections to jump hosts. Never blocks."""
        self._shared.hops.close()
