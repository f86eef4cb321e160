"""A user's home for workers of a test: folders, config, processes, all gone in the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from kvmtui.errors import WorkerError
from kvmtui.paths import WorkerPaths, for_config
from kvmtui.wire import lockfile, spawn
from kvmtui.wire.line import Line, greeting
from kvmtui.wire.messages import ListRows, Page, Query, Settle, Settled

PATIENCE_S = 30.0

_NODE = "<node><cpu><active>2</active></cpu>{domains}</node>"
_DOMAIN = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>{name}</name>
<uuid>{uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os>
<test:runstate>{state}</test:runstate></domain>"""
RUNNING, OFF = 1, 5


def uuid(number: int) -> str:
    """The UUID of the VM of that number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def wait_for(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds. Raises TimeoutError."""
    ends = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(0.01)


class Home:
    """Folders, a config, and the workers started on it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("KVMTUI_", "XDG_", "SSH_"))},
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }
        self.config = folder / "fleet.yaml"
        self._started: list[subprocess.Popen[bytes]] = []
        self._lines: list[Line] = []
        with self.environment():
            self.paths: WorkerPaths = for_config(self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
        while (holder := lockfile.holder(self.paths.lock)) is not None and holder.pid > 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
            time.sleep(0.01)

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """This process in the home's environment."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.env)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def host(self, name: str, *states: int) -> str:
        """Write a host of libvirt's test driver whose VMs are in these states; return its line of the config."""
        domains = "".join(
            _DOMAIN.format(name=f"{name}-vm{number}", uuid=uuid(number), state=state)
            for number, state in enumerate(states, sum(name.encode()) * 1000)
        )
        (self.folder / f"{name}.xml").write_text(_NODE.format(domains=domains))
        return f"  - {{name: {name}, uri: 'test://{self.folder}/{name}.xml'}}\n"

    def configure(self, *hosts: str, head: str = "") -> None:
        """Write the config in one go, as an editor does that replaces the file."""
        new = self.config.with_suffix(".new")
        new.write_text(f"name: test\n{head}hosts:\n{''.join(hosts)}")
        new.replace(self.config)

    def start(self, *options: str, **popen: object) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it listens or has ended."""
        process = self.launch(*options, **popen)
        wait_for(lambda: process.poll() is not None or (self._is_its(process.pid) and self._answers()))
        while self._lines and self._lines[-1].welcome is not None and self._lines[-1].welcome.pid == process.pid:
            self._lines.pop().close()
        return process

    def launch(self, *options: str, **popen: object) -> subprocess.Popen[bytes]:
        """Start a worker, and wait for nothing."""
        command = [
            sys.executable, "-P", "-m", "kvmtui.worker",
            str(self.config), str(self.paths.state), str(self.paths.socket), *options,
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **popen,  # type: ignore[call-overload]
        )
        assert isinstance(process, subprocess.Popen)
        if process.stderr is not None:
            process.stderr.close()
        self._started.append(process)
        return process

    def line(self, *, read_only: bool = False) -> Line:
        """A greeted connection to the worker that runs."""
        line = Line(self.paths.socket)
        self._lines.append(line)
        line.greet(greeting("test", read_only=read_only))
        return line

    def attach(self, places: WorkerPaths | None = None) -> Line:
        """A greeted connection as a client gets it: to the worker that runs, or to one that is started for it."""
        with self.environment():
            line = spawn.attach(places or self.paths, greeting("test"), 60)
        self._lines.append(line)
        return line

    @property
    def log(self) -> str:
        """What the worker has logged."""
        return self.paths.log.read_text()

    def _is_its(self, pid: int) -> bool:
        holder = lockfile.holder(self.paths.lock)
        return holder is not None and holder.pid == pid

    def _answers(self) -> bool:
        try:
            self.line()
        except WorkerError:
            return False
        return True


def settle(line: Line) -> Settled:
    """Wait until all hosts have been heard of."""
    return line.call(Settle(timeout_s=20), PATIENCE_S)


def rows(line: Line, *columns: str, resource: str = "vms", where: str = "") -> Page:
    """The rows of the fleet now, by name."""
    return line.call(ListRows(query=Query(resource=resource, columns=columns, filter=where, sort="name")))
