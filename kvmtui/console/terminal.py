"""The terminal: what it can do, what arrives from it, what is sent to it."""

from __future__ import annotations

import asyncio
import codecs
import os
import selectors
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste
from textual.message import Message

from kvmtui.console.keys import name_of
from kvmtui.console.pasting import Pasting
from kvmtui.console.sieve import Arrived, Sieve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import App

    from kvmtui.console.keys import Keymap

BEHIND_MAX = 256 * 1024
"""Bytes that may wait for a terminal that does not read; beyond that frames are dropped and all is painted anew."""
BEHIND_S = 0.05
"""A frame that waits longer than this has not been taken by the terminal."""
STOP_S = 0.5
"""How long leaving waits for a terminal that does not read."""
_SELECT_S = 0.05
_READ = 16_384


def speaks_utf8(environ: Mapping[str, str]) -> bool:
    """Return whether a terminal speaks UTF-8, by its locale; one that says nothing does.

    In the C locale Python itself sets LC_CTYPE to C.UTF-8 (PEP 538), which then says nothing of the terminal.
    """
    names = ["LC_ALL", "LANG"] if sys.flags.utf8_mode else ["LC_ALL", "LC_CTYPE", "LANG"]
    locale = next((environ[name] for name in names if environ.get(name)), "")
    return not locale or "utf-8" in locale.lower() or "utf8" in locale.lower()


class Burst(Message, bubble=False):
    """Characters came at once where none are typed; they were dropped."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Peer(Protocol):
    """What the driver wants of the app."""

    keymap: Keymap

    def hang_up(self) -> None:
        """The terminal is gone."""

    def paint_anew(self) -> None:
        """Frames were dropped: paint everything."""


class Writer(threading.Thread):
    """Writes to the terminal in a thread of its own, so that one that does not read stops nobody.

    Takes the place of Textual's, which blocks the event loop after thirty writes and dies with the terminal.
    """

    def __init__(self, fileno: int, peer: Peer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="terminal-output", daemon=True)
        self._fileno = fileno
        self._peer = peer
        self._loop = loop
        self._pending: deque[bytes] = deque()
        self._behind = 0
        self._since = 0.0
        self._dropped = False
        self._ends = False
        self._dead = False
        self._wake = threading.Condition()

    def write(self, text: str) -> None:
        """Have ``text`` written; never waits. It is dropped if the terminal is far behind."""
        data = text.encode("utf-8", "replace")
        with self._wake:
            if self._dead:
                return
            if self._behind > BEHIND_MAX:
                self._dropped = True
                return
            if not self._behind:
                self._since = time.monotonic()
            self._pending.append(data)
            self._behind += len(data)
            self._wake.notify()

    @property
    def is_behind(self) -> bool:
        """Whether something waits for a terminal that is slow to take it."""
        return self._behind > 0 and time.monotonic() - self._since > BEHIND_S

    def flush(self) -> None:
        """Do nothing: whatever is there is written at once."""

    def stop(self) -> None:
        """Write what is there, for ``STOP_S`` at most."""
        with self._wake:
            self._ends = True
            self._wake.notify()
        self.join(STOP_S)

    def run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._ends:
                    self._wake.wait()
                if not self._pending:
                    return
                data = b"".join(self._pending)
                self._pending.clear()
            if not self._put(data):
                return
            with self._wake:
                self._behind -= len(data)
                dropped = self._dropped and not self._pending
                self._dropped = self._dropped and not dropped
            if dropped:
                self._tell(self._peer.paint_anew)

    def _put(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fileno, view) :]
            except OSError:
                with self._wake:
                    self._dead = True
                    self._pending.clear()
                self._tell(self._peer.hang_up)
                return False
        return True

    def _tell(self, what: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)


class Terminal(LinuxDriver):
    """Textual's driver with a sieve for what arrives, and a writer that a dead or stopped terminal cannot block."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stdout__ is not None
        self._file = sys.__stdout__
        self._out = sys.__stdout__.fileno()
        self.sieve = Sieve(cast("Peer", app).keymap.moves)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        theirs = self._writer_thread
        if theirs is not None:
            theirs.stop()
            ours = Writer(self._out, cast("Peer", self._app), self._loop)
            ours.start()
            self._writer_thread = cast("Any", ours)

    @property
    def is_behind(self) -> bool:
        """Whether frames wait for the terminal."""
        writer: object = self._writer_thread
        return isinstance(writer, Writer) and writer.is_behind

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return columns and lines as the terminal says, not as a variable that a shell once exported."""
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return columns or 80, lines or 24

    def run_input_thread(self) -> None:
        """Read what arrives, portion by portion; end with the terminal."""
        parser, pasting = XTermParser(), Pasting()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                messages: list[Message] = []
                if selector.select(_SELECT_S):
                    try:
                        data = os.read(self.fileno, _READ)
                    except OSError:
                        data = b""
                    if not data:
                        self._loop.call_soon_threadsafe(cast("Peer", self._app).hang_up)
                        return
                    pieces = pasting.take(decode(data), time.monotonic())
                else:
                    pieces = pasting.rest(time.monotonic())
                for text, is_pasted in pieces:
                    messages.extend([Paste(text)] if is_pasted else parser.feed(text))
                messages.extend(parser.tick())
                self._deliver(messages)

    def _deliver(self, messages: list[Message]) -> None:
        keys = {id(message): _arrived(message) for message in messages if isinstance(message, Key)}
        sifted = self.sieve.sift(keys.values())
        counted = set(map(id, sifted.keys))
        for message in messages:
            key = keys.get(id(message))
            if key is None or id(key) in counted:
                self.process_message(message)
        if sifted.burst:
            self.process_message(Burst(sifted.burst))


def _arrived(key: Key) -> Arrived:
    name = name_of(key.key, key.character)
    is_character = len(name) == 1 or name in {"enter", "tab", "space"}
    return Arrived(name, is_character, key.time)
