"""Where the panes of the main screen stand."""

from __future__ import annotations

from typing import NamedTuple

PANES = ("hosts", "vms", "metrics", "tasks")
"""In the order of their numbers."""
WIDE = 100
"""Columns from which panes stand side by side."""
_TALL = 18
"""Lines from which a pane at the bottom is worth its frame."""
_ROOMY = 5
"""Lines a lone pane must have to be worth a title of its own."""


class Box(NamedTuple):
    """A rectangle of the screen."""

    x: int
    y: int
    width: int
    height: int


class Frame(NamedTuple):
    """A way to divide the screen."""

    boxes: dict[str, Box]
    """Pane -> its place; panes that are not there are not shown."""
    framed: bool
    """Lines are drawn around the panes."""

    def rows(self, pane: str) -> int:
        """Return how many rows of a table a pane has room for."""
        box = self.boxes.get(pane)
        return 0 if box is None else rows_of(box.height, framed=self.framed)


def whole(width: int, height: int) -> Box:
    """Return what is between first and last line of a screen."""
    lines = max(0, height - 2) if height > 2 else max(0, height - 1)
    return Box(0, 1 if height > 1 else 0, width, lines)


def foot_of(height: int) -> int:
    """Return how many of so many lines go to what is said under a table: none where they are few."""
    return max(5, min(9, height // 3)) if height >= 14 else 0


def rows_of(height: int, *, framed: bool) -> int:
    """Return how many rows of a table ``height`` lines hold, less frame or title, and the titles of the columns."""
    if framed:
        return max(0, height - 3)
    return max(1, height - (2 if height >= _ROOMY else 0)) if height > 0 else 0


def has_title(height: int, *, framed: bool) -> bool:
    """Return whether a pane has a line for its title and one for the titles of its columns."""
    return framed or height >= _ROOMY


def divide(width: int, height: int, *, pane: str, bottom: str, zoomed: bool) -> Frame:
    """Return where the panes stand between first and last line of a screen.

    ``pane`` is the one in which keys act, ``bottom`` the one of metrics and tasks that is shown below the others.
    """
    middle = whole(width, height)
    _, top, _, lines = middle
    if width < WIDE:
        return Frame({pane: middle}, framed=False)
    if zoomed:
        return Frame({pane: middle}, framed=True)
    below = max(6, min(14, lines // 3)) if lines >= _TALL else 0
    if not below and pane in {"metrics", "tasks"}:
        return Frame({pane: middle}, framed=True)
    upper = lines - below
    left = min(45, max(33, width * 27 // 100))
    boxes = {"hosts": Box(0, top, left, upper), "vms": Box(left, top, width - left, upper)}
    if below:
        boxes[bottom] = Box(0, top + upper, width, below)
    return Frame(boxes, framed=True)
