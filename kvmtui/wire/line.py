"""One connection to the worker, used one request at a time by code without an event loop."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

import kvmtui
from kvmtui.errors import WorkerError
from kvmtui.paths import check_socket, is_safely_of
from kvmtui.wire.framing import LineBuffer, LineTooLongError
from kvmtui.wire.messages import Failure, Hello, Reply, Request, Welcome, WorkerMessage, decode_answer, encode
from kvmtui.wire.peer import Peer, peer_of
from kvmtui.wire.results import hung_up, no_answer, result_of

if TYPE_CHECKING:
    from pathlib import Path

Result = TypeVar("Result")

CONNECT_S = 2.0
CALL_S = 10.0
PUSHED_MAX = 1_000
"""Messages kept that the worker sent by itself."""
_CHUNK = 65_536
_NOT_YOURS = "it is for the members of its group (ls -l says which); a new group counts from the next login"
_LOOK_S = 0.01


def greeting(client: str, *, read_only: bool = False) -> Hello:
    """Return the hello of this process: who asks, from where, with which SSH agent."""
    origin = [f"{name}={os.environ[name]}" for name in ("SUDO_USER", "SSH_CONNECTION") if os.environ.get(name)]
    return Hello(
        version=kvmtui.__version__,
        client=client,
        read_only=read_only,
        agent=os.environ.get("SSH_AUTH_SOCK", ""),
        origin=" ".join(origin)[:500],
    )


class Line:
    """A connection to the worker."""

    def __init__(self, path: Path, *, deadline_s: float = CONNECT_S) -> None:
        """Connect to the socket at ``path``. Raises WorkerError: nobody there, or not one of ours."""
        check_socket(path)
        self.path = path
        self.buffer = LineBuffer()
        """What has come and is not read yet."""
        self.pushed: list[WorkerMessage] = []
        """What the worker sent by itself meanwhile, for who goes on with this connection."""
        self.last_id = 0
        self.welcome: Welcome | None = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(deadline_s)
        try:
            self._connect(time.monotonic() + deadline_s)
            self.peer: Peer = peer_of(self.socket)
        except OSError as error:
            self.socket.close()
            words = error.strerror or str(error)
            remedy = _NOT_YOURS if isinstance(error, PermissionError) else ""
            raise WorkerError("no worker answers", where=str(path), words=words, remedy=remedy) from error
        if not (self.peer.is_trusted or is_safely_of(path.parent, self.peer.uid)):
            self.socket.close()
            raise WorkerError(
                f"who listens there is uid {self.peer.uid}, not you", where=str(path), remedy="choose another --socket"
            )

    def _connect(self, ends: float) -> None:
        while True:
            try:
                self.socket.connect(str(self.path))
            except BlockingIOError:  # more wait to be taken than fit in the queue
                if time.monotonic() >= ends:
                    raise
                time.sleep(_LOOK_S)
            else:
                return

    def greet(self, hello: Hello, deadline_s: float = CALL_S) -> Welcome:
        """Say hello. Raises WorkerError, and what the worker refuses us with."""
        self.welcome = self.call(hello, deadline_s)
        return self.welcome

    def call(self, request: Request[Result], deadline_s: float = CALL_S) -> Result:
        """Ask, wait for the answer.

        Raises what the worker answers with, WorkerError if it does not answer within ``deadline_s`` or hangs up.
        """
        ends = time.monotonic() + deadline_s
        try:
            self.send(request, deadline_s)
            while True:
                line = self.buffer.pop()
                if line is None:
                    self._receive(ends)
                    continue
                answer = decode_answer(line)
                if not isinstance(answer, Reply | Failure):
                    self._keep(answer)
                elif answer.id in {self.last_id, 0}:
                    return result_of(request, answer)
        except TimeoutError as error:
            raise no_answer(request, deadline_s) from error
        except OSError as error:
            raise hung_up() from error
        except (msgspec.MsgspecError, LineTooLongError) as error:
            raise WorkerError("what answers there is no worker", where=str(self.path), words=str(error)) from error

    def send(self, request: Request[Any], deadline_s: float = CALL_S) -> None:
        """Ask without waiting for the answer, which is not looked at. Raises OSError, TimeoutError."""
        self.last_id += 1
        numbered = msgspec.structs.replace(request, id=self.last_id)
        self.socket.settimeout(deadline_s)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have said why, before it hung up
            self.socket.sendall(encode(numbered) + b"\n")

    def wait_closed(self, deadline_s: float) -> bool:
        """Wait until the worker has ended the connection; return whether it has within ``deadline_s``."""
        ends = time.monotonic() + deadline_s
        try:
            while True:
                self.buffer = LineBuffer()
                self._receive(ends)
        except TimeoutError:
            return False
        except (OSError, WorkerError):
            return True

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def _keep(self, message: WorkerMessage) -> None:
        self.pushed.append(message)
        if len(self.pushed) > PUSHED_MAX:
            raise WorkerError(f"more than {PUSHED_MAX} messages came that nobody read")

    def _receive(self, ends: float) -> None:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        chunk = self.socket.recv(_CHUNK)
        if not chunk:
            raise hung_up()
        self.buffer.feed(chunk)
