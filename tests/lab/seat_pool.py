"""A HostPool at the operator's seat, in a process of its own: reports come out as lines of JSON, intents go in.

`SeatPool` is the test's side; run as a program this file is the other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kvmtui.actions import Lane
from kvmtui.config import Config, HostConfig, Periods
from kvmtui.errors import KvmtuiError
from kvmtui.hosts.pool import HostPool
from kvmtui.hosts.reports import Report

if TYPE_CHECKING:
    from tests.lab.cluster import Cluster

Line = dict[str, Any]


# --- at the seat --------------------------------------------------------------------------------------------------


async def _serve(config: Config, folder: Path, known_hosts: Path) -> None:
    def deliver(report: Report) -> None:
        body = msgspec.to_builtins(report)
        line = {"report": type(report).__name__, "told": time.time(), **body}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    pool = HostPool(config, folder, known_hosts, deliver)
    pool.start()
    commands: asyncio.Queue[list[Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for text in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, json.loads(text))

    threading.Thread(target=read, daemon=True).start()
    running: set[asyncio.Task[None]] = set()
    while (command := await commands.get())[1] != "stop":
        task = asyncio.create_task(_obey(pool, command))
        running.add(task)
        task.add_done_callback(running.discard)
    began = time.monotonic()
    await pool.stop()
    await asyncio.gather(*running)
    _answer(command[0], time.monotonic() - began)


async def _obey(pool: HostPool, command: list[Any]) -> None:
    number, name, *words = command
    try:
        if name == "act":
            host, uuid, call, args, lane, deadline_s = words
            await pool.act(host, uuid, call, tuple(args), Lane(lane), deadline_s)
            _answer(number, None)
        elif name == "watch":
            pool.watch({host: frozenset(uuids) for host, uuids in words[0].items()})
            _answer(number, None)
        elif name == "reconnect":
            pool.reconnect(words[0])
            _answer(number, None)
        else:
            _answer(number, msgspec.to_builtins(await getattr(pool, name)(*words)))
    except (KvmtuiError, asyncio.CancelledError) as error:
        sys.stdout.write(json.dumps({"answer": number, "error": type(error).__name__, "text": str(error)}) + "\n")
        sys.stdout.flush()


def _answer(number: int, value: object) -> None:
    sys.stdout.write(json.dumps({"answer": number, "value": value}) + "\n")
    sys.stdout.flush()


# --- in the test --------------------------------------------------------------------------------------------------


class SeatError(Exception):
    """What a call on the pool raised: `kind` is the exception's class."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class SeatPool:
    """The pool as a test sees it: every report since the start, and calls."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.reports: list[Line] = []
        self._process = process
        self._numbers = itertools.count()
        self._answers: dict[int, queue.SimpleQueue[Line]] = {}
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def join(self) -> None:
        """Read on until the process has closed its output."""
        self._reader.join(10)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = json.loads(text)
            if "answer" in line:
                self._answers[line["answer"]].put(line)
                continue
            with self._news:
                self.reports.append(line)
                self._news.notify_all()

    def begin(self, *command: object) -> Callable[[float], Any]:
        """Send a command; the function that comes back waits for its answer and raises SeatError if it is one."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.SimpleQueue()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([number, *command]).encode() + b"\n")
        self._process.stdin.flush()

        def wait(timeout_s: float) -> Any:
            line = answer.get(timeout=timeout_s)
            if "error" in line:
                raise SeatError(line["error"], line["text"])
            return line["value"]

        return wait

    def call(self, *command: object, timeout_s: float = 30.0) -> Any:
        """Send a command and wait for its answer."""
        return self.begin(*command)(timeout_s)

    def await_report(
        self, kind: str, host: str, wanted: Callable[[Line], bool] = lambda _: True, *, since: int = 0, timeout_s: float
    ) -> Line:
        """The first report of this kind that is wanted, among those after the first `since`; waits for it."""
        end = time.monotonic() + timeout_s
        seen = since
        with self._news:
            while True:
                for line in self.reports[seen:]:
                    if line["report"] == kind and line["host"] == host and wanted(line):
                        return line
                seen = len(self.reports)
                left = end - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    last = [line for line in self.reports if line["host"] == host and line["report"] == kind][-1:]
                    raise AssertionError(f"{host}: no {kind} as wanted in {timeout_s:g} s; the last one: {last}")

    def await_link(self, host: str, state: str, *, since: int = 0, timeout_s: float = 15.0) -> Line:
        """Wait until the link of `host` is reported to be so."""
        return self.await_report(
            "LinkReport", host, lambda line: line["state"] == state, since=since, timeout_s=timeout_s
        )

    def of(self, kind: str, host: str, *, since: int = 0) -> list[Line]:
        """The reports of a kind about a host that have come after the first `since`."""
        return [line for line in self.reports[since:] if line["report"] == kind and line["host"] == host]


@contextlib.contextmanager
def seat_pool(lab: Cluster, *hosts: HostConfig, others_s: float = 10.0) -> Iterator[SeatPool]:
    """A pool over these hosts at the seat of `lab`; without hosts, over all hosts of the lab as root."""
    chosen = hosts or tuple(host_config(lab, host.name, host.uri()) for host in lab.hosts)
    config = Config(name="lab", hosts=chosen, periods=Periods(others_s=others_s))
    text = json.dumps(msgspec.to_builtins(config))
    command = (sys.executable, __file__, text, lab.layout.home / "r", lab.layout.home / "our_known_hosts")
    log = lab.layout.dir / "seat_pool.log"
    with log.open("ab") as err, lab.seat.popen(*command, stdin=subprocess.PIPE, stderr=err) as process:
        pool = SeatPool(process)
        try:
            yield pool
        finally:
            process.kill()
            pool.join()


def host_config(lab: Cluster, name: str, uri: str, access: str = "rw") -> HostConfig:
    """A host of the lab as kvmtui's config names it."""
    identity, known = str(lab.layout.identity), str(lab.layout.known_hosts)
    return HostConfig(name=name, uri=uri, identity_file=identity, known_hosts=known, access=access)


if __name__ == "__main__":
    asyncio.run(_serve(msgspec.json.decode(sys.argv[1], type=Config), Path(sys.argv[2]), Path(sys.argv[3])))
