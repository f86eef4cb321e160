"""Each check fires where it is true, nowhere else; filters show exactly who is meant; what is not known is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet.findings import RULES
from kvmtui.fleet.findings.vms import STALE_S
from kvmtui.hosts.reports import Definition, Inspected, OldestSnapshot, Surveyed
from kvmtui.model.checks import CHECKS, OLD_SNAPSHOT_DAYS
from kvmtui.model.finding import Finding
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from tests.unit.fleet_world import World, listed, uuid

WRITEBACK = (("vda", "writeback"),)


def found(world: World, check: str = "") -> list[Finding]:
    """Return what a round of checks finds now, of one check or of all."""
    for _ in world.fleet.check():
        pass
    return [finding for finding in world.fleet.findings.rows.values() if check in {"", finding.check}]


def only(world: World, check: str) -> Finding:
    findings = found(world, check)
    assert len(findings) == 1, findings
    return findings[0]


def meant(world: World, finding: Finding) -> set[str]:
    """Return the UUIDs of the VMs that a finding's filter shows."""
    assert finding.filter
    return {vm.uuid for vm in world.fleet.matching(world.fleet.filter(finding.filter))}


def inspects(world: World, host: str, ahead_s: float | None = 0.0, error_s: float = 0.01, **more: Any) -> None:
    world.take(Inspected(host=host, at=world.now, ahead_s=ahead_s, error_s=error_s, **more))


def well(*hosts: str) -> World:
    """Hosts of which all is known, with one VM each (1, 2, …), of which nothing is wrong."""
    world = World(*hosts)
    for number, host in enumerate(hosts, 1):
        world.up(host, listed(number, autostart=True))
        world.identifies(host)
        world.surveys(host, number)
        inspects(world, host, qemus=((uuid(number), False),))
    return world


def test_of_a_fleet_that_is_well_nothing_is_found() -> None:
    assert found(well("kvm1", "kvm2")) == []


def test_every_check_has_its_words_and_a_rule() -> None:
    """One way to look; words that are short enough for a line or a table."""
    assert sorted(rule.check.id for rule in RULES) == sorted(CHECKS)
    assert all(rule.of_host is None or rule.of_fleet is None for rule in RULES)
    assert all(rule.of_host or rule.of_fleet or rule.unknown for rule in RULES)
    for check in CHECKS.values():
        assert check.title
        assert check.help.endswith(".")
        assert check.remedy
        assert 1 <= check.severity <= 3


# --- of VMs -------------------------------------------------------------------------------------------------------


def test_old_qemu() -> None:
    """The program was replaced under a running VM; not once it was started anew; not known of one that is hidden."""
    world = well("kvm1")
    inspects(world, "kvm1", qemus=((uuid(1), True),))
    told = only(world, "old-qemu")
    assert (told.uuid, told.name, told.count, told.severity) == (uuid(1), "vm-1", 1, 2)
    world.wait(5).tells("kvm1", 1, "stopped", VmState.OFF)
    assert found(world, "old-qemu") == []
    world.wait(5).tells("kvm1", 1, "started", VmState.RUNNING)
    assert found(world, "old-qemu") == [], "what was looked at is not what runs now"
    world.wait(60)
    inspects(world, "kvm1", qemus=(), unread="this login may not see it")
    told = only(world, "old-qemu")
    assert not told.known
    assert "not known on kvm1: this login may not see it" in told.text
    assert (told.host, told.count, told.severity, told.filter) == ("kvm1", 1, 1, "")
    world.wait(STALE_S + 1)
    assert "too long ago" in only(world, "old-qemu").text


@pytest.mark.parametrize(
    ("libvirt", "hypervisor", "caches", "severity", "words"),
    [
        ("9.0.0", "QEMU 7.2.22", WRITEBACK, 1, "cache=writeback on vda"),
        ("9.0.0", "QEMU 7.2.22", (("vda", "default"),), 0, ""),
        ("4.5.0", "QEMU 7.2.22", (("vda", "default"),), 2, "libvirt here refuses"),
        ("9.0.0", "QEMU 2.12.0", WRITEBACK, 2, "libvirt here refuses"),
        ("9.0.0", "QEMU 7.2.22", (*WRITEBACK, ("vdb", "unsafe")), 2, "may be lost"),
        ("9.0.0", "QEMU 7.2.22", (), 0, ""),
    ],
)
def test_cache_mode(libvirt: str, hypervisor: str, caches: Any, severity: int, words: str) -> None:
    """What libvirt does with it depends on its version; what was chosen is told, what nobody chose only if it hurts."""
    world = well("kvm1")
    world.identifies("kvm1", libvirt=libvirt, hypervisor=hypervisor)
    world.surveys("kvm1", 1, caches=caches)
    findings = found(world, "cache-mode")
    assert [finding.severity for finding in findings] == [severity] * bool(severity)
    assert all(words in finding.text for finding in findings)


def test_no_autostart() -> None:
    """Where the host starts others: one finding a host, of those that run, have a definition and no owner."""
    world = well("kvm1", "kvm2")
    off = VmState.OFF
    world.lists("kvm1", listed(1), listed(11, off))
    assert found(world, "no-autostart") == [], "that host starts none"
    defined = (listed(21), listed(22), listed(23, off), listed(25))
    world.wait(1).lists("kvm2", listed(2, autostart=True), *defined, listed(24, persistent=False))
    for number, owner in ((21, ""), (22, ""), (25, "nova")):
        world.surveys("kvm2", number, owner=owner)
    told = only(world, "no-autostart")
    assert (told.host, told.name, told.count, told.uuid) == ("kvm2", "kvm2", 2, "")
    assert told.filter == "host:kvm2 state:running auto:no persistent:yes !owner:?*"
    assert meant(world, told) == {uuid(21), uuid(22)}


def test_transient() -> None:
    """Gone when it stops; not where an owner makes it anew."""
    world = well("kvm1")
    world.lists("kvm1", listed(1, persistent=False))
    assert only(world, "transient").uuid == uuid(1)
    world.surveys("kvm1", 1, owner="KubeVirt")
    assert found(world, "transient") == []


def test_host_device() -> None:
    world = well("kvm1")
    world.surveys("kvm1", 1, is_pinned=True)
    assert only(world, "host-device").name == "vm-1"
    world.wait(1).tells("kvm1", 1, "stopped", VmState.OFF)
    assert found(world, "host-device") == []


def test_old_snapshot() -> None:
    """Older than the limit, not by a day less; one whose age is not told is not known."""
    world = well("kvm1")
    world.lists("kvm1", listed(1, autostart=True, has_snapshot=True))
    snapshot = OldestSnapshot(name="before", at=world.now - 86_400 * (OLD_SNAPSHOT_DAYS - 1))
    world.surveys("kvm1", 1, snapshot=snapshot)
    assert found(world) == []
    world.wait(2 * 86_400 + 1).lists("kvm1", listed(1, autostart=True, has_snapshot=True))
    assert only(world, "old-snapshot").text == "has a snapshot of 201 days ago: before"
    world.surveys("kvm1", 1)
    assert "not known" in only(world, "old-snapshot").text


@pytest.mark.parametrize(
    ("name", "snapshot", "call"),
    [
        ("vm-1", "before", "snapshot-delete vm-1 before"),
        ("7", "VM of virsh; rm -rf", f"snapshot-delete {uuid(1)} 'VM of virsh; rm -rf'"),
        ("a b", "--current", f"snapshot-delete {uuid(1)} --snapshotname=--current"),
    ],
)
def test_what_to_do_can_be_pasted(name: str, snapshot: str, call: str) -> None:
    """With the names of what is meant, whatever they are."""
    world = well("kvm1")
    world.wait(1).lists("kvm1", listed(1, name=name, autostart=True, has_snapshot=True))
    world.surveys("kvm1", 1, snapshot=OldestSnapshot(name=snapshot, at=0.0))
    uri = world.fleet.hosts["kvm1"].uri
    assert only(world, "old-snapshot").remedy == f"if nobody needs it: virsh -c {uri} {call}"


# --- of hosts, of the fleet ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead_s", "error_s", "words"),
    [
        (3.24, 0.2, "its clock is 3.2 s ahead of this machine's (± 0.2 s)"),
        (-90000.0, 0.2, "its clock is 25.0 h behind this machine's (± 0.2 s)"),
        (3.24, 2.5, ""),
        (0.9, 0.0, ""),
        (None, 0.0, "not known on kvm1: it does not tell the time"),
    ],
)
def test_clock_skew(ahead_s: float | None, error_s: float, words: str) -> None:
    """Beyond what the way there may have taken."""
    world = well("kvm1")
    inspects(world, "kvm1", ahead_s, error_s, qemus=((uuid(1), False),))
    told = found(world)
    assert [finding.check for finding in told] == ["clock-skew"] * bool(words)
    assert all(words in finding.text for finding in told)


def test_twice_defined() -> None:
    """Not on a host that is in the config twice, nor while it migrates; running on both is serious."""
    world = well("kvm1", "kvm2")
    world.lists("kvm2", listed(2, autostart=True), listed(1, VmState.PAUSED, "migrating"))
    world.surveys("kvm2", 1)
    assert found(world, "twice-defined") == []
    world.wait(1).lists("kvm2", listed(2, autostart=True), listed(1, VmState.OFF))
    told = only(world, "twice-defined")
    assert (told.host, told.uuid, told.count, told.severity) == ("kvm1", uuid(1), 2, 2)
    assert told.text == "is defined on kvm2 (shut off) too, here running"
    assert meant(world, told) == {uuid(1)}
    world.wait(1).lists("kvm2", listed(2, autostart=True), listed(1))
    assert only(world, "twice-defined").severity == 3
    world.wait(1).lists("kvm2", listed(2, autostart=True))
    assert found(world, "twice-defined") == []


def test_same_host() -> None:
    """One finding; its VMs are looked at once, and not called twice defined."""
    world = well("kvm1", "kvm2")
    world.identifies("kvm2", host_uuid="kvm1")
    world.wait(1).lists("kvm1", listed(1, persistent=False))
    world.lists("kvm2", listed(1, persistent=False))
    assert [finding.check for finding in found(world)] == ["transient", "same-host"]
    told = only(world, "same-host")
    assert "kvm1 and kvm2 are one host" in told.text


def test_versions() -> None:
    """The rarest first, for it is the odd one out."""
    world = well("kvm1", "kvm2", "kvm3")
    assert found(world, "versions") == []
    world.identifies("kvm2", libvirt="11.3.0", hypervisor="QEMU 10.0.2")
    told = only(world, "versions")
    assert told.text.startswith("2 versions: libvirt 11.3.0, QEMU 10.0.2 on kvm2 · libvirt 9.0.0, QEMU 7.2.0 on kvm1,")
    assert (told.name, told.count) == ("fleet", 3)


def test_what_is_not_known_is_said() -> None:
    """Of hosts that do not answer nothing is told but that; missing definitions are counted, with the reason."""
    world = well("kvm1", "kvm2")
    world.lists("kvm1", listed(1, autostart=True), listed(11, VmState.OFF), listed(12, VmState.OFF))
    told = only(world, "not-surveyed")
    assert (told.text, told.count, told.known) == ("definitions not read on kvm1: their turn comes", 2, False)
    world.take(Surveyed(host="kvm1", at=world.now, vms=(), failed=((uuid(12), "access denied"),)))
    assert {(finding.text, finding.count) for finding in found(world, "not-surveyed")} == {
        ("definitions not read on kvm1: their turn comes", 1),
        ("definitions not read on kvm1: access denied", 1),
    }
    world.wait(1).link("kvm1", LinkState.LOST, "no answer")
    assert [(finding.known, finding.text) for finding in found(world)] == [
        (False, "lost: nothing is known of its 3 VMs")
    ]


def test_where_most_clocks_are_off_alike_it_is_ours() -> None:
    """Where they differ from each other too they are told one by one."""
    hosts = [f"kvm{number}" for number in range(1, 6)]
    world = well(*hosts)
    for number, host in enumerate(hosts, 1):
        inspects(world, host, 3.0 if number < 5 else 0.0, qemus=((uuid(number), False),))
    told = only(world, "clock-skew")
    assert told.text == "this machine's own clock is about 3.0 s behind those of 4 of 5 hosts"
    inspects(world, "kvm1", -3.0, qemus=((uuid(1), False),))
    assert [finding.host for finding in found(world, "clock-skew")] == hosts[:4]


def test_many_hosts_out_of_sight_are_one() -> None:
    """For each way to be so."""
    world = World(*[f"kvm{number}" for number in range(9)])
    for number in range(9):
        state = LinkState.LOST if number < 5 else LinkState.NEEDS_YOU
        world.up(f"kvm{number}", listed(number)).link(f"kvm{number}", state)
    assert [(told.text, told.count) for told in found(world, "out-of-sight")] == [
        ("lost: nothing is known of kvm0, kvm1, kvm2, … (5), 5 VMs in all", 5),
        ("needs you: nothing is known of kvm5, kvm6, kvm7, … (4), 4 VMs in all", 4),
    ]


def test_the_same_unknown_on_many_hosts_is_one() -> None:
    world = well("kvm1", "kvm2", "kvm3", "kvm4")
    for number in range(1, 5):
        inspects(world, f"kvm{number}", qemus=(), unread="it has no shell for us")
    told = only(world, "old-qemu")
    assert (told.name, told.host, told.count) == ("4 hosts", "", 4)


# --- together -----------------------------------------------------------------------------------------------------


NAMES = st.sampled_from(["a", "A", "a-1", "or", "b c", "[x]", 'q"', "é", "\\", "x,y", "!n"])


@given(st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=12))
def test_a_filter_shows_exactly_who_is_meant(vms: list[tuple[str, bool]]) -> None:
    """One by one or together, whatever they are called."""
    world = World('k"v m')
    world.up('k"v m', *[listed(number, name=name) for number, (name, _) in enumerate(vms)])
    world.identifies('k"v m')
    definitions = tuple(
        Definition(uuid=uuid(number), caches=WRITEBACK if is_meant else ()) for number, (_, is_meant) in enumerate(vms)
    )
    world.take(Surveyed(host='k"v m', at=world.now, vms=definitions))
    findings = found(world, "cache-mode")
    shown = [meant(world, finding) for finding in findings]
    assert [len(uuids) for uuids in shown] == [finding.count for finding in findings]
    wanted = {uuid(number) for number, (_, is_meant) in enumerate(vms) if is_meant}
    assert set().union(*shown) == wanted
    assert len(findings) == (len(wanted) if len(wanted) <= 3 else 1)


def test_very_many_are_told_in_parts() -> None:
    """A filter stays short enough to be one."""
    world = World("kvm1").up("kvm1", *[listed(number, persistent=False) for number in range(250)])
    definitions = tuple(Definition(uuid=uuid(number)) for number in range(250))
    world.take(Surveyed(host="kvm1", at=world.now, vms=definitions))
    findings = found(world, "transient")
    assert [finding.count for finding in findings] == [100, 100, 50]
    assert [len(meant(world, finding)) for finding in findings] == [100, 100, 50]
    assert findings[0].name == "100 VMs"


def test_what_stays_true_stays_the_same_row() -> None:
    """Only what came, changed or went is a change; a round that is broken off changes nothing."""
    world = well("kvm1")
    world.surveys("kvm1", 1, is_pinned=True)
    before = only(world, "host-device")
    revision = world.fleet.findings.changes.revision
    assert only(world, "host-device") is before
    assert world.fleet.findings.changes.revision == revision
    world.surveys("kvm1", 1)
    next(world.fleet.check())
    assert list(world.fleet.findings.rows) == [before.id]
    assert found(world) == []
    assert world.fleet.findings.changes.since(revision) == [before.id]
