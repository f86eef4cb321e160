"""Starts the worker process."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import kvmtui
from kvmtui.errors import KvmtuiError, RefusedError, UsageError, WorkerError
from kvmtui.worker import place

if TYPE_CHECKING:
    from kvmtui.paths import WorkerPaths

SWITCH_S = 0.001
"""How long a thread waits before it asks for its turn: with a thread a host, many come before the serve loop's."""
YOUNG = (20_000, 20, 100)
"""When the garbage of each generation is looked for: the oldest, all of the fleet, hardly ever, as it takes 100 ms."""
IDLE_S = 60.0
"""How long a worker that was started on demand stays without a client and a running job."""

log = logging.getLogger(__name__)


def run(paths: WorkerPaths, *, foreground: bool, idle_s: float | None = None) -> int:
    """Be the worker of ``paths``: serve until told to stop, or idle for ``idle_s`` (None: whatever happens).

    Returns the exit code if it cannot start: 1, 2 for the config, 3 if another worker runs; why stands on standard
    error (``foreground``), in the log and in ``paths.failed``. Once it served it does not return: the process ends
    with 0, without waiting for threads that a host holds.
    """
    os.umask(0o077)
    try:
        lock = place.claim(paths)
    except KvmtuiError as error:
        if foreground:
            print(f"kvmtui: {error}", file=sys.stderr)  # noqa: T201 - it is run by a human
        return 3 if isinstance(error, RefusedError) else 1
    try:
        _serve(paths, foreground=foreground, idle_s=idle_s)
    except KvmtuiError as error:
        place.tell_failure(paths, error)
        log.error("not started: %s", error)  # noqa: TRY400 - it says what to do; where it was raised helps nobody
        os.close(lock)
        return 2 if isinstance(error, UsageError) else 1


def _serve(paths: WorkerPaths, *, foreground: bool, idle_s: float | None) -> NoReturn:
    """Start the hosts thread, then what clients need, then the rest: the first picture waits for the hosts."""
    from kvmtui import config as configs
    from kvmtui.worker.log import open_log

    try:
        open_log(paths.log, foreground=foreground)
    except OSError as error:
        raise WorkerError("the log cannot be written", where=str(paths.log), words=error.strerror or "") from error
    log.info("kvmtui %s, config %s, process %d", kvmtui.__version__, paths.config, os.getpid())
    config = configs.load(paths.config)
    file_limit = place.raise_file_limit()

    from kvmtui.wire.listener import Listener

    listener = Listener(paths.socket, place.shared_group() if paths.shared else None)
    place.clear_relays(paths)  # after it: the folder around both is made as the socket needs it

    from kvmtui.hosts.pool import HostPool
    from kvmtui.worker.agents import Agents
    from kvmtui.worker.handover import Handover

    started = time.time()
    handover = Handover()
    pool = HostPool(config, paths.relays, paths.known_hosts, handover.deliver)
    pool.start()
    agents = Agents(pool.offer_agents, time.monotonic)
    agents.offer_own()  # at once: the first login does not wait for the first hello

    import asyncio

    from kvmtui.worker.life import Worker

    async def live() -> None:
        worker = Worker(paths, config, pool, agents, idle_s=idle_s, file_limit=file_limit, started=started)
        await worker.live(listener, handover)

    gc.freeze()  # modules stay: they need not be looked through again and again
    gc.set_threshold(*YOUNG)
    sys.setswitchinterval(SWITCH_S)
    code = 0
    try:
        asyncio.new_event_loop().run_until_complete(live())
    except Exception:
        log.exception("the worker failed")
        code = 1
    logging.shutdown()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)
