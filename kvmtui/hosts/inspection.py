"""What only a shell on a host tells, read seldom: its clock, the programs of its QEMUs."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Link, NoShellError
from kvmtui.hosts.reports import Inspected, Report
from kvmtui.model.host import LinkState
from kvmtui.text import clean

logger = logging.getLogger(__name__)

PERIOD_S = 600.0
FAILED_S = 60.0
"""What could not be had now is tried again after so long."""
DEADLINE_S = 20.0
"""Looking through /proc of a busy host takes its time."""
LIMIT_BYTES = 1 << 20
TRIES = 3
"""How often a host is asked for the time; the answer that came quickest counts."""
ENOUGH_S = 0.05
"""It is asked no more once the answer may be wrong by so little."""

_DATE = ("date", "+%s.%N")
_QEMUS = r"""
LC_ALL=C; export LC_ALL
grep -lxE 'qemu-system-.*|qemu-kvm|kvm' /proc/[0-9]*/comm 2>/dev/null
programs=$(find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname '*qemu*' -printf '%h %l\n' 2>/dev/null)
printf '%s\n' "$programs"
printf '%s\n' "$programs" | sed -n 's,^\(/proc/[0-9]*\) .*,\1/cmdline,p' |
xargs -r grep -zHoxE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' 2>/dev/null | tr '\0' '\n'
"""
"""Three lists: which processes are QEMUs by name, which program each runs as far as this user may see it, and the UUID
on the command line of those. It reads /proc, and nothing else; processes are begun by the list, not by the QEMU."""

_COMM = re.compile(r"/proc/(\d{1,10})/comm")
_PROGRAM = re.compile(r"/proc/(\d{1,10}) (.*)")
_UUID = re.compile(r"/proc/(\d{1,10})/cmdline:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SECONDS = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?")
_DELETED = " (deleted)"


class Offset(NamedTuple):
    """How far a clock is ahead of ours."""

    ahead_s: float
    error_s: float


async def inspect_for_ever(
    name: str, link: Link, deliver: Callable[[Report], None], clock: Callable[[], float]
) -> None:
    """Deliver what a host tells, every PERIOD_S; where it has no shell for us, that. Never returns."""
    while True:
        try:
            deliver(await inspect(name, link, clock))
            pause_s = PERIOD_S
        except NoShellError as error:
            why = f"this login may run no command there: {error.words}" if error.words else error.text
            deliver(Inspected(host=name, at=clock(), unread=clean(why, 200)))
            pause_s = PERIOD_S  # a link that knows it asks the host no more
        except LinkError as error:
            logger.debug("%s: not inspected: %s", name, error)
            if error.state is LinkState.UP:  # what is lost is noticed by the polls
                deliver(Inspected(host=name, at=clock(), unread=clean(error.text, 200)))
            pause_s = FAILED_S
        await asyncio.sleep(pause_s)


async def inspect(name: str, link: Link, clock: Callable[[], float]) -> Inspected:
    """Return what a host tells now: two commands, four where its answers are slow. Raises LinkError."""
    at = clock()
    done = await link.run(("sh", "-c", _QEMUS), deadline_s=DEADLINE_S, limit_bytes=LIMIT_BYTES)
    known, unread = qemus(done.out)
    found: Offset | None = None
    for _ in range(TRIES):
        before = clock()
        said = await link.run(_DATE, deadline_s=DEADLINE_S)
        again = offset(said.out, before, clock())
        if again is not None and (found is None or again.error_s < found.error_s):
            found = again
        if found is None or found.error_s <= ENOUGH_S:
            break
    return Inspected(
        host=name,
        at=at,
        ahead_s=found.ahead_s if found is not None else None,
        error_s=found.error_s if found is not None else 0.0,
        qemus=known,
        unread=unread,
    )


def offset(said: str, before: float, after: float) -> Offset | None:
    """Return how far ahead a clock is that said so (``date +%s.%N``) between two times of ours; None if it did not.

    It was read somewhere between the two: the middle is taken, and half of the span is what that may be wrong by. A
    `date` without nanoseconds may be wrong by another half second.
    """
    found = _SECONDS.match(said.strip())
    if found is None or after < before:
        return None
    at, unit_s = float(int(found[1])), 0.5
    if found[2]:
        at, unit_s = float(found[0]), 0.0
    return Offset(at + unit_s - (before + after) / 2, (after - before) / 2 + unit_s)


def qemus(said: str) -> tuple[tuple[tuple[str, bool], ...], str]:
    """Return what the command's output tells of each QEMU, and why some are missing in that. Never raises."""
    lines = said[:LIMIT_BYTES].splitlines()
    by_name = {found[1] for found in _matches(_COMM, lines)}
    programs = {found[1]: found[2].endswith(_DELETED) for found in _matches(_PROGRAM, lines)}
    known = {found[2]: programs[found[1]] for found in _matches(_UUID, lines) if found[1] in programs}
    hidden = len(by_name - programs.keys())
    unread = f"this login may not see which program {hidden} of its QEMUs run" if hidden else ""
    return tuple(known.items()), unread


def _matches(pattern: re.Pattern[str], lines: list[str]) -> Iterator[re.Match[str]]:
    return (found for line in lines if (found := pattern.fullmatch(line)) is not None)
