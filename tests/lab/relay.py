"""A TCP relay that delays each byte in both directions: a slow link where the kernel has no netem.

Stand-alone: `python relay.py LISTEN_ADDRESS PORT TO_ADDRESS PORT DELAY_MS`, until it is ended by SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

#: Bytes under way in one direction at most; beyond it the sender is held back.
WINDOW = 4 * 1024 * 1024
_CHUNK = 65536


class _Direction:
    """Bytes on their way from a reader to a writer; an end of file takes as long as they do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
        self._reader, self._writer, self._delay_s = reader, writer, delay_s
        self._under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=WINDOW // _CHUNK)

    async def take(self) -> None:
        data = b"first"
        while data:
            data = await self._reader.read(_CHUNK)
            await self._under_way.put((asyncio.get_running_loop().time() + self._delay_s, data))

    async def hand_over(self) -> None:
        while True:
            due, data = await self._under_way.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not data:
                self._writer.write_eof()
                return
            self._writer.write(data)
            await self._writer.drain()


async def serve(listen: tuple[str, int], to: tuple[str, int], delay_s: float) -> asyncio.Server:
    """Start a relay from `listen` to `to`; close the server to end it."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*to)
        except OSError:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                for way in (_Direction(reader, far_writer, delay_s), _Direction(far_reader, writer, delay_s)):
                    tasks.create_task(way.take())
                    tasks.create_task(way.hand_over())
        except* OSError:
            pass  # an end that breaks off takes the other along
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    return await asyncio.start_server(accept, *listen)


async def main(listen: tuple[str, int], to: tuple[str, int], delay_s: float) -> None:
    """Relay until SIGTERM."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    server = await serve(listen, to, delay_s)
    print("ready", flush=True)
    await over.wait()
    server.close()


if __name__ == "__main__":
    address, port, to_address, to_port, delay_ms = sys.argv[1:]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main((address, int(port)), (to_address, int(to_port)), float(delay_ms) / 1000))
