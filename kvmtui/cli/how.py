"""Options that say how a job goes through its VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kvmtui.cli.arguments import count, span
from kvmtui.model.job import Order

if TYPE_CHECKING:
    import argparse

    from kvmtui.model.job import How

_LIMITS = {
    "at_once": ("--at-once", "so many of its VMs at once"),
    "per_host": ("--per-host", "so many of them on one host"),
    "stop_after": ("--stop-after", "so many failures, and it waits for you"),
}
"""Field of How -> option, what it means; what may change while a job runs."""


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options for what may change while a job runs."""
    group = parser.add_argument_group("how much at once (usually as bulk: in the config says)")
    for field, (option, what) in _LIMITS.items():
        group.add_argument(option, dest=field, type=count, metavar="N", help=what)


def add_order(parser: argparse.ArgumentParser) -> None:
    """Add the options for what is settled when a job begins."""
    group = parser.add_argument_group("in which order")
    group.add_argument("--first", type=count, metavar="N", help="so many alone, the rest once they are done (0: none)")
    what = "host by host in turn, as they are listed, or by tags"
    group.add_argument("--order", choices=[order.value for order in Order], help=what)
    group.add_argument(
        "--ranks", metavar="TAG,TAG", help="by tags: db,app: those tagged db have ended before app begins"
    )
    group.add_argument("--rank-wait", dest="wait_s", type=span, metavar="SPAN", help="so long between two of them: 30s")


def wanted(options: argparse.Namespace, usual: How) -> How:
    """Return how a job is to go: ``usual`` with what the options say."""
    fields = ("first", "wait_s", *_LIMITS)
    given: dict[str, Any] = {field: getattr(options, field, None) for field in fields}
    if getattr(options, "ranks", None) is not None:
        given["ranks"] = tuple(tag.strip() for tag in options.ranks.split(",") if tag.strip())
        given["order"] = Order.TAGS
    if getattr(options, "order", None) is not None:
        given["order"] = Order(options.order)
    return replace(usual, **{field: value for field, value in given.items() if value is not None})
