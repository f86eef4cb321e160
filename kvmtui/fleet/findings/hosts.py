"""Rules that find what hosts tell of themselves, or do not tell."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from kvmtui.fleet.findings.rule import FleetFacts, Found, HostFacts, Rule, Unknown
from kvmtui.fleet.findings.vms import STALE_S
from kvmtui.fleet.findings.words import listed, place
from kvmtui.model.checks import CHECKS, SKEW_S
from kvmtui.model.host import LinkState
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.hosts.reports import Inspected

_FEW = 3
"""So many hosts, or reasons, are told one by one."""

# --- clocks ---------------------------------------------------------------------------------------------------------


def _measured(facts: HostFacts) -> Inspected | None:
    """Return what was measured of a host's clock lately, None if nothing was."""
    inspected = facts.inspected
    if inspected is None or inspected.ahead_s is None or facts.now - inspected.at >= STALE_S:
        return None
    return inspected


def _clock_skew(facts: FleetFacts) -> Iterator[Found]:
    measured = {
        name: (found.ahead_s or 0.0, found.error_s)
        for name, host in facts.hosts.items()
        if host.is_up and not host.same_as and (found := _measured(host)) is not None
    }
    off = {name: told for name, told in measured.items() if abs(told[0]) - told[1] > SKEW_S}
    ways = {ahead_s > 0 for ahead_s, _ in off.values()}
    if len(off) > _FEW and 2 * len(off) > len(measured) and len(ways) == 1:
        by_s = median(ahead_s for ahead_s, _ in off.values())
        way = "behind" if by_s > 0 else "ahead of"
        whose = f"{len(off)} of {len(measured)} hosts"
        yield Found(f"this machine's own clock is about {_seconds(abs(by_s))} {way} those of {whose}", count=len(off))
        return
    for name, (ahead_s, error_s) in off.items():
        way = "ahead of" if ahead_s > 0 else "behind"
        text = f"its clock is {_seconds(abs(ahead_s))} {way} this machine's (± {error_s:.2g} s)"
        yield Found(text, host=name, count=0)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1_000 else f"{seconds / 3600:,.1f} h"


def _unknown_clock(facts: HostFacts) -> Iterator[Unknown]:
    if not facts.is_machine or _measured(facts) is not None:
        return
    inspected = facts.inspected
    if inspected is None:
        yield Unknown("the host has not been looked at yet", 1)
    elif facts.now - inspected.at >= STALE_S:
        yield Unknown("the host was looked at too long ago", 1)
    else:
        yield Unknown(inspected.unread or "it does not tell the time", 1)


# --- what is not there to be looked at ------------------------------------------------------------------------------


def _not_surveyed(facts: HostFacts) -> Iterator[Unknown]:
    missing = [vm.uuid for vm in facts.vms if vm.uuid not in facts.definitions]
    failed = Counter(facts.unread[uuid] for uuid in missing if uuid in facts.unread)
    for why, count in failed.most_common(_FEW):
        yield Unknown(why, count)
    if others := failed.total() - sum(count for _, count in failed.most_common(_FEW)):
        yield Unknown("other reasons", others)
    if waiting := len(missing) - failed.total():
        yield Unknown("their turn comes", waiting)


def _out_of_sight(facts: FleetFacts) -> Iterator[Found]:
    by_state: dict[LinkState, list[HostFacts]] = {}
    for host in facts.hosts.values():
        if not host.is_up and host.host.link is not LinkState.UP and not host.same_as:
            by_state.setdefault(host.host.link, []).append(host)
    for state, hosts in by_state.items():
        if len(hosts) > _FEW:
            count = sum(len(host.vms) for host in hosts)
            names = listed([host.name for host in hosts])
            yield Found(
                f"{state.value}: nothing is known of {names}, {plural(count, 'VM')} in all",
                count=count,
                which=state.value,
            )
            continue
        for host in hosts:
            what = f"its {plural(len(host.vms), 'VM')}" if host.vms else "it"
            text = f"{state.value}: nothing is known of {what}"
            yield Found(text, count=len(host.vms), host=host.name, filter=f"host:{place(host.name)}")


RULES = (
    Rule(CHECKS["clock-skew"], of_fleet=_clock_skew, unknown=_unknown_clock),
    Rule(CHECKS["not-surveyed"], unknown=_not_surveyed),
    Rule(CHECKS["out-of-sight"], of_fleet=_out_of_sight),
)
