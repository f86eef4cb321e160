"""Finds the worker of a config, or starts it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

import kvmtui
from kvmtui.errors import KvmtuiError, WorkerError
from kvmtui.paths import make_private
from kvmtui.text import clean, plural
from kvmtui.wire import lockfile, logout
from kvmtui.wire.failures import error as error_of
from kvmtui.wire.line import Line
from kvmtui.wire.messages import Failure, Hello, Stop
from kvmtui.wire.results import HungUpError

if TYPE_CHECKING:
    from types import TracebackType

    from kvmtui.paths import WorkerPaths

START_S = 15.0
"""How long a worker may take until it answers."""
_LOOK_S = 0.01
_DEAD_AFTER_S = 4.0
"""A worker that holds no lock so long after its start has ended."""
_SYSTEMD_S = 3.0
_REPLACED_S = 5.0
_LOG_LINES = 5
_PASSED_ON = (
    "HOME", "KVMTUI_SOCKET", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SSH_AUTH_SOCK",
    "SSL_CERT_FILE", "TZ", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
)  # fmt: skip
"""What a worker under systemd gets of our environment: nothing that may hold a secret."""


class Attempt:
    """The way to a greeted connection, in two halves: between them the caller can load what it needs.

    ``begin()`` returns at once, with a worker found or started; ``finish()`` waits until it has answered.
    """

    def __init__(self, paths: WorkerPaths) -> None:
        self.paths = paths
        self._line: Line | None = None
        self._starting: int | None = None
        self._child: int | None = None
        self._launched: float | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self) -> None:
        """Connect to the worker, or start one. Raises WorkerError if neither can be."""
        self._began = time.monotonic()
        self._step()

    def finish(self, hello: Hello, deadline_s: float = START_S) -> Line:
        """Wait for the worker and greet it; an idle one of an older version is replaced by ours.

        Raises WorkerError: it did not start (with the last lines of its log), it is newer, or older and busy; and
        whatever a worker that could not start says of its reasons (ConfigError).
        """
        ends = self._began + deadline_s
        while True:
            if self._line is None:
                if time.monotonic() > ends:
                    raise self._failed(f"no worker answers after {deadline_s:.0f} s")
                self._step()
                if self._line is None:
                    time.sleep(_LOOK_S)
                continue
            line, self._line = self._line, None
            try:
                welcome = line.greet(hello, max(1.0, ends - time.monotonic()))
                if welcome.version == kvmtui.__version__:
                    self.close()
                    return line
                if self.paths.shared:
                    raise _other_version(welcome.version)
                _replace(line, welcome.version)
                self._launched = None
            except HungUpError:
                self._launched = None  # it was about to leave
            except KvmtuiError:
                line.close()
                raise
            line.close()

    def close(self) -> None:
        """Let others start a worker."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._child is not None:
            os.waitpid(self._child, 0)
            self._child = None
        if self._starting is not None:
            os.close(self._starting)
            self._starting = None

    def _step(self) -> None:
        """Connect, or bring the start of a worker one step on."""
        self._line = find(self.paths)
        if self._line is not None:
            return
        if self._launched is None:
            self._launch()
        else:
            self._check_child()

    def _launch(self) -> None:
        if self.paths.shared:
            raise WorkerError(
                "no worker listens there", where=str(self.paths.socket),
                remedy="it is one for many: who runs it starts it (systemctl start kvmtui)",
            )  # fmt: skip
        make_private(self.paths.state)
        if self._starting is None:
            self._starting = lockfile.take(self.paths.starting)
        if self._starting is None or lockfile.holder(self.paths.lock) is not None:
            return  # somebody else starts it, or it is about to listen again
        self.paths.failed.unlink(missing_ok=True)
        self._launched = time.monotonic()
        if not _by_systemd(self.paths):
            self._child = _detached(self.paths)

    def _check_child(self) -> None:
        if self._child is not None:
            pid, status = os.waitpid(self._child, os.WNOHANG)
            if pid:
                self._child = None
                if status:
                    raise self._failed("the worker did not start")
        if self.paths.failed.exists():
            raise self._failed("the worker did not start")
        waited = time.monotonic() - (self._launched or 0.0)
        if waited > _DEAD_AFTER_S and lockfile.holder(self.paths.lock) is None:
            raise self._failed("the worker ended before it answered")

    def _failed(self, text: str) -> KvmtuiError:
        """Return the worker's own reason, if it left one, else ``text`` with what its log says."""
        try:
            return error_of(msgspec.json.decode(self.paths.failed.read_bytes(), type=Failure))
        except (OSError, msgspec.MsgspecError):
            holder = lockfile.holder(self.paths.lock)
            who = f" (process {holder.pid} holds its place)" if holder else ""
            said = log_tail(self.paths.log)
            return WorkerError(
                text + who,
                where=str(self.paths.socket),
                words=" | ".join(said),
                remedy=f"its log: {self.paths.log}" + ("; kvmtui worker stop --force ends it" if holder else ""),
            )


def find(paths: WorkerPaths) -> Line | None:
    """Return a connection to the worker of ``paths``, or None if none listens. Raises WorkerError.

    A worker that was started in another environment (no runtime directory, say) listens where its lock's file says.
    """
    try:
        return Line(paths.socket)
    except WorkerError as error:
        if not is_absent(error):
            raise
    holder = lockfile.holder(paths.lock)
    if holder is None or holder.socket is None or holder.socket == paths.socket:
        return None
    try:
        return Line(holder.socket)
    except WorkerError as error:
        if not is_absent(error):
            raise
    return None


def is_absent(error: WorkerError) -> bool:
    """Whether an attempt to connect failed because nobody listens there."""
    return isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError)


def attach(paths: WorkerPaths, hello: Hello, deadline_s: float = START_S) -> Line:
    """Return a greeted connection to the worker of ``paths``, started if there is none. Raises as Attempt does."""
    with Attempt(paths) as attempt:
        attempt.begin()
        return attempt.finish(hello, deadline_s)


def log_tail(log: Path, lines: int = _LOG_LINES) -> list[str]:
    """Return the last lines of a log, made safe to show; none if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read(16_384).decode(errors="replace")
    except OSError:
        return []
    return [clean(line, 300) for line in deque(text.splitlines(), maxlen=lines)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _other_version(version: str) -> WorkerError:
    """Return that a worker of others is of another version: it is not ours to replace."""
    return WorkerError(
        f"the worker there is of version {clean(version, 20)}, this program of {kvmtui.__version__}",
        remedy="it is one for many: who runs it updates it (then systemctl restart kvmtui)",
    )


def _replace(line: Line, version: str) -> None:
    """Let a worker of another version end, if it is older and idle. Raises WorkerError if it is not."""
    if _numbers(version) > _numbers(kvmtui.__version__):
        raise WorkerError(
            f"the worker is of version {clean(version, 20)}, this program of {kvmtui.__version__}",
            remedy="leave this program and start the one that is installed now",
        )
    answer = line.call(Stop(mode="idle"))
    if answer.stopping:
        line.wait_closed(_REPLACED_S)
        return
    jobs = ", ".join(f"{job.id} {job.verb} {job.subject}".strip() for job in answer.jobs[:3])
    more = f" and {len(answer.jobs) - 3} more" if len(answer.jobs) > 3 else ""
    raise WorkerError(
        f"the worker is of version {clean(version, 20)} and has {plural(len(answer.jobs), 'job')}: {clean(jobs)}{more}",
        remedy="kvmtui worker stop --drain ends it when they have ended; then start this program again",
    )


def _command(paths: WorkerPaths) -> list[str]:
    # -P: what lies in the folder where the user stands is none of the worker's modules
    return [sys.executable, "-P", "-m", "kvmtui.worker", str(paths.config), str(paths.state), str(paths.socket)]


def _detached(paths: WorkerPaths) -> int:
    """Start the worker in a session of its own; return the number of the process that only starts it."""
    log = os.open(paths.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        return os.posix_spawn(
            sys.executable,
            [*_command(paths), "--detach"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=[signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM],  # whatever nohup or a script set
        )
    except OSError as error:
        raise WorkerError("a worker cannot be started", words=error.strerror or "") from error
    finally:
        os.close(log)


def _by_systemd(paths: WorkerPaths) -> bool:
    """Start the worker under the user's systemd, if that is what outlives a logout; return whether it was done.

    The user's manager ends with his last login unless he lingers, while a detached process stays unless logind kills
    what a session leaves: so the manager is the better place only where one of the two holds.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not runtime.startswith("/") or not (Path(runtime) / "systemd" / "private").is_socket():
        return False
    if not (logout.lingers() or logout.login_kills()) or shutil.which("systemd-run") is None:
        return False
    import subprocess

    try:
        done = subprocess.run(
            systemd_command(paths), capture_output=True, timeout=_SYSTEMD_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def systemd_command(paths: WorkerPaths) -> list[str]:
    """Return what starts the worker under the user's systemd: its unit has the name of its state directory."""
    environment = [f"--setenv={name}={os.environ[name]}" for name in _PASSED_ON if name in os.environ]
    return [
        "systemd-run", "--user", "--collect", "--quiet", f"--unit=kvmtui-{paths.state.name}",
        "--description=kvmtui worker", f"--property=StandardOutput=append:{paths.log}",
        f"--property=StandardError=append:{paths.log}", *environment, "--", *_command(paths),
    ]  # fmt: skip
