"""The worker's place on this machine: its folders, the lock that makes it the only one, its file limit."""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import resource
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from kvmtui.errors import KvmtuiError, RefusedError, WorkerError
from kvmtui.paths import SHARED_GROUP, make_private
from kvmtui.wire import lockfile
from kvmtui.wire.failures import failure

if TYPE_CHECKING:
    from kvmtui.paths import WorkerPaths

FILES_A_HOST = 10
"""Descriptors that a host may take: its SSH connection, relays, libvirt's own ends."""
FILES_OF_OUR_OWN = 300
FILES_MAX = 1 << 20
"""More is not asked for: programs exist that close every descriptor there may be, one by one."""
_LEAVING_S = 1.0
"""How long a worker that is about to end may keep the lock from the next one."""

log = logging.getLogger(__name__)


def claim(paths: WorkerPaths) -> int:
    """Make the folders and become the worker of this state directory; return the lock to hold on to.

    Raises RefusedError if another process is the worker, WorkerError if the place cannot be used.
    """
    make_private(paths.state)
    try:
        paths.state.chmod(0o700)
        ends = time.monotonic() + _LEAVING_S
        while (lock := lockfile.take(paths.lock)) is None:
            if time.monotonic() > ends:
                holder = lockfile.holder(paths.lock)
                raise RefusedError(
                    f"a worker runs already, process {holder.pid}" if holder else "a worker has just started",
                    where=str(paths.state),
                    remedy="kvmtui worker status tells of it",
                )
            time.sleep(0.02)
        lockfile.sign(lock, paths.socket)
        paths.failed.unlink(missing_ok=True)
    except OSError as error:
        raise WorkerError("cannot be used", where=str(paths.state), words=error.strerror or str(error)) from error
    return lock


def clear_relays(paths: WorkerPaths) -> None:
    """Remove what a worker that was killed left in its folder of relays, and make the folder. Raises WorkerError."""
    with contextlib.suppress(OSError):
        if paths.relays.is_symlink() or paths.relays.stat().st_uid != os.getuid():
            raise WorkerError("is not ours", where=str(paths.relays), remedy="remove it")
    shutil.rmtree(paths.relays, ignore_errors=True)
    make_private(paths.relays)


def shared_group() -> int:
    """Return the number of the group whose members may use a shared worker: ours, where there is none of its name."""
    try:
        named = grp.getgrnam(SHARED_GROUP).gr_gid
    except KeyError:
        named = -1
    group = named if named >= 0 and (os.geteuid() == 0 or named in os.getgroups()) else os.getegid()
    if group != named:
        why = "there is no group" if named < 0 else "this user is not in the group"
        log.warning("%s %s: only members of group %d reach this worker", why, SHARED_GROUP, group)
    return group


def leave(paths: WorkerPaths) -> None:
    """Remove the folders that only a worker that runs needs, if nothing is in them; one that a user chose stays."""
    with contextlib.suppress(OSError):
        paths.relays.rmdir()
        if paths.socket.parent.name == paths.state.name:
            paths.socket.parent.rmdir()


def tell_failure(paths: WorkerPaths, error: KvmtuiError) -> None:
    """Leave word of why the worker did not start for the client that started it."""
    with contextlib.suppress(OSError):
        beside = paths.failed.with_name(paths.failed.name + "~")
        beside.write_bytes(msgspec.json.encode(failure(0, error)))
        beside.replace(paths.failed)


def raise_file_limit() -> int:
    """Raise the limit of open files as far as it goes; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return FILES_MAX if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def file_limit_notice(limit: int, hosts: int) -> str:
    """Return in words that ``limit`` open files are too few for so many hosts, or ""."""
    needed = FILES_OF_OUR_OWN + FILES_A_HOST * hosts
    if limit >= needed:
        return ""
    return f"{hosts} hosts may need {needed} open files, the limit is {limit}: raise it (ulimit -n, LimitNOFILE)"
