"""Configs that are found, configs that are written for what was typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.config import for_hosts, load
from kvmtui.config.demo import demo
from kvmtui.config.find import find
from kvmtui.errors import UsageError


@pytest.fixture(scope="module", autouse=True)
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user without a config, who has one alias in libvirt's own configuration."""
    home = tmp_path_factory.mktemp("home")
    (home / "config/libvirt").mkdir(parents=True)
    (home / "config/libvirt/libvirt.conf").write_text(
        'uri_aliases = [ "hail=qemu+ssh://root@hail.example.com/system" ]\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.delenv("KVMTUI_CONFIG", raising=False)
        patch.chdir(home)
        yield home


def typed(*words: str) -> dict[str, str]:
    """Name -> URI of the config that is written for some words."""
    return {host.name: host.uri for host in load(for_hosts(words)).hosts}


def test_a_host_is_a_uri_an_alias_or_a_name() -> None:
    """As virsh -c would take it; any other word is a host to log in to."""
    assert typed("kvm1", "root@kvm2:2222", "hail", "qemu:///session", "2001:db8::1", "test:///default") == {
        "kvm1": "qemu+ssh://kvm1/system",
        "kvm2": "qemu+ssh://root@kvm2:2222/system",
        "hail": "qemu+ssh://root@hail.example.com/system",
        "local-session": "qemu:///session",
        "2001-db8--1": "qemu+ssh://[2001:db8::1]/system",
        "test": "test:///default",
    }


def test_the_same_host_is_there_once_two_of_one_name_twice() -> None:
    assert typed("kvm1", "kvm1", "admin@kvm1") == {
        "kvm1": "qemu+ssh://kvm1/system",
        "kvm1-2": "qemu+ssh://admin@kvm1/system",
    }


@given(st.lists(st.one_of(st.text(max_size=30), st.from_regex(r"[a-z@:\[\]./?+-]{0,20}", fullmatch=True)), max_size=4))
def test_any_words_are_a_config_that_loads_or_a_usage_error(words: list[str]) -> None:
    try:
        file = for_hosts(["kvm1", *words])
    except UsageError:
        return
    assert load(file).hosts[0].name == "kvm1"


def test_the_same_words_are_the_same_file_of_the_user_s_own() -> None:
    """So that they find the worker that is there; nobody else can read it."""
    first = for_hosts(["kvm1", "kvm2"])
    before = first.stat()
    assert for_hosts(["kvm1", "kvm2"]) == first
    assert first.stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700
    assert for_hosts(["kvm2", "kvm1"]) != first
    assert [path.name for path in first.parent.iterdir() if path.name.startswith(".")] == []


def test_the_demo_fleet_has_what_was_asked_for_in_mixed_states() -> None:
    """The same to everybody; every VM once; in files that libvirt's test driver reads."""
    config = load(demo(6, 200))
    assert config.demo
    assert len(config.hosts) == 6
    names: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for host in config.hosts:
        node = ElementTree.parse(host.uri.removeprefix("test://"))
        for domain in node.iter("domain"):
            names[domain.findtext("name") or ""] += 1
            states[domain.findtext("{http://libvirt.org/schemas/domain/test/1.0}runstate") or ""] += 1
    assert len(names) == 200
    assert set(names.values()) == {1}
    assert {"1", "3", "5"} <= set(states)
    assert states["1"] > 100
    assert load(demo()) == config


def test_a_demo_fleet_of_any_size_and_of_none() -> None:
    assert len(load(demo(3, 0)).hosts) == 3
    for hosts, vms in ((0, 1), (1, -1), (10**9, 1), (1, 10**9)):
        with pytest.raises(UsageError, match="demo fleet"):
            demo(hosts, vms)


def test_configs_are_found_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: Path) -> None:
    """--config, the environment, the folder one stands in, the user's own; a named one need not be there."""
    monkeypatch.chdir(tmp_path)
    assert find() is None
    own = user / "config/kvmtui/config.yaml"
    own.parent.mkdir()
    own.touch()
    assert find() == own
    (tmp_path / "config.yaml").touch()
    assert find() == tmp_path / "config.yaml"
    monkeypatch.setenv("KVMTUI_CONFIG", "named.yaml")
    assert find() == tmp_path / "named.yaml"
    assert find(Path("said.yaml")) == tmp_path / "said.yaml"
    own.unlink()
