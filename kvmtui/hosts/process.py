"""Commands run on this machine within bounds of time, of output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from kvmtui.hosts.contract import Ran


class TooLongError(Exception):
    """The command did not end in time, or wrote more than was allowed; it was killed."""


async def run_here(
    argv: Sequence[str], *, deadline_s: float, limit_bytes: int, env: Mapping[str, str] | None = None
) -> Ran:
    """Run ``argv``, its input empty, and give back what it wrote.

    What it has started is killed with it when the time is up. Raises OSError or ValueError if it cannot be started,
    TooLongError when it takes longer than ``deadline_s`` or writes more than ``limit_bytes``.
    """
    loop = asyncio.get_running_loop()
    transport, output = await loop.subprocess_exec(
        lambda: _Output(limit_bytes), *argv, stdin=subprocess.DEVNULL, env=env, start_new_session=True
    )
    try:
        async with asyncio.timeout(deadline_s):
            await output.over
    except TimeoutError:
        raise TooLongError(f"no end after {deadline_s:g} s") from None
    finally:
        if not output.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            await asyncio.wait([output.ended], timeout=1.0)
        transport.close()
    if output.is_too_long:
        raise TooLongError(f"more than {limit_bytes} bytes of output")
    out, err = (b"".join(output.parts[stream]).decode(errors="replace") for stream in (1, 2))
    return Ran(max(transport.get_returncode() or 0, -1), out, err)


class _Output(asyncio.SubprocessProtocol):
    """Collects what a command writes, up to a limit; over when it has ended with both its outputs closed."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._open = {1, 2}
        self.parts: dict[int, list[bytes]] = {1: [], 2: []}
        self.is_too_long = False
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self.parts[fd].append(data)
        else:
            self.is_too_long = True
            self._finish()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if self.ended.done() and not self._open:
            self._finish()

    def process_exited(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        if not self._open:
            self._finish()

    def _finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
