"""A server of the line with a handler of a test's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import kvmtui
from kvmtui.model.job import Job, JobState
from kvmtui.wire.connection import Connection
from kvmtui.wire.listener import Listener
from kvmtui.wire.messages import (
    Hello,
    JobList,
    Jobs,
    Note,
    Opened,
    OpenWindow,
    Request,
    Status,
    Stop,
    Stopping,
    Welcome,
    WorkerStatus,
)
from kvmtui.wire.server import CLIENTS_MAX, Server

HELLO = Hello(version=kvmtui.__version__, client="test")


def job(number: int, text: str = "") -> Job:
    """A job that is done."""
    return Job(id=f"j{number}", verb="start", by="root", state=JobState.DONE, total=1, started=1.0, text=text)


class CountingView:
    """A view that says how often it was computed."""

    topics = frozenset({"vms"})

    def __init__(self, text: str = "", period_s: float = 0.0) -> None:
        self.period_s = period_s
        self.fetched = 0
        self._text = text

    def fetch(self) -> Note:
        self.fetched += 1
        return Note(text=f"{self.fetched}{self._text}")


class Desk:
    """A handler that answers some requests, and opens views on request."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.gone = 0
        self.answered = 0
        self.version = kvmtui.__version__
        self.jobs: tuple[Job, ...] = ()
        """What runs: the reason not to stop."""
        self.stopped = asyncio.Event()
        self.view: Callable[[], CountingView] = CountingView
        self.before: Callable[[Request[Any]], Awaitable[object]] | None = None

    def welcome(self, hello: Hello, connection: Connection) -> Welcome:
        return Welcome(version=self.version, pid=1, config="c", digest="d", read_only=hello.read_only)

    async def answer(self, request: Request[Any], connection: Connection) -> object:
        if self.before is not None:
            await self.before(request)
        self.answered += 1
        match request:
            case Status():
                return WorkerStatus(
                    pid=1, version="1", socket="s", config="c", digest="d", started=1.0, clients=1, jobs=0
                )
            case Stop():
                if not self.jobs:
                    self.stopped.set()
                return Stopping(stopping=not self.jobs, jobs=self.jobs)
            case Jobs():
                return JobList(jobs=tuple(job(number, "x" * 1000) for number in range(request.limit)))
            case OpenWindow():
                connection.follow(request.window, self.view())
                return Opened(window=request.window)
        raise RuntimeError("a fault inside the worker")

    def came(self, connection: Connection) -> None:
        self.connections.append(connection)

    def left(self, connection: Connection) -> None:
        self.gone += 1


@contextlib.asynccontextmanager
async def serving(path: Path, desk: Desk, clients_max: int = CLIENTS_MAX) -> AsyncIterator[Server]:
    """A server at ``path`` that is closed in the end."""
    server = Server(Listener(path), desk, clients_max=clients_max)
    server.start()
    try:
        yield server
    finally:
        await server.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds; the test's own limit ends it if it never does."""
    while not condition():  # noqa: ASYNC110 - what is waited for cannot tell
        await asyncio.sleep(0.002)
