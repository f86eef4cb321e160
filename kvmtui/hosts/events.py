"""libvirt's event loop in a native thread, its callbacks turned into plain values.

Callbacks run in that thread while libvirt waits for them: they read what the event carries without asking anybody,
put a plain value into a bounded inbox, and return. They take no lock and call nothing that could.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import libvirt

from kvmtui.hosts import reasons
from kvmtui.hosts.binding import Conn, Domain
from kvmtui.hosts.reports import Happened
from kvmtui.model.vm import VmState
from kvmtui.text import clean, name_or

logger = logging.getLogger(__name__)

INBOX_MAX = 1_000
"""Events of one host that may wait; more are dropped, and everything is listed again."""
WORDS_MAX = 200
"""Characters of a path or a device name in an event that are kept."""


class DomainEvent(NamedTuple):
    """One event, as plain as it goes; the texts are as libvirt gave them."""

    uuid: str
    name: str
    kind: str
    """See ``reports.Happened``."""
    detail: str
    state: VmState | None

    def report(self, host: str, at: float) -> Happened:
        """Return it as what happened on ``host``, as it was heard ``at``."""
        return Happened(
            host=host, at=at, uuid=self.uuid, name=self.name, kind=self.kind, detail=self.detail, state=self.state
        )


class Inbox:
    """Events of one connection on their way from libvirt's thread to the hosts loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        """``wake`` is called in ``loop`` when something has come; it should ``take``."""
        self._loop = loop
        self._wake = wake
        self._events: deque[DomainEvent] = deque()
        self._told = False
        self.dropped = 0
        """Events that found no room, since ever."""

    def put(self, event: DomainEvent) -> None:
        """Leave an event, from any thread. Never blocks, never raises."""
        if len(self._events) >= INBOX_MAX:
            self.dropped += 1
        else:
            self._events.append(event)
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                self._loop.call_soon_threadsafe(self._wake)

    def take(self) -> list[DomainEvent]:
        """Return what has come, made safe to show, and forget it. Belongs to the loop."""
        self._told = False
        taken: list[DomainEvent] = []
        while self._events:
            event = self._events.popleft()
            name, detail = name_or(event.name, event.uuid), clean(event.detail, WORDS_MAX)
            taken.append(event._replace(name=name, detail=detail))
        return taken


class _Loop:
    """The process's one event loop of libvirt."""

    started = False
    lock = threading.Lock()


def start() -> None:
    """Silence libvirt's printing of errors, register its event loop and run it for ever; once per process.

    Must have been called before any connection is opened.
    """
    with _Loop.lock:
        if _Loop.started:
            return
        libvirt.registerErrorHandler(_ignore, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, name="libvirt-events", daemon=True).start()
        _Loop.started = True


def _ignore(_context: object, _error: object) -> None:
    """Errors are raised; the default handler would print them into the screen as well."""


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            logger.exception("libvirt's event loop")


# --- callbacks: in libvirt's thread -------------------------------------------------------------------------------


def _lifecycle(_conn: Conn, domain: Domain, event: int, detail: int, inbox: Inbox) -> None:
    kind, words, state = reasons.lifecycle(event, detail)
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), kind, words, state))


def _reboot(_conn: Conn, domain: Domain, inbox: Inbox) -> None:
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), "rebooted", "", None))


def _watchdog(_conn: Conn, domain: Domain, action: int, inbox: Inbox) -> None:
    words = reasons.word(reasons.WATCHDOG_ACTIONS, action)
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), "watchdog", words, None))


def _io_error(_conn: Conn, domain: Domain, path: str, alias: str, _action: int, why: str, inbox: Inbox) -> None:
    detail = " ".join(part for part in (alias, why, path) if part)
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), "ioerror", detail, None))


def _job_completed(_conn: Conn, domain: Domain, _stats: object, inbox: Inbox) -> None:
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), "jobended", "", None))


def _metadata(_conn: Conn, domain: Domain, _kind: int, namespace: str | None, inbox: Inbox) -> None:
    inbox.put(DomainEvent(domain.UUIDString(), domain.name(), "metadata", namespace or "", None))


_CALLBACKS: tuple[tuple[int, Callable[..., None]], ...] = (
    (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, _lifecycle),
    (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, _reboot),
    (libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG, _watchdog),
    (libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, _io_error),
    (libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, _job_completed),
    (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, _metadata),
)

# --- in a lane's thread -------------------------------------------------------------------------------------------


def register(conn: Conn, inbox: Inbox) -> None:
    """Have the events of all of a connection's domains put into ``inbox``; a kind that it cannot tell is left out.

    Raises libvirt.libvirtError if it can tell none, or is gone.
    """
    for event_id, callback in _CALLBACKS:
        try:
            conn.domainEventRegisterAny(None, event_id, callback, inbox)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
                raise


def deregister(conn: Conn) -> None:
    """Undo ``register``. What is registered holds a reference: the connection would never really close."""
    for callback_id in tuple(getattr(conn, "domainEventCallbackID", ())):
        with contextlib.suppress(libvirt.libvirtError):  # it is taken off on our side even when the host is gone
            conn.domainEventDeregisterAny(callback_id)
