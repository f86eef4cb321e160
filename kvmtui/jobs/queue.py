"""The steps of a job that have not begun, in the order in which they will."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from kvmtui.model.job import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kvmtui.model.job import Target


class Queue:
    """Numbers of steps, rank by rank; in a rank host by host in turn, or as they were given."""

    def __init__(self, order: Order, targets: Sequence[Target], numbers: Iterable[int]) -> None:
        self._targets = targets
        self._is_by_host = order is not Order.MARKED
        ranks: dict[int, OrderedDict[str, deque[int]]] = {}
        self._length = 0
        for number in numbers:
            ranks.setdefault(targets[number].rank, OrderedDict()).setdefault(self._row(number), deque()).append(number)
            self._length += 1
        self._ranks = deque(sorted(ranks.items()))

    def __len__(self) -> int:
        return self._length

    @property
    def rank(self) -> int:
        """The rank whose turn it is; there must be a step."""
        return self._ranks[0][0]

    @property
    def ranks(self) -> int:
        """How many ranks there are steps of."""
        return len(self._ranks)

    def take(self, has_room: Callable[[str], bool]) -> int | None:
        """Take the next step, on a host that has room; None if there is none now."""
        if not self._ranks:
            return None
        rows = self._ranks[0][1]
        for row, numbers in rows.items():
            if has_room(self._targets[numbers[0]].host):
                number = numbers.popleft()
                self._length -= 1
                if numbers:
                    rows.move_to_end(row)
                else:
                    del rows[row]
                if not rows:
                    self._ranks.popleft()
                return number
        return None

    def put_back(self, number: int) -> None:
        """A step that was taken has not begun: it is the next of its row again."""
        rank = self._targets[number].rank
        if not self._ranks or self._ranks[0][0] != rank:
            self._ranks.appendleft((rank, OrderedDict()))
        self._ranks[0][1].setdefault(self._row(number), deque()).appendleft(number)
        self._length += 1

    def _row(self, number: int) -> str:
        return self._targets[number].host if self._is_by_host else ""
