"""What every way to a host offers, SSH or local."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kvmtui.errors import LinkError
from kvmtui.model.host_key import HostKey


class Ran(NamedTuple):
    """What a command on the host left. Its output is foreign text: clean it before it is shown."""

    status: int
    """Exit status; -1 if a signal ended it."""
    out: str
    err: str


class NoShellError(LinkError):
    """The link is up, but this login may run no commands, now or later."""


class Receiver(Protocol):
    """Who takes what comes out of a Duplex. Called in the hosts loop; must not block, must not raise."""

    def received(self, data: bytes) -> None:
        """Take some bytes, at least one."""

    def full(self) -> None:
        """The other side does not take more for now: write nothing until ``drained``."""

    def drained(self) -> None:
        """The other side takes bytes again."""

    def ended(self, error: LinkError | None) -> None:
        """Nothing comes any more: with None the host closed it in good order. Called once, and last."""


class Duplex(Protocol):
    """Bytes to and from a socket on the host. All methods belong to the hosts loop, return at once, never raise."""

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver to ``receiver``. Called once; nothing is lost before it, and little is buffered."""

    def write(self, data: bytes) -> None:
        """Send ``data``. Dropped if the duplex has ended."""

    def pause(self) -> None:
        """Deliver nothing until ``resume``; what arrives is bounded by the window of the channel or the socket."""

    def resume(self) -> None:
        """Deliver again."""

    def close(self) -> None:
        """Send what is written, then end. ``ended`` is not called for it."""

    def abort(self) -> None:
        """End at once; what is not sent yet is lost. Idempotent. ``ended`` is not called for it."""


class Link(Protocol):
    """One connection to a host. It is made, connected once, and thrown away when it is lost.

    Made and used in the hosts loop. Every method has a deadline of its own that truly ends it, every one may be
    cancelled, and errors are LinkErrors whose ``where`` is the host's name in the config.
    """

    name: str
    """The host's name in the config."""
    closed: asyncio.Future[LinkError]
    """Done once the connection is gone: the result (never an exception) says why. Pending before ``connect``."""

    async def connect(self) -> None:
        """Connect. Raises LinkError: ``state``, words and remedy are what the console shows."""

    async def open_libvirt(self, read_only: bool) -> Duplex:
        """Open libvirt's socket on the host.

        Raises LinkError with NO_LIBVIRT if nothing listens there (the link stays up), NEEDS_YOU if we may not.
        """

    async def run(self, argv: Sequence[str], *, deadline_s: float = 5.0, limit_bytes: int = 262_144) -> Ran:
        """Run a command on the host, its input empty; ``argv`` reaches it word for word.

        Raises NoShellError if this login may run none. Raises LinkError: with state UP when the link is fine but the
        command cannot be begun, does not end within the deadline, or writes more than ``limit_bytes`` (it is ended
        then); with LOST when the link went meanwhile.
        """

    async def fetch_host_keys(self) -> tuple[HostKey, ...]:
        """Ask the host, each jump host first, for its host key, without logging in to it. () for this machine.

        May be called without ``connect``. A jump host that cannot be passed ends the list with its own key.
        Raises LinkError if the first host on the way does not answer.
        """

    def abort(self) -> None:
        """End the connection at once, with every duplex that was opened over it. Never blocks; idempotent."""
