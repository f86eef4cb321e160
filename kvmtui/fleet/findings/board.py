"""All findings as they are now, found anew in rounds over the hosts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kvmtui.fleet.changes import Changes
from kvmtui.fleet.findings import fleet as of_fleet
from kvmtui.fleet.findings import hosts as of_hosts
from kvmtui.fleet.findings import vms as of_vms
from kvmtui.fleet.findings.rule import FleetFacts, Found, HostFacts, Rule, Unknown
from kvmtui.fleet.findings.words import MEANT_MAX, exactly, filled, listed
from kvmtui.model.checks import CHECKS
from kvmtui.model.finding import Finding
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kvmtui.fleet.known import KnownHost
    from kvmtui.model.checks import Check
    from kvmtui.model.vm import Vm

RULES: tuple[Rule, ...] = (*of_vms.RULES, *of_hosts.RULES, *of_fleet.RULES)
"""All of them."""
FINDINGS_MAX = 20_000
"""Findings that are kept; of more the rest is not told."""


class Board:
    """The findings. Belongs to the loop of its fleet."""

    def __init__(self) -> None:
        self.rows: dict[str, Finding] = {}
        """Id -> finding."""
        self.changes: Changes[str] = Changes()
        """Which of them changed since when."""
        self.checked_at: float | None = None
        """When the last round began that came to its end."""

    def round(
        self, known: Mapping[str, KnownHost], places: Mapping[str, tuple[str, ...]], now: float
    ) -> Iterator[None]:
        """Look for everything anew; it goes on from one host to the next each time it is asked.

        ``places`` are the hosts of the UUIDs that are on several. The findings change when it has come to its end.
        """
        found: dict[str, Finding] = {}
        unknown: dict[tuple[str, str], dict[str, Unknown]] = defaultdict(dict)
        hosts: dict[str, HostFacts] = {}
        for name, host in list(known.items()):
            facts = hosts[name] = HostFacts(host, now)
            if facts.is_up and not facts.same_as:
                for rule in RULES:
                    for finding in _on_host(rule, facts):
                        found[finding.id] = finding
                    for untold in rule.unknown(facts) if rule.unknown is not None else ():
                        unknown[rule.check.id, untold.why][name] = untold
            yield
        for (check_id, why), untold_of in unknown.items():
            finding = _untold(CHECKS[check_id], why, untold_of)
            found[finding.id] = finding
        for rule in RULES:
            if rule.of_fleet is not None:
                for each in rule.of_fleet(FleetFacts(hosts, places)):
                    finding = _finding(rule.check, each)
                    found[finding.id] = finding
            yield
        self._replace(found)
        self.checked_at = now

    def _replace(self, found: Mapping[str, Finding]) -> None:
        if len(found) > FINDINGS_MAX:
            worst_first = sorted(found.values(), key=lambda finding: -finding.severity)
            found = {finding.id: finding for finding in worst_first[:FINDINGS_MAX]}
        for ident in self.rows.keys() - found.keys():
            del self.rows[ident]
            self.changes.mark(ident)
        for ident, finding in found.items():
            if self.rows.get(ident) != finding:
                self.rows[ident] = finding
                self.changes.mark(ident)
        self.changes.prune(self.rows, len(self.rows))


def _on_host(rule: Rule, facts: HostFacts) -> Iterator[Finding]:
    """Return what a rule finds on a host; what is true of many of its VMs as one."""
    check = rule.check
    if rule.of_host is None:
        return
    alike: dict[tuple[str, int], list[Found]] = {}
    for found in rule.of_host(facts):
        if found.vm is None:
            yield _finding(check, found, facts.name, facts)
        else:
            alike.setdefault((found.group or check.group, found.severity), []).append(found)
    for (group, severity), several in alike.items():
        if len(several) <= check.most_alone:
            yield from (_finding(check, found, facts.name, facts) for found in several)
            continue
        vms = [found.vm for found in several if found.vm is not None]
        for first in range(0, len(vms), MEANT_MAX):
            yield _together(check, group, severity, vms[first : first + MEANT_MAX], facts)


def _together(check: Check, group: str, severity: int, vms: Sequence[Vm], facts: HostFacts) -> Finding:
    return Finding(
        id=f"{check.id}/{facts.name}/{severity}/{vms[0].uuid}",
        check=check.id,
        host=facts.name,
        name=plural(len(vms), "VM"),
        text=f"{plural(len(vms), 'VM')} {group}: {listed([vm.name for vm in vms])}",
        remedy=filled(check.remedy, facts.host.uri),
        severity=severity or check.severity,
        count=len(vms),
        filter=exactly(facts.name, vms, facts.vms),
    )


def _finding(check: Check, found: Found, host: str = "", facts: HostFacts | None = None) -> Finding:
    vm = found.vm
    host = vm.host if vm is not None else host or found.host
    told = found.filter
    if vm is not None and not told and facts is not None:
        told = exactly(host, [vm], facts.vms)
    return Finding(
        id="/".join(part for part in (check.id, host, vm.uuid if vm is not None else found.which) if part),
        check=check.id,
        host=host,
        uuid=vm.uuid if vm is not None else "",
        name=vm.name if vm is not None else host or "fleet",
        text=found.text,
        remedy=check.remedy if facts is None else filled(check.remedy, facts.host.uri, vm, found.snapshot),
        severity=found.severity or check.severity,
        known=not check.is_doubt,
        count=found.count,
        filter=told,
    )


def _untold(check: Check, why: str, unknown: Mapping[str, Unknown]) -> Finding:
    """Return the finding that something is not known, of all hosts for the same reason."""
    names = list(unknown)
    count = sum(each.count for each in unknown.values())
    return Finding(
        id=f"{check.id}/unknown/{why}",
        check=check.id,
        host=names[0] if len(names) == 1 else "",
        name=names[0] if len(names) == 1 else plural(len(names), "host"),
        text=f"{check.title}{'' if check.is_doubt else ': not known'} on {listed(names)}: {why}",
        remedy=check.remedy if check.is_doubt else "",
        severity=1,
        known=False,
        count=count,
    )
