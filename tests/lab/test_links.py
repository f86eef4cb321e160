"""Links to real hosts: what works, what is said where it does not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.commands import run
from tests.lab.seat_links import RefusedError, SeatLinks, links_at

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def links(lab: Cluster, tmp_path: Path) -> Iterator[SeatLinks]:
    with links_at(lab, tmp_path) as made:
        yield made


def ssh(lab: Cluster, name: str, text: str, mode: int = 0o600) -> Path:
    """A file in the operator's ~/.ssh, taken away by the fixture that asked for it."""
    path = lab.layout.ssh / name
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def ssh_config(lab: Cluster) -> Iterator[Path]:
    """The operator's ~/.ssh/config, empty."""
    path = ssh(lab, "config", "")
    yield path
    path.unlink()


@pytest.fixture
def locked_key(lab: Cluster) -> Iterator[Path]:
    """The operator's only key, with a passphrase now."""
    identity = lab.layout.identity
    kept = identity.read_bytes()
    run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", identity])
    yield identity
    identity.write_bytes(kept)


# --- what works ---------------------------------------------------------------------------------------------------


def test_a_host_is_there(links: SeatLinks, lab: Cluster) -> None:
    """libvirt, read-write and read-only, commands, the host's own figures, all over one connection."""
    links.connect("kvm1", "qemu+ssh://root@kvm1/system")
    assert links.do("run", "kvm1", "hostname") == [0, "kvm1\n", ""]
    assert links.do("virsh", "kvm1", False, "hostname") == [0, "kvm1"]
    assert links.do("virsh", "kvm1", True, "hostname") == [0, "kvm1"]
    figures = links.do("vitals", "kvm1")
    assert figures["total_ticks"] > figures["busy_ticks"] > 0
    assert figures["mem_total_bytes"] > figures["mem_available_bytes"] > 0
    assert figures["load_1m"] >= 0
    assert len(lab.host(1).processes("sshd")) == 2  # the listener, one connection


def test_users_get_what_they_may(links: SeatLinks) -> None:
    """oper: all. noshell: libvirt, no commands, no figures. visitor: libvirt to look only, said with the remedy."""
    for user in ("oper", "noshell", "visitor"):
        links.connect(user, f"qemu+ssh://{user}@kvm1/system")
        assert links.do("virsh", user, True, "hostname") == [0, "kvm1"]
    assert links.do("virsh", "oper", False, "hostname") == [0, "kvm1"]
    assert links.do("virsh", "noshell", False, "hostname") == [0, "kvm1"]
    refused = links.refusal("run", "noshell", "true")
    assert (refused.kind, refused.state) == ("NoShellError", "up")
    assert "not available" in refused.words
    assert links.do("vitals", "noshell") is None
    forbidden = links.refusal("virsh", "visitor", False, "hostname")
    assert forbidden.state == "needs you"
    assert "usermod -aG libvirt visitor" in forbidden.remedy
    assert "access: ro" in forbidden.remedy


def test_a_users_own_session(links: SeatLinks) -> None:
    """The session's daemon of a user there is reached, and started if need be."""
    links.connect("kvm2", "qemu+ssh://oper@kvm2/session")
    assert links.do("virsh", "kvm2", False, "net-list", "--name") == [0, ""]  # the system's has one
    assert links.do("virsh", "kvm2", True, "hostname") == [0, "kvm2"]


def test_modular_daemons(links: SeatLinks, lab: Cluster) -> None:
    """The sockets of virtqemud are found where there are no others."""
    lab.host(1).start_libvirt(modular=True)
    links.connect("kvm1", "qemu+ssh://oper@kvm1/system")
    assert links.do("virsh", "kvm1", False, "hostname") == [0, "kvm1"]
    assert links.do("virsh", "kvm1", True, "hostname") == [0, "kvm1"]


@pytest.mark.parametrize("proxy", ["", "?proxy=netcat"])
def test_an_sshd_that_forwards_no_sockets(links: SeatLinks, lab: Cluster, proxy: str) -> None:
    """virt-ssh-helper stands in, or netcat; a user who may not is told the same as elsewhere."""
    lab.host(1).sshd(AllowStreamLocalForwarding="no")
    links.connect("kvm1", f"qemu+ssh://oper@kvm1/system{proxy}")
    for _ in range(2):
        assert links.do("virsh", "kvm1", False, "hostname") == [0, "kvm1"]
        assert links.do("virsh", "kvm1", True, "hostname") == [0, "kvm1"]
    links.connect("visitor", "qemu+ssh://visitor@kvm1/system")
    assert links.refusal("virsh", "visitor", False, "hostname").state == "needs you"
    links.connect("noshell", "qemu+ssh://noshell@kvm1/system")
    refused = links.refusal("virsh", "noshell", False, "hostname")
    assert refused.state == "no libvirt"
    assert "AllowStreamLocalForwarding" in refused.remedy


def test_jump_hosts_are_shared(links: SeatLinks, lab: Cluster) -> None:
    """Two hosts behind one chain of two: each jump host is logged in to once; keys are shown in their order."""
    for name in ("kvm1", "also"):
        links.connect(name, "qemu+ssh://root@kvm1/system", jump="oper@kvm2,noshell@kvm3")
        assert links.do("virsh", name, False, "hostname") == [0, "kvm1"]
    # beside the listener: two processes for a user's connection, one for root's, of which there are two
    assert [len(lab.host(number).processes("sshd")) - 1 for number in (2, 3, 1)] == [2, 2, 2]
    shown = links.do("keys", "also")
    assert [(key["host"], key["state"]) for key in shown] == [("kvm2", "known"), ("kvm3", "known"), ("also", "known")]


def test_aliases_of_sshs_configuration(links: SeatLinks, ssh_config: Path) -> None:
    """Host names, users, jump hosts, ProxyCommand, host key aliases are as ssh has them."""
    ssh_config.write_text(
        """\
Host web
  HostName kvm1
  User oper
  ProxyJump oper@kvm2
Host pipe
  HostName kvm3
  User oper
  ProxyCommand sh -c 'echo noise >&2; exec nc %h %p'
Host other
  HostName kvm2
  HostKeyAlias kvm1
Host silent
  HostName kvm1
  ProxyCommand false
"""
    )
    links.connect("web", "qemu+ssh://web/system")
    assert links.do("run", "web", "sh", "-c", "hostname; id -un") == [0, "kvm1\noper\n", ""]
    links.connect("pipe", "qemu+ssh://pipe/system")
    assert links.do("virsh", "pipe", False, "hostname") == [0, "kvm3"]
    assert "CHANGED" in links.connect_refusal("qemu+ssh://other/system").text
    assert "ProxyCommand" in links.connect_refusal("qemu+ssh://silent/system").text
    links.connect("straight", "qemu+ssh://web/system", jump="none")
    assert links.do("run", "straight", "true")[0] == 0


def test_this_machine(lab: Cluster) -> None:
    """On a host itself: the system's libvirt, a session's daemon started as needed, no rights said with a remedy."""
    host = lab.host(1)
    with links_at(lab, Path("/home/oper/links"), on=host, user="oper") as oper:
        oper.connect("here", "qemu:///system")
        assert oper.do("virsh", "here", False, "hostname") == [0, "kvm1"]
        assert oper.do("vitals", "here")["mem_total_bytes"] > 0
        oper.connect("mine", "qemu:///session")
        assert oper.do("virsh", "mine", False, "net-list", "--name") == [0, ""]  # the system's has one
    with links_at(lab, Path("/home/visitor/links"), on=host, user="visitor") as visitor:
        visitor.connect("here", "qemu:///system")
        assert visitor.do("virsh", "here", True, "hostname") == [0, "kvm1"]
        forbidden = visitor.refusal("virsh", "here", False, "hostname")
        assert (forbidden.state, "usermod -aG libvirt visitor" in forbidden.remedy) == ("needs you", True)
    host.stop_libvirt()
    with links_at(lab, Path("/home/oper/links"), on=host, user="oper") as oper:
        oper.connect("here", "qemu:///system")
        assert oper.refusal("virsh", "here", False, "hostname").state == "no libvirt"
        assert oper.do("run", "here", "hostname")[1] == "kvm1\n"


# --- host keys ----------------------------------------------------------------------------------------------------


def test_a_changed_host_key_is_refused(links: SeatLinks, lab: Cluster) -> None:
    """With the place of the key that is known, whatever ssh's configuration says; also of a jump host."""
    known = f"{lab.layout.home}/.ssh/known_hosts"
    lab.host(2).rekey()
    refused = links.connect_refusal("qemu+ssh://root@kvm2/system")
    assert (refused.state, refused.where) == ("needs you", "host")
    assert "CHANGED" in refused.text
    assert f"{known}:2" in refused.text
    assert "kvmtui trust host" in refused.remedy
    assert "ssh-keygen -R kvm2" in refused.remedy
    (shown,) = links.do("keys", "host")
    assert (shown["state"], shown["where"]) == ("changed", f"{known}:2")
    behind = links.connect_refusal("qemu+ssh://root@kvm1/system", jump="kvm2")
    assert behind.text.startswith("jump host kvm2: its host key has CHANGED")
    assert [key["state"] for key in links.do("keys", "host")] == ["changed"]


def test_an_unknown_host_key_can_be_trusted(links: SeatLinks, lab: Cluster, ssh_config: Path, tmp_path: Path) -> None:
    """Nothing in ssh's configuration lets it pass; once trusted it is in our own file, and the host is there."""
    ssh_config.write_text("Host *\n  UserKnownHostsFile none\n  StrictHostKeyChecking no\n")
    refused = links.connect_refusal("qemu+ssh://root@kvm1/system")
    assert (refused.state, refused.remedy) == ("needs you", "kvmtui trust host")
    assert "unknown" in refused.text
    (shown,) = links.do("keys", "host")
    assert shown["state"] == "unknown"
    assert shown["fingerprint"] in refused.words
    wrong = links.refusal("trust", shown["address"], shown["port"], "SHA256:AAAA")
    assert wrong.state == "needs you"
    links.do("trust", shown["address"], shown["port"], shown["fingerprint"])
    links.connect("kvm1", "qemu+ssh://root@kvm1/system")
    assert lab.host(1).public_key() in (tmp_path / "own_known_hosts").read_text()
    empty = tmp_path / "empty"
    empty.write_text("")
    ssh_config.write_text("")
    assert "unknown" in links.connect_refusal("qemu+ssh://root@kvm2/system", known_hosts=str(empty)).text


def test_certificates_of_hosts(links: SeatLinks, lab: Cluster, tmp_path: Path) -> None:
    """A host whose key is signed by an authority that is known for it needs no entry of its own; a revoked key never
    passes, whoever signed it."""
    authority, host = tmp_path / "authority", lab.host(1)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", authority])
    key = host.dir / "ssh/host_key.pub"
    run(["ssh-keygen", "-q", "-s", authority, "-h", "-I", "kvm1", "-n", "kvm1", key])
    host.sshd(HostCertificate=str(key.with_name("host_key-cert.pub")))
    known = tmp_path / "known"
    public = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    known.write_text(f"@cert-authority kvm* {public}\n")
    links.connect("kvm1", "qemu+ssh://root@kvm1/system", known_hosts=str(known))
    by_address = links.connect_refusal("qemu+ssh://root@198.51.100.11/system", known_hosts=str(known))
    assert by_address.state == "needs you"
    known.write_text(f"@cert-authority * {public}\n")
    wrong_name = links.connect_refusal("qemu+ssh://root@198.51.100.11/system", known_hosts=str(known))
    assert (wrong_name.state, wrong_name.text) == ("needs you", "its host certificate is not good")
    known.write_text(f"@cert-authority kvm1 {public}\n@revoked * {host.public_key()}\n")
    revoked = links.connect_refusal("qemu+ssh://root@kvm1/system", known_hosts=str(known))
    assert (revoked.state, revoked.text) == ("needs you", "its host key is revoked")


# --- our keys -----------------------------------------------------------------------------------------------------


def test_a_locked_key_needs_its_owner(links: SeatLinks, lab: Cluster, locked_key: Path, tmp_path: Path) -> None:
    """It is named, with the remedy; an agent that holds it opens the host; one that hangs holds nothing up."""
    refused = links.connect_refusal("qemu+ssh://root@kvm1/system")
    assert (refused.state, refused.text) == ("needs you", "key ~/.ssh/id_ed25519 is locked")
    assert refused.remedy == "ssh-add ~/.ssh/id_ed25519"
    socket = tmp_path / "agent"
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\necho secret\n")
    askpass.chmod(0o700)
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout is not None
            agent.stdout.readline()
            env = {"SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
            run(["ssh-add", "-q", locked_key], env=env)
            with links_at(lab, tmp_path, env=env) as offered:
                offered.connect("kvm1", "qemu+ssh://root@kvm1/system")
                assert offered.do("run", "kvm1", "true")[0] == 0
                agent.send_signal(19)  # SIGSTOP
                hung = offered.connect_refusal("qemu+ssh://root@kvm1/system")
                assert "is locked" in hung.text
        finally:
            agent.kill()


def test_refused_logins_name_what_was_tried(links: SeatLinks, lab: Cluster, tmp_path: Path) -> None:
    """The user, the keys, what the host takes, the way out."""
    for name in ("stranger", "unreadable"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name])
    kept = lab.layout.identity.rename(lab.layout.ssh / "kept")
    try:
        refused = links.connect_refusal("qemu+ssh://oper@kvm1/system", identity_file=str(tmp_path / "stranger"))
        assert (refused.state, refused.text) == ("needs you", "login as oper refused")
        assert refused.words == f"offered: {tmp_path}/stranger; it takes publickey"
        assert refused.remedy == "ssh-copy-id oper@kvm1"
        missing = links.connect_refusal(f"qemu+ssh://oper@kvm1/system?keyfile={tmp_path}/nowhere")
        assert f"key {tmp_path}/nowhere: No such file or directory" in missing.words
        (tmp_path / "damaged").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n")
        damaged = links.connect_refusal("qemu+ssh://oper@kvm1/system", identity_file=str(tmp_path / "damaged"))
        assert f"key {tmp_path}/damaged: " in damaged.words
    finally:
        kept.rename(lab.layout.identity)
    assert links.connect_refusal("qemu+ssh://nosuchuser@kvm1/system").text == "login as nosuchuser refused"
    lab.host(1).sshd(PubkeyAuthentication="no", PasswordAuthentication="yes")
    none = links.connect_refusal("qemu+ssh://root@kvm1/system")
    assert (none.state, "takes no keys" in none.text) == ("needs you", True)
    assert "password" in none.words


# --- hosts that are not there -------------------------------------------------------------------------------------


def test_nobody_there_is_said_in_words(links: SeatLinks, lab: Cluster) -> None:
    """An unknown name, a closed port, an address without a host, directly or behind a jump host."""
    for uri, jump, word in (
        ("qemu+ssh://root@kvm9/system", "", "the name kvm9 is unknown"),
        ("qemu+ssh://root@kvm1:23/system", "", "port 23 refuses connections"),
        ("qemu+ssh://root@198.51.100.99/system", "", "no way to the host"),
        ("qemu+ssh://root@kvm1/system", "kvm9", "jump host kvm9: the name kvm9 is unknown"),
        ("qemu+ssh://root@kvm1:23/system", "kvm2", "the jump host finds no way to it"),
    ):
        refused = links.connect_refusal(uri, jump=jump)
        assert (refused.state, refused.text) == ("lost", word)
        assert refused.remedy
    lab.host(2).sshd(AllowTcpForwarding="no")
    forbidden = links.connect_refusal("qemu+ssh://root@kvm1/system", jump="kvm2")
    assert (forbidden.state, "AllowTcpForwarding" in forbidden.remedy) == ("needs you", True)


def test_a_silent_host_is_seen(links: SeatLinks, lab: Cluster) -> None:
    """It accepts, then never answers: to a new link, to one that stands, to one that goes through it."""
    links.connect("behind", "qemu+ssh://root@kvm1/system", jump="kvm2")
    links.connect("kvm2", "qemu+ssh://root@kvm2/system")
    lab.host(2).mute()
    lost = [links.begin("closed", name) for name in ("kvm2", "behind")]
    relay = links.begin("hold", "kvm2", "r")
    new = links.begin("connect", "new", "qemu+ssh://root@kvm2/system", {})
    with pytest.raises(RefusedError) as refused:
        new()
    assert (refused.value.state, refused.value.text) == ("lost", "it takes the connection and says nothing")
    for wait in lost:
        state, words = wait()["value"]
        assert state == "lost"
        assert "no answer any more" in words or "broke" in words or "closed" in words
    with pytest.raises(RefusedError):
        relay()


def test_a_cut_cable_is_seen(links: SeatLinks, lab: Cluster) -> None:
    """By the link, by the relay that stands on it, hence by libvirt's client; another host does not notice."""
    links.connect("kvm1", "qemu+ssh://root@kvm1/system")
    links.connect("kvm2", "qemu+ssh://root@kvm2/system")
    relay = links.begin("hold", "kvm1", "r")
    assert links.do("run", "kvm1", "true")[0] == 0
    lab.host(1).cut()
    lost = links.begin("closed", "kvm1")
    assert links.do("run", "kvm2", "hostname") == [0, "kvm2\n", ""]
    state, words = lost()["value"]
    assert state == "lost"
    assert "no answer any more" in words
    assert relay()["value"] == "lost"
    assert links.do("run", "kvm2", "hostname") == [0, "kvm2\n", ""]
    lab.host(1).heal()
    links.connect("again", "qemu+ssh://root@kvm1/system")


def test_no_libvirt_leaves_the_host_up(links: SeatLinks, lab: Cluster) -> None:
    """Stopped or never there: said, while commands and figures go on; back without a new link."""
    links.connect("kvm1", "qemu+ssh://oper@kvm1/system")
    lab.host(1).stop_libvirt()
    refused = links.refusal("virsh", "kvm1", False, "hostname")
    assert refused.state == "no libvirt"
    assert "systemctl start" in refused.remedy
    assert links.do("vitals", "kvm1")["mem_total_bytes"] > 0
    lab.host(1).start_libvirt()
    assert links.do("virsh", "kvm1", False, "hostname") == [0, "kvm1"]


def test_many_at_once_are_not_dropped(links: SeatLinks) -> None:
    """Forty links to one sshd, which drops bursts beyond ten: all come up, in turn."""
    waits = [links.begin("connect", f"l{number}", "qemu+ssh://root@kvm3/system", {}) for number in range(40)]
    for wait in waits:
        wait()
