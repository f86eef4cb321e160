"""When a host is asked what: periods, groups, pieces, so that asking never hurts it.

Pure bookkeeping on the loop's time; ``host`` makes the calls and tells how they went.
"""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.hosts.held import MOST, HeldCalls
from kvmtui.hosts.hypervisor import ALL_GROUPS, FREE_GROUPS, Control

if TYPE_CHECKING:
    from kvmtui.config import Periods

SHARE = 0.1
"""Of libvirtd's time, at most this much is ours."""
CALL_MAX_S = 1.0
"""A call counts as no more than this: what takes longer was waiting, for a VM that something else held."""
PIECE_MAX = 128
"""VMs in one call: what is asked often gets its turn in between."""
PIECE_MIN = 4
PIECE_S = 0.5
"""How long one call may be expected to take; pieces are made smaller on slow hosts."""
SAMPLE_DEADLINE_S = 4.0
LIST_DEADLINE_S = 3.0
LIST_DEADLINE_MAX_S = 10.0
"""For hosts a long way off: a listing is five round trips."""
PATIENT_S = 30.0
"""Deadline of a call that waits for no monitor while one call is left behind: if something holds a VM itself (libvirt
does so for ten seconds while it kills a QEMU that is stopped), each call that is ended leaves one more behind."""
ENDLESS_S = 86_400.0
"""And while two are: it ends with the connection, whose keep-alive goes on meanwhile."""
CHECK_DEADLINE_S = 3.0
CHECK_S = 1.2
"""Between two looks at the monitors of VMs that hold a call: longer than ``held.STUCK_MS``."""
EVENT_LIST_S = 0.1
"""An event is followed by a listing after so long, for more of them usually come together."""
LIST_MIN_S = 0.25
DRIFT = 0.5
"""By so much of it, more or less, a stretched period is another one each time: hosts that all came up at once are not
asked at once for ever."""
SECOND_ROUND_S = 1.0
"""The second round comes early: two samples make a rate."""


class Kind(enum.Enum):
    """What to ask."""

    LIST = enum.auto()
    CHECK = enum.auto()
    """How the monitors are of ``held.to_ask()``."""
    WATCHED = enum.auto()
    OTHERS = enum.auto()


class Task(NamedTuple):
    """One call to make now."""

    kind: Kind
    deadline_s: float
    uuids: frozenset[str] | None = None
    """The VMs whose statistics are wanted; None: all that are active."""
    groups: int = 0

    @property
    def waits(self) -> bool:
        """A monitor that does not answer would hold it."""
        return self.groups & ~FREE_GROUPS != 0


class _Round:
    """All VMs of one kind, asked piece by piece; the next round begins when this one is over and its time has come."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.due = 0.0
        """When it begins, or began if it is under way."""
        self.left: list[str] = []
        """VMs still to be asked."""
        self.number = 0

    def restart(self, now: float) -> None:
        self.due, self.left, self.number = now, [], 0

    def begin(self, uuids: list[str]) -> None:
        self.left = uuids
        self.number += 1

    def asked(self, uuids: frozenset[str] | None) -> None:
        self.left = [uuid for uuid in self.left if uuid not in uuids] if uuids is not None else []


class Poller:
    """The polls of one host: one call at a time, never more than SHARE of its time. Times are the loop's."""

    def __init__(self, periods: Periods, held: HeldCalls) -> None:
        self.periods = periods
        self.changed = asyncio.Event()
        """Set when something else than before may be next."""
        self.pace = 1.0
        """Factor on the periods of what nobody looks at: how far the fleet has outgrown the worker."""
        self.held = held
        self._drift = 1.0
        self._active: tuple[str, ...] = ()
        self._watched: frozenset[str] = frozenset()
        self._list_at = 0.0
        self._listed_at = float("-inf")
        self._check_at = 0.0
        self._rounds = (_Round(Kind.WATCHED), _Round(Kind.OTHERS))
        self._sample_at = 0.0
        """No statistics before: our share of the host's time is used up until then."""
        self._vm_s = 0.004
        """What one VM costs, as last measured."""
        self._piece = PIECE_MAX
        self._trip_s = 0.0
        self._blind = 0
        """Calls ended since the last listing that no monitor can have held."""

    def restart(self, now: float) -> None:
        """Begin anew after a connect: list at once, then two rounds."""
        self._list_at = self._check_at = now
        for each in self._rounds:
            each.restart(now)

    def watch(self, uuids: frozenset[str], now: float) -> None:
        """These VMs are on a screen."""
        watched = self._rounds[0]
        if not uuids <= self._watched and not watched.left:
            watched.due = min(watched.due, now)
            self.changed.set()
        self._watched = uuids

    @property
    def watched(self) -> frozenset[str]:
        """The VMs that are on a screen."""
        return self._watched

    def event(self, now: float) -> None:
        """Something happened there: list soon."""
        self._list_at = min(self._list_at, max(now + EVENT_LIST_S, self._listed_at + LIST_MIN_S))
        self.changed.set()

    @property
    def is_blind(self) -> bool:
        """Not even states are told: nothing that only looks may be asked."""
        return self._blind > 0 and self._left_behind >= MOST

    @property
    def _left_behind(self) -> int:
        return self._blind + len(self.held)

    def _patience_s(self, deadline_s: float) -> float:
        """The deadline of a call that waits for no monitor: what has been left behind makes it a longer one."""
        return (deadline_s, PATIENT_S, ENDLESS_S)[min(self._left_behind, 2)]

    def blinded(self, now: float) -> None:
        """A call was ended without an answer that no monitor can have held: only a listing may follow."""
        self._blind += 1
        self._list_at = min(self._list_at, now)
        self.changed.set()

    def blame(self, uuid: str) -> None:
        """An act on this VM was ended without an answer."""
        self.held.add((uuid,))
        self._check_at = 0.0
        self.changed.set()

    def next(self, now: float) -> Task | float:
        """Return the call to make now, or the time at which to ask again."""
        if now >= self._list_at:
            deadline_s = min(LIST_DEADLINE_MAX_S, max(LIST_DEADLINE_S, 25 * self._trip_s))
            return Task(Kind.LIST, self._patience_s(deadline_s))
        wake = self._list_at
        if self._blind:
            return wake
        if self.held:
            if now >= self._check_at:
                return Task(Kind.CHECK, self._patience_s(CHECK_DEADLINE_S))
            wake = min(wake, self._check_at)
        if now < self._sample_at:
            return min(wake, self._sample_at)
        groups = FREE_GROUPS if self.held.full or self.held.unsure else ALL_GROUPS
        skipped = self.held.skipped(now) if groups == ALL_GROUPS else frozenset[str]()
        for each in sorted(self._rounds, key=lambda each: (each.due - now) / self._period_s(each)):
            if not each.left and now >= each.due:
                watched = each.kind is Kind.WATCHED
                each.begin([uuid for uuid in self._active if (uuid in self._watched) is watched])
            if skipped:
                each.asked(skipped)
            if each.left:
                size = max(PIECE_MIN, min(self._piece, int(PIECE_S / self._vm_s)))
                uuids = None if size >= len(each.left) == len(self._active) else frozenset(each.left[:size])
                waits = groups == ALL_GROUPS
                deadline_s = SAMPLE_DEADLINE_S if waits else self._patience_s(SAMPLE_DEADLINE_S)
                return Task(each.kind, deadline_s, uuids, groups)
            if now >= each.due:  # nobody to ask
                each.due = now + self._period_s(each)
            wake = min(wake, each.due)
        return wake

    def listed(self, began: float, spent_s: float, trip_s: float, active: Iterable[str]) -> None:
        """A listing came back: it cost ``spent_s`` of the host's time, and the way there and back takes ``trip_s``."""
        self._active = tuple(active)
        self._blind = 0
        self._trip_s = trip_s
        self._listed_at = began
        self._list_at = began + max(self._stretched_s(self.periods.state_s), min(spent_s, CALL_MAX_S) / SHARE)
        self._spend(began, spent_s)

    def sampled(self, task: Task, began: float, took_s: float, count: int) -> None:
        """Statistics of ``count`` VMs came back after ``took_s``."""
        spent_s = max(0.0, took_s - self._trip_s)
        self._spend(began, spent_s)
        if count and task.waits:
            self._vm_s = max(1e-5, spent_s / count)
            self._piece = min(PIECE_MAX, self._piece * 2)
        self._asked(task, began)

    def checked(self, answers: Mapping[str, Control | None], began: float, now: float) -> None:
        """What controlInfo says of some VMs came back."""
        before = len(self.held)
        self.held.learn(answers, now)
        self._check_at = began + CHECK_S
        if len(self.held) < before:
            for each in self._rounds:
                each.due = min(each.due, now)

    def ended(self, task: Task, began: float, now: float) -> None:
        """A call was ended by its deadline: whom it asked about may be to blame."""
        self._check_at = now
        if not task.waits:
            self.blinded(now)
        if task.kind in {Kind.WATCHED, Kind.OTHERS}:
            self._spend(now, PIECE_S)
            self._piece = max(PIECE_MIN, self._piece // 2)
            if task.waits:
                self.held.add(uuid for uuid in self._active if task.uuids is None or uuid in task.uuids)
            self._asked(task, began)

    def failed(self, task: Task, began: float) -> None:
        """A call was refused by libvirt."""
        if task.kind is Kind.CHECK:
            self._check_at = began + CHECK_S
        elif task.kind is not Kind.LIST:
            self._asked(task, began)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _spend(self, began: float, spent_s: float) -> None:
        self._sample_at = max(self._sample_at, began) + min(spent_s, CALL_MAX_S) / SHARE

    def _period_s(self, each: _Round) -> float:
        if each.kind is Kind.WATCHED:
            return self.periods.watched_s
        period_s = self._stretched_s(self.periods.others_s)
        return min(period_s, SECOND_ROUND_S) if each.number == 1 else period_s

    def _stretched_s(self, period_s: float) -> float:
        return period_s * (1 + (self.pace - 1) * self._drift)

    def _asked(self, task: Task, began: float) -> None:
        self._drift = random.uniform(1 - DRIFT, 1 + DRIFT)
        each = self._rounds[0 if task.kind is Kind.WATCHED else 1]
        each.asked(task.uuids)
        if not each.left:
            each.due = max(each.due + self._period_s(each), began)
