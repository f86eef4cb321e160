"""What definitions say is told in the rows: who owns a VM, its tags."""

from __future__ import annotations

from pathlib import Path

from kvmtui.config import HostConfig
from kvmtui.fleet import saved
from kvmtui.hosts.reports import Surveyed
from kvmtui.model.host import LinkState
from tests.unit.fleet_world import World, listed, uuid


def _world() -> World:
    world = World()
    world.entries["kvm1"] = HostConfig(name="kvm1", uri="qemu+ssh://kvm1/system", tags=("prod",))
    world.configure(vm_tags={"db": "name~^db-"})
    return world.up("kvm1", listed(1, name="db-01"), listed(2))


def test_tags_of_host_rules_and_definition_are_one_list() -> None:
    """Each once, in that order, whatever changes of the rest; filters find them."""
    world = _world()
    assert world.surveys("kvm1", 1, owner="nova", tags=("lb", "prod")) >= {"vms"}
    assert world.vm("kvm1", 1).tags == ("prod", "db", "lb")
    assert world.vm("kvm1", 1).owner == "nova"
    world.wait(1).lists("kvm1", listed(1, name="web-01"), listed(2))
    assert world.vm("kvm1", 1).tags == ("prod", "lb")
    world.configure(vm_tags={})
    assert [vm.uuid for vm in world.fleet.matching(world.fleet.filter("tag:lb owner:nova"))] == [uuid(1)]
    assert world.wait(1).surveys("kvm1", 1) >= {"vms"}
    assert (world.vm("kvm1", 1).owner, world.vm("kvm1", 1).tags) == ("", ("prod",))


def test_what_was_read_before_is_no_news() -> None:
    """The row stays the same object; one that is gone is not made anew."""
    world = _world()
    world.surveys("kvm1", 1, tags=("lb",))
    before = world.vm("kvm1", 1)
    world.surveys("kvm1", 1, tags=("lb",))
    assert world.vm("kvm1", 1) is before
    world.surveys("kvm1", 9, owner="nova")
    assert world.state("kvm1", 9) is None
    world.take(Surveyed(host="kvm1", at=world.now, vms=(), failed=((uuid(1), "no"), (uuid(9), "no"))))
    assert world.fleet.known["kvm1"].vms.unread == {uuid(1): "no"}
    world.wait(1).lists("kvm1")
    known = world.fleet.known["kvm1"].vms
    assert (known.definitions, known.unread, known.own_tags(uuid(1))) == ({}, {}, ())


def test_they_outlive_the_link_and_the_worker(tmp_path: Path) -> None:
    """A lost host's VMs keep owner and tags; so does the next worker, which puts the config's own to them."""
    world = _world()
    world.surveys("kvm1", 1, owner="oVirt", tags=("lb",))
    world.wait(1).link("kvm1", LinkState.LOST)
    assert (world.vm("kvm1", 1).owner, world.vm("kvm1", 1).tags) == ("oVirt", ("prod", "db", "lb"))
    assert saved.write(tmp_path / "fleet.json", saved.encode(world.fleet, world.now))
    found = saved.read(tmp_path / "fleet.json", world.now)
    assert found is not None
    again = World("kvm1")
    again.fleet.restore(found)
    assert (again.vm("kvm1", 1).owner, again.vm("kvm1", 1).tags) == ("oVirt", ("lb",))
    again.up("kvm1", listed(1))
    assert (again.vm("kvm1", 1).owner, again.vm("kvm1", 1).tags) == ("oVirt", ("lb",))
