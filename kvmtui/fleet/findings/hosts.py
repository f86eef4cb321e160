"""Rules that find what is true of a host by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.fleet.findings.rule import Found, HostFacts, Rule, Unknown
from kvmtui.fleet.findings.vms import STALE_S
from kvmtui.fleet.findings.words import place
from kvmtui.model.checks import CHECKS, SKEW_S
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator


def _clock_skew(facts: HostFacts) -> Iterator[Found]:
    inspected = facts.inspected
    if inspected is None or inspected.ahead_s is None or facts.now - inspected.at >= STALE_S:
        return
    ahead_s, error_s = inspected.ahead_s, inspected.error_s
    if abs(ahead_s) - error_s > SKEW_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        yield Found(f"its clock is {_seconds(abs(ahead_s))} {way} this machine's (± {error_s:.2g} s)", count=0)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1_000 else f"{seconds / 3600:,.1f} h"


def _unknown_clock(facts: HostFacts) -> Unknown | None:
    if not facts.is_machine:
        return None
    inspected = facts.inspected
    if inspected is None:
        return Unknown("the host has not been looked at yet", 1)
    if facts.now - inspected.at >= STALE_S:
        return Unknown("the host was looked at too long ago", 1)
    return Unknown(inspected.unread or "it does not tell the time", 1) if inspected.ahead_s is None else None


def _not_surveyed(facts: HostFacts) -> Iterator[Found]:
    missing = [vm.uuid for vm in facts.vms if vm.uuid not in facts.definitions]
    if not missing:
        return
    failed = [facts.unread[uuid] for uuid in missing if uuid in facts.unread]
    why = f"{len(failed)} of them cannot be: {failed[0]}" if failed else "their turn comes"
    text = f"{len(missing)} of {plural(len(facts.vms), 'definition')} not read yet, {why}"
    filter_text = f"host:{place(facts.name)}" if len(missing) == len(facts.vms) else ""
    yield Found(text, count=len(missing), filter=filter_text)


RULES = (
    Rule(CHECKS["clock-skew"], _clock_skew, unknown=_unknown_clock),
    Rule(CHECKS["not-surveyed"], _not_surveyed),
)
