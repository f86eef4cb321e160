"""What one client follows, each with the moment it may be sent next."""

from __future__ import annotations

import enum
import logging
import time
from typing import TYPE_CHECKING, Protocol

from kvmtui.errors import UsageError
from kvmtui.wire.messages import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.wire.messages import Answer

VIEWS_MAX = 32
"""Windows, series and the like that one client may follow."""
_SHARE = 4.0
"""A view rests for this many times what the last updates of all views of all clients took: together they take at most a
quarter of the loop."""

log = logging.getLogger(__name__)


class More(enum.Enum):
    """What a view returns that is not done yet: it is asked again after whatever else there is to do."""

    MORE = enum.auto()


class View(Protocol):
    """Something a client follows; computed when its client can take it, so it is never sent late."""

    @property
    def topics(self) -> frozenset[str]:
        """What it shows changes with these."""
        ...

    @property
    def period_s(self) -> float:
        """It is not sent more often."""
        ...

    def fetch(self) -> Answer | More | None:
        """Return what has changed since the last fetch, or None; MORE if that takes longer than others can wait."""


class _Followed:
    """A view with the moment from which it may be sent."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.stirred = True
        self.due = 0.0
        self.took_s = 0.0
        """What its present update has taken so far."""
        self.cost_s = 0.0
        """What its last update took."""


class Views:
    """The views of one client by the client's own numbers. Times are of ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._followed: dict[int, _Followed] = {}

    def __len__(self) -> int:
        return len(self._followed)

    @property
    def cost_s(self) -> float:
        """What the last updates of all of them took together."""
        return sum(followed.cost_s for followed in self._followed.values())

    def get(self, number: int) -> View | None:
        """Return the view of that number, or None."""
        followed = self._followed.get(number)
        return followed.view if followed else None

    def all(self) -> list[View]:
        """Return all of them."""
        return [followed.view for followed in self._followed.values()]

    def follow(self, number: int, view: View) -> None:
        """Take ``view`` in the place of what had that number; it is due at once. Raises UsageError: too many."""
        if number not in self._followed and len(self._followed) >= VIEWS_MAX:
            raise UsageError(f"a client may follow {VIEWS_MAX} windows at a time", remedy="close one first")
        self._followed[number] = _Followed(view)

    def unfollow(self, number: int) -> None:
        """Forget the view of that number, if there is one."""
        self._followed.pop(number, None)

    def clear(self) -> None:
        """Forget them all."""
        self._followed.clear()

    def stir(self, topics: frozenset[str]) -> None:
        """Mark the views on these topics as changed."""
        for followed in self._followed.values():
            if not followed.stirred and not followed.view.topics.isdisjoint(topics):
                followed.stirred = True

    def due(self) -> float | None:
        """Return the moment from which the next changed view may be sent, or None if none has changed."""
        return min((followed.due for followed in self._followed.values() if followed.stirred), default=None)

    def fetch(self, cost_in_all_s: Callable[[], float]) -> Answer | None:
        """Compute the changed view that is longest due; None if there is none, or nothing of it differs.

        ``cost_in_all_s`` gives what the last updates of all views of all clients took. A view that fails is closed,
        which the client is told.
        """
        began = self._clock()
        waiting = [item for item in self._followed.items() if item[1].stirred and item[1].due <= began]
        if not waiting:
            return None
        number, followed = min(waiting, key=lambda item: item[1].due)
        followed.stirred = False
        try:
            answer = followed.view.fetch()
        except Exception:
            log.exception("window %d", number)
            self.unfollow(number)
            return Note(text=f"window {number} failed and was closed: the worker's log says why", severity=3)
        ended = self._clock()
        followed.took_s += ended - began
        if answer is More.MORE:
            followed.stirred, followed.due = True, ended
            return None
        followed.cost_s, followed.took_s = followed.took_s, 0.0
        followed.due = ended + max(followed.view.period_s, cost_in_all_s() * _SHARE)
        return answer
