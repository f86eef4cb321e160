"""What a client may ask of the way a job goes."""

from __future__ import annotations

from msgspec.structs import replace

from kvmtui import text
from kvmtui.errors import UsageError
from kvmtui.model.job import (
    AT_ONCE_MAX,
    FIRST_MAX,
    PER_HOST_MAX,
    RANKS_MAX,
    STOP_AFTER_MAX,
    WAIT_MAX_S,
    How,
    Order,
)

_RANGES: dict[str, tuple[float, float]] = {
    "first": (0, FIRST_MAX),
    "at_once": (1, AT_ONCE_MAX),
    "per_host": (1, PER_HOST_MAX),
    "wait_s": (0, WAIT_MAX_S),
    "stop_after": (1, STOP_AFTER_MAX),
}
"""Field -> the least and the most it may be."""
CHANGEABLE = ("at_once", "per_host", "stop_after")
"""What may change while a job runs."""


def checked(how: How) -> How:
    """Return what a client wants, fit to be acted upon. Raises UsageError."""
    for field, (low, high) in _RANGES.items():
        value = getattr(how, field)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{_said(field)} is {low:g} to {high:g}", where=f"{value:g}")
    if len(how.ranks) > RANKS_MAX:
        raise UsageError(f"at most {RANKS_MAX} ranks")
    ranks = tuple(dict.fromkeys(text.clean(tag, text.NAME_MAX) for tag in how.ranks))
    if how.order is Order.TAGS and not any(ranks):
        raise UsageError("by rank of which tags?", remedy="--ranks db,app: the VMs tagged db come first, then app")
    return replace(how, ranks=ranks)


def changed(before: How, wanted: How) -> How:
    """Return the limits of a job that runs, as they are changed. Raises UsageError."""
    fixed = [name for name in How.__struct_fields__ if name not in CHANGEABLE]
    for field in fixed:
        if getattr(before, field) != getattr(wanted, field):
            raise UsageError(
                f"{_said(field)} cannot change while a job runs", remedy="abort it, and plan the rest anew"
            )
    return checked(wanted)


def difference(before: How, now: How) -> str:
    """Return what was changed, in words: "at once 8 → 4"."""
    told = [(name, getattr(before, name), getattr(now, name)) for name in CHANGEABLE]
    return ", ".join(f"{_said(name)} {_value(old)} → {_value(new)}" for name, old, new in told if old != new)


def _said(field: str) -> str:
    return {"wait_s": "wait"}.get(field, field.replace("_", " "))


def _value(value: int | None) -> str:
    return "as usual" if value is None else str(value)
