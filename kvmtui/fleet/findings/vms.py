"""Rules that find what is true of VMs, by what is known of their host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmtui.fleet.findings.rule import Found, HostFacts, Rule, Unknown
from kvmtui.fleet.findings.words import place
from kvmtui.hosts.inspection import PERIOD_S
from kvmtui.model.checks import CHECKS, OLD_SNAPSHOT_DAYS
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_S = 3 * PERIOD_S
"""What a shell told longer ago is not believed."""
_DROPS_CACHES = ((6, 0), (4, 0))
"""Versions of libvirt and QEMU from which on a disk of any cache mode can be migrated live: QEMU drops the host's cache
then, and qemuMigrationSrcIsSafe() knows that (QEMU_CAPS_MIGRATION_FILE_DROP_CACHE)."""
_DEFAULT = "default"
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")


# --- which program it runs ----------------------------------------------------------------------------------------


def _old_qemu(facts: HostFacts) -> Iterator[Found]:
    replaced = {uuid for uuid, is_replaced in _qemus(facts) if is_replaced}
    for vm in facts.running if replaced else ():
        if vm.uuid in replaced and _ran(vm.since, facts):
            yield Found(
                "runs a QEMU whose program was replaced since it was started: it is not the version installed", vm
            )


def _qemus(facts: HostFacts) -> tuple[tuple[str, bool], ...]:
    inspected = facts.inspected
    is_told = inspected is not None and facts.now - inspected.at < STALE_S
    return (inspected.qemus or ()) if inspected is not None and is_told else ()


def _ran(since: float | None, facts: HostFacts) -> bool:
    """Whether what was looked at is what runs now."""
    return since is None or facts.inspected is None or since <= facts.inspected.at


def _unknown_qemus(facts: HostFacts) -> Iterator[Unknown]:
    if not facts.is_machine:
        return
    looked_at = {uuid for uuid, _ in _qemus(facts)}
    missing = sum(vm.uuid not in looked_at and _ran(vm.since, facts) for vm in facts.running)
    if not missing:
        return
    if facts.inspected is None:
        yield Unknown("the host has not been looked at yet", missing)
    elif facts.now - facts.inspected.at >= STALE_S:
        yield Unknown("the host was looked at too long ago", missing)
    else:
        yield Unknown(facts.inspected.unread or "the process of the VM was not found", missing)


# --- what keeps it where it is -------------------------------------------------------------------------------------


def _cache_mode(facts: HostFacts) -> Iterator[Found]:
    refuses = not _drops_caches(facts)
    for vm in facts.vms:
        definition = facts.definitions.get(vm.uuid)
        if definition is None or not definition.caches:
            continue
        modes = [(target, mode) for target, mode in definition.caches if refuses or mode != _DEFAULT]
        if not modes:
            continue
        told = ", ".join(f"cache={mode} on {target}" for target, mode in modes)
        if any(mode == "unsafe" for _, mode in modes):
            more = "what its guest has written may be lost when the host crashes"
            yield Found(f"{told}: {more}", vm, 2, f"have cache=unsafe: {more}")
        elif refuses:
            more = "libvirt here refuses to migrate it live"
            yield Found(f"{told}: {more}", vm, 2, "have a cache mode with which libvirt here refuses a live migration")
        else:
            more = "only QEMU from 4.0 with libvirt from 6.0 migrates it live; older hosts refuse"
            yield Found(f"{told}: {more}", vm, 1, f"have a cache mode other than none: {more}")


def _drops_caches(facts: HostFacts) -> bool:
    identity = facts.identity
    if identity is None:
        return True  # nothing is said of what is not known
    for said, least in zip((identity.libvirt, identity.hypervisor), _DROPS_CACHES, strict=True):
        found = _VERSION.search(said)
        if found is not None and (int(found[1]), int(found[2])) < least:
            return False
    return True


def _host_device(facts: HostFacts) -> Iterator[Found]:
    for vm in facts.running:
        definition = facts.definitions.get(vm.uuid)
        if definition is not None and definition.is_pinned:
            yield Found("has devices of its host passed through: it cannot be migrated live", vm)


# --- what becomes of it ---------------------------------------------------------------------------------------------


def _transient(facts: HostFacts) -> Iterator[Found]:
    for vm in facts.running:
        if not vm.persistent and vm.owner == "":
            yield Found("runs without a definition: it is gone for good when it stops", vm)


def _no_autostart(facts: HostFacts) -> Iterator[Found]:
    if not any(vm.autostart for vm in facts.vms):
        return
    meant = [vm for vm in facts.running if not vm.autostart and vm.persistent and vm.owner == ""]
    if not meant:
        return
    more = ""
    if any(not vm.persistent for vm in facts.running):
        more += " persistent:yes"
    if any(vm.owner != "" for vm in facts.running):
        more += " !owner:?*"
    told = "runs and is" if len(meant) == 1 else "run and are"
    text = f"{plural(len(meant), 'VM')} {told} not started with the host, which starts others"
    yield Found(text, filter=f"host:{place(facts.name)} state:running auto:no{more}", count=len(meant))


def _old_snapshot(facts: HostFacts) -> Iterator[Found]:
    for vm in facts.vms:
        if not vm.has_snapshot or (definition := facts.definitions.get(vm.uuid)) is None:
            continue
        snapshot = definition.snapshot
        if snapshot is not None and facts.now - snapshot.at > 86_400 * OLD_SNAPSHOT_DAYS:
            days = int((facts.now - snapshot.at) // 86_400)
            yield Found(f"has a snapshot of {days} days ago: {snapshot.name}", vm, snapshot=snapshot.name)


def _unknown_snapshots(facts: HostFacts) -> Iterator[Unknown]:
    known = facts.definitions
    untold = sum(vm.has_snapshot and vm.uuid in known and known[vm.uuid].snapshot is None for vm in facts.vms)
    if untold:
        yield Unknown("the age of the snapshots is not told", untold)


RULES = (
    Rule(CHECKS["old-qemu"], _old_qemu, unknown=_unknown_qemus),
    Rule(CHECKS["cache-mode"], _cache_mode),
    Rule(CHECKS["host-device"], _host_device),
    Rule(CHECKS["no-autostart"], _no_autostart),
    Rule(CHECKS["transient"], _transient),
    Rule(CHECKS["old-snapshot"], _old_snapshot, unknown=_unknown_snapshots),
)
