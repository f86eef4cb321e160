"""The console in a process of its own on a real pty, its fake worker in a thread of the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench.terminal import Terminal
from tests.console.fake_worker import FakeWorker

ENOUGH_S = 20.0
KEY_S = 0.08
"""Between two keys: nobody types faster, and a loaded machine must not make a burst of them."""
PROGRAM = """
import sys
from pathlib import Path
from kvmtui.console.start import run
from kvmtui.errors import KvmtuiError
from kvmtui.paths import WorkerPaths
try:
    sys.exit(run(WorkerPaths(Path(sys.argv[1]) / "config.yaml", Path(sys.argv[1]), Path(sys.argv[1]) / "sock")))
except KvmtuiError as error:
    print(error)
    sys.exit(2)
"""
_PASSED_ON = ("HOME", "PATH", "USER")
_SEQUENCES = re.compile(rb"\x1b\[[0-9;?<>=]*[$]?[A-Za-z]|\x1b\]22;[a-z]+\x07")
"""What Textual and we send on purpose: cursor, colours, modes, the shape of the pointer."""


class _Ending(Terminal):
    """A pty whose program may end by itself."""

    is_gone = False
    is_closed = False

    def __exit__(self, *_: object) -> None:
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if not self.is_closed:
            os.close(self.fd)


class Seat:
    """A console on a pty."""

    def __init__(self, terminal: _Ending, worker: FakeWorker) -> None:
        self.terminal = terminal
        self.worker = worker

    def read(self) -> bytes:
        """Read what has come; return everything so far."""
        self.terminal.drain(0.02, 0.2)
        return bytes(self.terminal.received)

    def until(self, condition: Callable[[], object]) -> None:
        """Read until something holds. Raises TimeoutError with the end of what was shown."""
        ends = time.monotonic() + ENOUGH_S
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(self.shown()[-3000:])
            self.read()

    def see(self, words: str) -> None:
        """Read until these words have been sent."""
        self.until(lambda: words.encode() in _SEQUENCES.sub(b"", bytes(self.terminal.received)))

    def forget(self) -> None:
        """Begin to read anew."""
        self.read()
        self.terminal.received.clear()

    def type(self, keys: str) -> None:
        """Send bytes in one go."""
        os.write(self.terminal.fd, keys.encode())

    def press(self, *keys: str) -> None:
        """Send keys one after the other, as somebody presses them."""
        for key in keys:
            self.type(key)
            ends = time.monotonic() + KEY_S
            while (left := ends - time.monotonic()) > 0:
                self.terminal.drain(left, left)

    def shown(self) -> str:
        """Return all that was sent, less the sequences that are ours."""
        return _SEQUENCES.sub(b"", bytes(self.terminal.received)).decode(errors="replace")

    def leave(self) -> int:
        """Press q until the console has ended, whatever was on top; return its exit code."""
        for _ in range(10):
            self.press("q")
            pid, status = os.waitpid(self.terminal.pid, os.WNOHANG)
            if pid:
                self.terminal.is_gone = True
                return os.waitstatus_to_exitcode(status)
        return self.wait()

    def wait(self, *, read: bool = True) -> int:
        """Wait until the console has ended; return its exit code, or minus the signal that ended it."""
        ends = time.monotonic() + ENOUGH_S
        while time.monotonic() < ends:
            pid, status = os.waitpid(self.terminal.pid, os.WNOHANG)
            if pid:
                self.terminal.is_gone = True
                return os.waitstatus_to_exitcode(status)
            if read:
                with contextlib.suppress(OSError):
                    self.terminal.drain(0.01, 0.05)
            else:
                time.sleep(0.01)
        raise TimeoutError("the console does not end")


@contextlib.contextmanager
def serving(worker: FakeWorker) -> Iterator[asyncio.AbstractEventLoop]:
    """The worker's event loop, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> None:
        worker.start()

    asyncio.run_coroutine_threadsafe(start(), loop).result(ENOUGH_S)
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(worker.stop(), loop).result(ENOUGH_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def seated(
    worker: FakeWorker, size: tuple[int, int] = (120, 40), environ: Mapping[str, str] | None = None
) -> Iterator[Seat]:
    """A console on ``worker`` at a pty of that size."""
    folder = worker.path.parent
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    env |= {
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "XDG_CONFIG_HOME": str(folder),
        "PYTHONPATH": str(Path.cwd()),
        **(environ or {}),
    }
    # env is what sets TERM: the pty's own environment says xterm-256color
    command = ["/usr/bin/env", *(f"{key}={value}" for key, value in (environ or {}).items())]
    command += [sys.executable, "-c", PROGRAM, str(folder)]
    with serving(worker), _Ending(command, env, *size) as terminal:
        yield Seat(terminal, worker)
