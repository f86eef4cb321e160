"""Rules that find what is true of hosts beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.fleet.findings.rule import FleetFacts, Found, Rule
from kvmtui.fleet.findings.words import listed, place
from kvmtui.model.checks import CHECKS
from kvmtui.model.vm import ACTIVE, VmState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.model.vm import Vm

_MIGRATES = frozenset({"migrating", "starting up", "post-copy"})
"""Reasons of a paused VM that is on its way: it is on two hosts for a while, as it should be."""


def _twice_defined(facts: FleetFacts) -> Iterator[Found]:
    for uuid, names in facts.namesakes.items():
        hosts = [facts.hosts[name] for name in names if name in facts.hosts]
        vms = [host.rows[uuid] for host in hosts if not host.same_as and uuid in host.rows]
        known = [vm for vm in vms if vm.state is not VmState.UNKNOWN]
        if len(known) < 2 or any(vm.state is VmState.PAUSED and vm.state_reason in _MIGRATES for vm in known):
            continue
        first = min(known, key=lambda vm: (vm.state not in ACTIVE, vm.host))
        others = [vm for vm in known if vm is not first]
        severity = 3 if sum(vm.state in ACTIVE for vm in known) > 1 else 2
        text = f"is defined on {listed([_where(vm) for vm in others])} too, here {first.state.value}"
        yield Found(text, first, severity, filter=f"uuid:{place(uuid)}", count=len(known))


def _where(vm: Vm) -> str:
    return f"{vm.host} ({vm.state.value})"


def _same_host(facts: FleetFacts) -> Iterator[Found]:
    others: dict[str, list[str]] = {}
    for host in facts.hosts.values():
        if host.same_as:
            others.setdefault(host.same_as, []).append(host.name)
    for first, names in others.items():
        text = f"{first} and {listed(names)} are one host, by libvirt's UUID of it ({facts.hosts[first].host_uuid})"
        yield Found(text, count=1 + len(names), host=first)


def _versions(facts: FleetFacts) -> Iterator[Found]:
    of: dict[tuple[str, str], list[str]] = {}
    for host in facts.hosts.values():
        if host.is_up and host.identity is not None and host.is_machine and not host.same_as:
            of.setdefault((host.identity.libvirt, host.identity.hypervisor), []).append(host.name)
    if len(of) < 2:
        return
    rarest_first = sorted(of.items(), key=lambda item: (len(item[1]), item[0]))
    told = [f"libvirt {libvirt}, {qemu} on {listed(names)}" for (libvirt, qemu), names in rarest_first[:_TOLD]]
    more = f" · … {len(of) - _TOLD} more" if len(of) > _TOLD else ""
    yield Found(f"{len(of)} versions: {' · '.join(told)}{more}", count=sum(map(len, of.values())))


_TOLD = 4
"""Versions that are told of."""


RULES = (
    Rule(CHECKS["twice-defined"], of_fleet=_twice_defined),
    Rule(CHECKS["same-host"], of_fleet=_same_host),
    Rule(CHECKS["versions"], of_fleet=_versions),
)
