"""How a table is arranged: what narrows it, what orders it, which columns stand in it."""

from __future__ import annotations

import msgspec


class Arrangement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to look at a table; what a saved view consists of."""

    filter: str = ""
    scope: tuple[str, ...] = ()
    """Only these hosts."""
    only_wrong: bool = False
    sort: str = ""
    """A column's id; "" for the table's own order."""
    descending: bool = False
    columns: tuple[str, ...] = ()
    """Ids of the columns that somebody has chosen; () for the usual ones."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A saved way to look at one of the tables."""

    table: str
    """Name of the table (present.looks)."""
    arrangement: Arrangement
    about: str = ""


BUILT_IN: dict[str, View] = {
    "triage": View(table="vms", arrangement=Arrangement(filter="severity>1"), about="what is wrong"),
    "busy": View(
        table="vms",
        arrangement=Arrangement(filter="cpu>80 or steal>5", sort="cores", descending=True),
        about="VMs that are short of CPU",
    ),
    "recent": View(
        table="vms",
        arrangement=Arrangement(filter="since<1h", sort="since"),
        about="what changed just now",
    ),
}
"""Views that are there until somebody saves another under their name."""
