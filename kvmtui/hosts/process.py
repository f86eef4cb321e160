"""Commands run on this machine, bounded in time and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from kvmtui.hosts.contract import Ran


class TooLongError(Exception):
    """The command did not end in time, or wrote more than was allowed; it was killed."""


async def run_here(
    argv: Sequence[str], *, deadline_s: float, limit_bytes: int, env: Mapping[str, str] | None = None
) -> Ran:
    """Run ``argv``, its input empty, and give back what it wrote.

    Whatever it started is killed with it when the time is up. Raises OSError if it cannot be started, TooLongError
    when it takes longer than ``deadline_s`` or writes more than ``limit_bytes``.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(deadline_s):
            out, err = await asyncio.gather(_read(process.stdout, limit_bytes), _read(process.stderr, limit_bytes))
            status = await process.wait()
    except TimeoutError:
        raise TooLongError(f"no end after {deadline_s:g} s") from None
    finally:
        await _kill(process)
    return Ran(max(status, -1), out.decode(errors="replace"), err.decode(errors="replace"))


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    assert stream is not None
    parts: list[bytes] = []
    size = 0
    while part := await stream.read(65_536):
        size += len(part)
        if size > limit:
            raise TooLongError(f"more than {limit} bytes of output")
        parts.append(part)
    return b"".join(parts)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the command with its children, and reap it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await process.wait()
