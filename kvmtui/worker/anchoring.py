"""Sends the end of the audit record to where it cannot be changed together with the record."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from typing import TYPE_CHECKING

from kvmtui.errors import NotRecordedError
from kvmtui.guard import anchor
from kvmtui.guard.anchor import Anchor
from kvmtui.guard.audit import stamp
from kvmtui.jobs import record
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kvmtui.config.structs import AuditConfig
    from kvmtui.guard.audit import Head
    from kvmtui.jobs.journal import Journal

JOURNALD = "/run/systemd/journal/socket"
LAST_S = 2.0
"""How long the last anchor may take."""

log = logging.getLogger(__name__)


class Anchoring:
    """Sends anchors; never waits for who takes them. Lives in the serve loop."""

    def __init__(
        self, journal: Journal, path: Path, config: AuditConfig, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        """``path`` is that of the journal; ``tell`` is called with what is to be said of a place that takes none."""
        self.failures = 0
        """Anchors in a row that did not leave."""
        self._journal = journal
        self._path = path
        self._config = config
        self._clock = clock
        self._tell = tell
        self._journal_id = anchor.digest(path)
        self._sent: Head | None = None
        self._next_at = 0.0

    def apply(self, config: AuditConfig) -> None:
        """Put another config in force; where anchors go elsewhere now, one is sent there."""
        if config.anchor != self._config.anchor:
            self._sent, self._next_at, self.failures = None, 0.0, 0
            self._tell("")
        self._config = config

    @property
    def is_due(self) -> bool:
        """Whether it may send one."""
        return bool(self._config.anchor) and asyncio.get_running_loop().time() >= self._next_at

    async def look(self) -> None:
        """Send the end of the record if it is another one than was sent last. Raises NotRecordedError."""
        self._send(await self._journal.head())

    async def close(self) -> None:
        """Send the last end, once the journal is closed."""
        if not self._config.anchor:
            return
        try:
            async with asyncio.timeout(LAST_S):
                self._send(await asyncio.to_thread(record.head, self._path))
        except (NotRecordedError, TimeoutError) as error:
            log.warning("the end of the audit record was not anchored: %s", str(error) or "its disk does not answer")

    def _send(self, head: Head) -> None:
        if head == self._sent:
            return
        self._next_at = asyncio.get_running_loop().time() + self._config.anchor_every_s
        sent = Anchor(head, stamp(self._clock()), anchor.machine(), self._journal_id)
        to_journald = self._config.anchor == "journald"
        place = JOURNALD if to_journald else self._config.anchor
        if to_journald:
            datagram = anchor.for_journald(sent, os.getpid())
        else:
            local = time.strftime("%b %e %H:%M:%S", time.localtime(self._clock()))
            datagram = anchor.for_syslog(sent, os.getpid(), local)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
                line.sendto(datagram, place)
        except OSError as error:
            self.failures += 1
            self._tell(f"the audit record is not anchored: {place}: {error.strerror or error} · see audit: anchor")
            return
        if self.failures:
            log.info("anchors reach %s again, after %s", place, plural(self.failures, "failure"))
        self.failures = 0
        self._sent = head
        self._tell("")
