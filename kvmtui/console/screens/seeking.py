"""The next thing that is wrong, on the screen or far from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kvmtui.wire.messages import ListRows

if TYPE_CHECKING:
    from kvmtui.console.feed import Feed
    from kvmtui.console.listing import Listing

_ROWS = 1_000
_PAGES = 40
_WRONG = 2
"""Severity from which something is wrong."""


async def seek(feed: Feed, listing: Listing, step: int) -> int | None:
    """Return the index of the next row below (``step`` 1) or above (-1) the cursor with something wrong.

    None if there is none, or none within 40,000 rows. Raises what the worker answers with.
    """
    query = msgspec.structs.replace(listing.query(), columns=("severity",), follow="")
    start = listing.cursor
    if step > 0:
        spans = [(first, _ROWS) for first in range(start + 1, listing.matched, _ROWS)]
    else:
        spans = [(max(0, end - _ROWS), min(end, _ROWS)) for end in range(start, 0, -_ROWS)]
    for first, count in spans[:_PAGES]:
        page = await feed.call(ListRows(query=msgspec.structs.replace(query, first=first, count=count)))
        wrong = [first + place for place, row in enumerate(page.rows) if (row[0] or 0) >= _WRONG]
        if wrong:
            return wrong[0] if step > 0 else wrong[-1]
    return None
