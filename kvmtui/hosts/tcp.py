"""TCP connections that are over in time, whatever the resolver or the network do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading

from kvmtui.errors import LinkError
from kvmtui.model.host import LinkState

ADDRESS_S = 3.0
"""For one address of a host that has several."""
LOOKUP_S = 6.0
"""For a name."""
LOOKUPS_MAX = 16
"""Names being looked up at once, those included that nobody waits for any more: each holds a thread."""

_Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Dialer:
    """Opens TCP connections. One for each loop."""

    def __init__(self) -> None:
        self._lookups = asyncio.Semaphore(LOOKUPS_MAX)

    async def dial(self, host: str, port: int, *, family: int = socket.AF_UNSPEC, bind: str = "") -> socket.socket:
        """Return a connected socket, to be closed by the caller. The deadline is the caller's.

        Raises LinkError with state LOST: the name is unknown, the host refuses, or there is no way to it.
        """
        addresses = await self._lookup(host, port, family)
        failure: OSError | None = None
        for family_of, address in addresses:
            try:
                async with asyncio.timeout(None if len(addresses) == 1 else ADDRESS_S):
                    return await _connect(family_of, address, bind)
            except TimeoutError:
                failure = failure or TimeoutError("no answer")
            except OSError as error:
                failure = error
        raise _in_words(host, port, failure)

    async def _lookup(self, host: str, port: int, family: int) -> list[_Address]:
        with contextlib.suppress(OSError):
            numeric = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
            return [(found[0], found[4]) for found in numeric]
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[_Address]] = loop.create_future()

        def tell(found: list[_Address], error: OSError | None) -> None:
            self._lookups.release()
            if not answer.done():
                if error is None:
                    answer.set_result(found)
                else:
                    answer.set_exception(error)

        def look() -> None:
            found: list[_Address] = []
            failure: OSError | None = None
            try:
                found = [(f[0], f[4]) for f in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)]
            except OSError as error:
                failure = error.with_traceback(None)
            except UnicodeError:
                failure = socket.gaierror(socket.EAI_NONAME, "not a name")
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell, found, failure)

        try:
            async with asyncio.timeout(LOOKUP_S):
                await self._lookups.acquire()
                # a thread of its own, not asyncio's pool: one that hangs must hold up nobody, and not the exit either
                threading.Thread(target=look, name=f"lookup-{host[:32]}", daemon=True).start()
                return await answer
        except TimeoutError:
            text, remedy = f"the name {host} cannot be looked up", "does the DNS server answer?"
            raise LinkError(text, LinkState.LOST, words="no answer from the resolver", remedy=remedy) from None
        except OSError as error:
            raise _in_words(host, port, error) from None


async def _connect(
    family: socket.AddressFamily, address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes], bind: str
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if bind:
            sock.bind((bind, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _in_words(host: str, port: int, error: OSError | None) -> LinkError:
    match error:
        case socket.gaierror():
            text, remedy = f"the name {host} is unknown", "check the name, /etc/hosts and DNS"
            return LinkError(text, LinkState.LOST, words=error.strerror or "", remedy=remedy)
        case ConnectionRefusedError():
            remedy = "is sshd running there, and on this port?"
            return LinkError(
                f"port {port} refuses connections", LinkState.LOST, words="Connection refused", remedy=remedy
            )
        case None | TimeoutError():
            return LinkError("no answer", LinkState.LOST, remedy="is the host up, and the network on the way to it?")
        case _:
            remedy = "is the network on the way to it up?"
            return LinkError("no way to the host", LinkState.LOST, words=_words(error), remedy=remedy)


def _words(error: OSError) -> str:
    """The system's words: asyncio puts its own in their place."""
    return os.strerror(error.errno) if error.errno else str(error)
