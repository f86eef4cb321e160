"""The last known fleet survives its worker; nothing else's file is taken for it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvmtui.fleet import saved
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from tests.unit.fleet_world import World, listed, uuid


def _world() -> World:
    world = World("kvm1", "kvm7", "new")
    world.up("kvm1", listed(1, name="web-01", autostart=True), listed(2, VmState.OFF, "shutdown"))
    world.up("kvm7", listed(3))
    world.identifies("kvm1")
    world.wait(60).link("kvm7", LinkState.LOST)
    return world


def test_what_comes_back_is_unknown_and_dated_until_heard_of_again(tmp_path: Path) -> None:
    path, old = tmp_path / "fleet.json", _world()
    assert saved.write(path, saved.encode(old.fleet, old.now))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in tmp_path.iterdir()] == ["fleet.json"]

    found = saved.read(path, old.now + 3600)
    assert found is not None
    assert found.at == old.now
    world = World("kvm7", "kvm1")
    world.now = old.now + 3600
    world.link("kvm7")
    assert world.fleet.restore(found) == {"hosts", "vms", "events"}
    vm = world.vm("kvm1", 1)
    assert (vm.name, vm.state, vm.was, vm.state_reason) == ("web-01", VmState.UNKNOWN, VmState.RUNNING, "was running")
    assert vm.seen == old.now - 60
    assert vm.autostart
    assert world.vm("kvm1", 2).was is VmState.OFF
    host = world.fleet.hosts["kvm1"]
    assert (host.link, host.vms_total, host.vms_running, host.cpus) == (LinkState.CONNECTING, 2, None, 8)
    assert host.severity == vm.severity == 0, "nothing is wrong yet"
    world.wait(1).up("kvm1", listed(1, name="web-01"))
    assert [(vm.state, vm.uuid) for vm in world.fleet.on_hosts(["kvm1"])] == [(VmState.RUNNING, uuid(1))]
    assert world.state("kvm7", 3) is VmState.UNKNOWN, "its host is up, and has not said what it runs"


def test_what_was_heard_since_is_not_overwritten(tmp_path: Path) -> None:
    old = _world()
    saved.write(tmp_path / "fleet.json", saved.encode(old.fleet, old.now))
    found = saved.read(tmp_path / "fleet.json", old.now)
    assert found is not None
    world = World("kvm1").up("kvm1", listed(9))
    assert world.fleet.restore(found) == {"events"}
    assert list(world.fleet.vms) == [("kvm1", uuid(9))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_or_garbled_file_is_ignored(
    tmp_path: Path, data: st.DataObject, caplog: pytest.LogCaptureFixture
) -> None:
    world = _world()
    content = saved.encode(world.fleet, world.now)
    path = tmp_path / "fleet.json"
    cut = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:cut] + data.draw(st.binary(max_size=20)))
    with caplog.at_level(logging.CRITICAL):
        assert saved.read(path, world.now) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'{"format": 999, "at": 1, "hosts": []}',
        b'{"format": 1, "at": 99999999999, "hosts": []}',
        b'{"format": 1, "at": -1, "hosts": []}',
        b"[" * 100_000,
        b'{"format": 1, "at": 1, "hosts": [{"name": "a", "uri": "b", "vms": [["u", "n", "half on", 1]]}]}',
        b"\xff\xfe",
    ],
)
def test_a_foreign_file_is_ignored_with_a_line_in_the_log(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "fleet.json"
    path.write_bytes(content)
    assert saved.read(path, 1_800_000_000.0) is None
    assert len(caplog.records) == 1


def test_what_is_no_file_of_ours_is_not_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert saved.read(tmp_path / "none", 1.0) is None
    assert not caplog.records
    world = _world()
    saved.write(tmp_path / "real", saved.encode(world.fleet, world.now))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        assert saved.read(tmp_path / name, world.now) is None
    assert len(caplog.records) == 3


def test_a_disk_that_takes_nothing_leaves_the_old_file(tmp_path: Path) -> None:
    world = _world()
    content = saved.encode(world.fleet, world.now)
    assert not saved.write(tmp_path / "nowhere" / "fleet.json", content)
    path = tmp_path / "fleet.json"
    assert saved.write(path, content)
    (tmp_path / "fleet.json.new").mkdir()
    assert not saved.write(path, b"other")
    assert path.read_bytes() == content


def test_names_from_the_file_are_made_safe(tmp_path: Path) -> None:
    world = World("kvm1").up("kvm1", listed(1, name="web\x1b[2J\u202e" + "x" * 999))
    saved.write(tmp_path / "f", saved.encode(world.fleet, world.now))
    found = saved.read(tmp_path / "f", world.now)
    assert found is not None
    (_, (vm,)), *_ = found.hosts
    assert vm.name.isprintable()
    assert len(vm.name) <= 255
