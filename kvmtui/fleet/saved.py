"""The last known fleet on disk, so that the next worker has something to show."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from kvmtui import text
from kvmtui.model.event import Event
from kvmtui.model.host import Host
from kvmtui.model.vm import Vm, VmState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kvmtui.fleet.fleet import Fleet

log = logging.getLogger(__name__)

FORMAT = 1
SIZE_MAX = 64 * 1024 * 1024
"""Bytes; 30,000 VMs take about 5 MB."""
EVENTS_MAX = 1_000
"""Events that are kept, the newest."""


class SavedVm(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of a VM. Figures are not: they would be old."""

    uuid: str
    name: str
    state: VmState
    """The last state known, of lost hosts too."""
    seen: float
    vcpus: int | None = None
    mem_max_bytes: int | None = None
    persistent: bool = True
    autostart: bool = False
    has_snapshot: bool = False
    owner: str | None = None
    tags: tuple[str, ...] = ()
    """Those that stand in its own definition."""


class SavedHost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of a host."""

    name: str
    uri: str
    version: str = ""
    cpus: int | None = None
    mem_total_bytes: int | None = None
    seen: float = 0.0
    demo: bool = False
    vms: tuple[SavedVm, ...] = ()


class SavedFleet(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    format: int
    at: float
    hosts: tuple[SavedHost, ...]
    events: tuple[Event, ...] = ()
    """The newest, the oldest of them first."""
    events_since: float | None = None
    """From when on they tell all that was seen."""


class Saved(NamedTuple):
    """A fleet as it was read back."""

    at: float
    """When it was written."""
    hosts: list[tuple[Host, list[Vm]]]
    events: tuple[Event, ...] = ()
    events_since: float | None = None


def encode(fleet: Fleet, now: float) -> bytes:
    """Return the fleet as it goes into the file."""
    return pack(hosts_of(fleet), now, *events_of(fleet))


def hosts_of(fleet: Fleet) -> Iterator[SavedHost]:
    """Return what is kept of each host that was ever heard of. The fleet may change between one and the next."""
    for host in fleet.hosts.values():
        if not host.seen:
            continue
        vms = tuple(
            SavedVm(
                vm.uuid,
                vm.name,
                vm.was or vm.state,
                fleet.seen(vm),
                vm.vcpus,
                vm.mem_max_bytes,
                vm.persistent,
                vm.autostart,
                vm.has_snapshot,
                vm.owner,
                fleet.known[vm.host].vms.own_tags(vm.uuid),
            )
            for vm in fleet.on_hosts([host.name])
        )
        yield SavedHost(
            name=host.name,
            uri=host.uri,
            version=host.version,
            cpus=host.cpus,
            mem_total_bytes=host.mem_total_bytes,
            seen=host.seen,
            demo=host.demo,
            vms=vms,
        )


def events_of(fleet: Fleet) -> tuple[tuple[Event, ...], float]:
    """Return the events that are kept, the oldest first, and from when on they tell all that was seen."""
    rows = fleet.events.rows
    events = tuple(reversed(list(islice(reversed(rows.values()), EVENTS_MAX))))
    return events, fleet.events.since if len(events) == len(rows) else events[0].at


def pack(
    hosts: Iterable[SavedHost], now: float, events: tuple[Event, ...] = (), events_since: float | None = None
) -> bytes:
    """Return hosts and events as they go into the file."""
    return msgspec.json.encode(
        SavedFleet(format=FORMAT, at=now, hosts=tuple(hosts), events=events, events_since=events_since)
    )


def write(path: Path, content: bytes) -> bool:
    """Put ``content`` in the place of the file, whole or not at all, for our eyes only; may run in any thread.

    Return whether it is there: a full disk is logged, and harmless.
    """
    if len(content) > SIZE_MAX:
        log.warning("%s not written: %d bytes are more than %d", path, len(content), SIZE_MAX)
        return False
    new = path.with_name(f"{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        log.warning("%s not written: %s", path, error)
        with contextlib.suppress(OSError):
            new.unlink()
        return False
    return True


def read(path: Path, now: float) -> Saved | None:
    """Return the fleet that an earlier worker left, or None if there is none to trust: then the log says why.

    It must be a file of ours, whole, of this format and not from the future; what is in it is made safe to show.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s not read: %s", path, error)
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_size > SIZE_MAX:
            log.warning("%s not read: it is not a file of ours of at most %d bytes", path, SIZE_MAX)
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            found = msgspec.json.decode(file.read(SIZE_MAX + 1), type=SavedFleet)
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError, RecursionError) as error:
        log.warning("%s not read: %s", path, error)
        return None
    finally:
        os.close(descriptor)
    if found.format != FORMAT or not 0 < found.at <= now:
        log.warning("%s not read: format %d of %.0f", path, found.format, found.at)
        return None
    since = None if found.events_since is None else min(found.events_since, found.at)
    events = tuple(_event(event, found.at) for event in found.events[-EVENTS_MAX:])
    return Saved(found.at, [_host(host, found.at) for host in found.hosts], events, since)


def _event(saved: Event, at: float) -> Event:
    return replace(
        saved,
        at=min(saved.at, at),
        host=text.clean(saved.host, text.NAME_MAX),
        uuid=text.clean(saved.uuid, text.NAME_MAX),
        name=text.clean(saved.name, text.NAME_MAX),
        text=text.clean(saved.text),
        severity=max(0, min(saved.severity, 4)),
    )


def _host(saved: SavedHost, at: float) -> tuple[Host, list[Vm]]:
    host = Host(
        name=text.clean(saved.name, text.NAME_MAX),
        uri=saved.uri,
        version=text.clean(saved.version),
        cpus=saved.cpus,
        mem_total_bytes=saved.mem_total_bytes,
        vms_total=len(saved.vms),
        seen=min(saved.seen, at),
        demo=saved.demo,
    )
    vms = [
        Vm(
            host=host.name,
            uuid=text.clean(vm.uuid, text.NAME_MAX),
            name=text.clean(vm.name, text.NAME_MAX),
            state=vm.state,
            vcpus=vm.vcpus,
            mem_max_bytes=vm.mem_max_bytes,
            persistent=vm.persistent,
            autostart=vm.autostart,
            has_snapshot=vm.has_snapshot,
            owner=None if vm.owner is None else text.clean(vm.owner, text.NAME_MAX),
            tags=tuple(text.clean(tag, text.NAME_MAX) for tag in vm.tags),
            seen=min(vm.seen, at),
        )
        for vm in saved.vms
    ]
    return host, vms
