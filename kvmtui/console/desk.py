"""The windows of the main screen, as they are opened first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.arrangement import Arrangement
from kvmtui.console.listing import Listing
from kvmtui.console.present.frame import divide
from kvmtui.console.present.looks import LOOKS
from kvmtui.wire.messages import OpenWindow

if TYPE_CHECKING:
    from kvmtui.console.memory import Remembered
    from kvmtui.console.present.looks import Look

HOSTS = 1
VMS = 2
JOBS = 3
SERIES = 4
DETAIL_VM = 5
DETAIL_SERIES = 6
DETAIL_JOBS = 7
FIRST_FREE = 100
"""Numbers of windows and series; those from FIRST_FREE on are given to whoever asks."""


def listings(remembered: Remembered) -> dict[str, Listing]:
    """Return the lists of the main screen by the names of their panes: as they were left, else what is wrong first."""
    return {name: listing_of(LOOKS[name], remembered) for name in WINDOWS}


def listing_of(look: Look, remembered: Remembered) -> Listing:
    """Return a list that shows rows of ``look``, ordered and with columns as it was left."""
    kept = look.fitting(remembered.tables.get(look.name, Arrangement(sort=look.sort)))
    listing = Listing(look.resource, look.needs(kept.columns), sort=kept.sort, descending=kept.descending)
    listing.chosen = kept.columns
    return listing


FIRST_PANE = "vms"
WINDOWS = {"hosts": HOSTS, "vms": VMS, "tasks": JOBS}
"""Pane -> number of its window."""


def first_requests(lists: dict[str, Listing], remembered: Remembered, width: int, height: int) -> list[OpenWindow]:
    """Return what ``lists`` ask for first on a terminal of this size, and have them take it for asked."""
    frame = divide(width, height, pane=FIRST_PANE, bottom=remembered.bottom, zoomed=remembered.zoomed)
    requests = []
    for pane, listing in lists.items():
        rows = frame.rows(pane)
        if rows:
            listing.resize(rows)
            requests.append(OpenWindow(window=WINDOWS[pane], query=listing.query()))
    return requests
