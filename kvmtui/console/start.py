"""Opens the console: asks the worker before it loads what draws."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

from kvmtui.console.desk import first_requests, listings
from kvmtui.console.memory import Memory
from kvmtui.errors import KvmtuiError, UsageError, WorkerError
from kvmtui.wire.line import Line, greeting
from kvmtui.wire.messages import OpenSummary, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmtui.console.feed import Early
    from kvmtui.paths import WorkerPaths

FRAMES_S = 250
"""Most frames a second."""
HELLO_S = 0.3
"""How long a worker that is there may take to greet before the screen is drawn without it."""


def run(paths: WorkerPaths, *, read_only: bool = False) -> int:
    """Show the console on the worker of ``paths`` until the user leaves; return the exit code.

    Raises UsageError where there is no terminal to draw on, ConfigError where no theme can be read.
    """
    check_terminal(os.environ)
    gc.disable()
    hello = greeting("console", read_only=read_only)
    line = _reach(paths, read_only=read_only)
    size = os.get_terminal_size(sys.__stdout__.fileno()) if sys.__stdout__ else os.terminal_size((80, 24))
    memory = Memory(paths.state / "console.json")
    early = _ask_first(line, memory, size.columns, size.lines) if line is not None else None

    # Textual paints on a grid of frames, and after a rest it lets one to two of them pass: at its own sixty a second
    # a key would wait 17 to 33 ms now and then
    os.environ.setdefault("TEXTUAL_FPS", str(FRAMES_S))
    from kvmtui.console.app import Console
    from kvmtui.console.preferences import preferences
    from kvmtui.console.terminal import speaks_utf8

    def dial() -> Line:
        from kvmtui.wire.spawn import attach

        return attach(paths, hello)

    console = Console(
        dial,
        preferences(os.environ, memory),
        early=early,
        read_only=read_only,
        ascii_only=not speaks_utf8(os.environ),
        log=paths.state / "console.log",
    )
    gc.freeze()
    gc.enable()
    console.run(mouse=False)
    with contextlib.suppress(OSError):
        memory.save()
    words = console.parting_words()
    if words:
        with contextlib.suppress(OSError):
            print(words, file=sys.stderr if console.crash else sys.stdout, flush=True)
    return 1 if console.crash else 0


def check_terminal(environ: Mapping[str, str]) -> None:
    """Raise UsageError if there is no terminal that the console can draw on."""
    hint = "kvmtui ls vms and kvmtui do give the same without a screen"
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError("the console needs a terminal to draw on", remedy=hint)
    if environ.get("TERM", "") in {"", "dumb", "unknown"}:
        raise UsageError(f"this terminal cannot be drawn on (TERM={environ.get('TERM', '')!r})", remedy=hint)


def _reach(paths: WorkerPaths, *, read_only: bool) -> Line | None:
    """Return a greeted connection if a worker of our version is there already."""
    import kvmtui

    try:
        line = Line(paths.socket)
    except WorkerError:
        return None
    try:
        welcome = line.greet(greeting("console", read_only=read_only), HELLO_S)
    except KvmtuiError:
        line.close()
        return None
    if welcome.version != kvmtui.__version__:
        line.close()
        return None
    return line


def _ask_first(line: Line, memory: Memory, columns: int, lines: int) -> Early | None:
    """Ask for what the first picture shows, so that it is on its way while the rest is loaded."""
    from kvmtui.console.feed import Early

    try:
        summary = line.call(OpenSummary(), HELLO_S)
        lists = listings(memory.now)
        requests = first_requests(lists, memory.now, columns, lines)
        for request in requests:
            line.last_id += 1
            line.socket.sendall(
                encode(type(request)(id=line.last_id, window=request.window, query=request.query)) + b"\n"
            )
    except (KvmtuiError, OSError):
        line.close()
        return None
    return Early(line, summary, lists, {request.window: request for request in requests})
