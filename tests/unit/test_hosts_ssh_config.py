"""What ssh's configuration says of a host: asked of ssh itself, bounded, kept for a minute."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.errors import LinkError
from kvmtui.hosts import ssh_config
from kvmtui.hosts.ssh_config import SshConfig, parse, parse_jump
from kvmtui.model.host import LinkState


def program(tmp_path: Path, script: str) -> str:
    """A stand-in for ssh that counts how often it is asked, with what."""
    path = tmp_path / "ssh"
    path.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n{script}\n')
    path.chmod(0o755)
    return str(path)


def real(tmp_path: Path, config: str) -> str:
    """The real ssh, on a configuration of the test's own."""
    (tmp_path / "config").write_text(config)
    return program(tmp_path, f'exec ssh -F {tmp_path}/config "$@"')


CONFIG = """\
Host kvm1
  HostName 10.0.0.1
  User admin
  Port 2200
  IdentityFile ~/keys/%h-%r
  IdentityFile ${KEYS}/%n
  IdentityAgent ~/agent
  IdentitiesOnly yes
  CertificateFile /c/%p
  HostKeyAlias Rack-7
  ProxyJump one@[2001:db8::1]:23,two
  UserKnownHostsFile none
  StrictHostKeyChecking no
Host proxied
  ProxyCommand nc -q0 %h %p %%
  IdentityAgent none
Host passed
  ProxyCommand x
  ProxyUseFdpass yes
Host away
  HostName 10.0.0.1;id
"""


async def test_all_that_counts_is_taken_over(tmp_path: Path) -> None:
    """Names, keys, agents, jump hosts, with tokens expanded that `ssh -G` leaves as they are."""
    config = SshConfig(real(tmp_path, CONFIG), environ={**os.environ, "KEYS": "/keys"})
    target = await config.resolve("kvm1")
    home = Path.home()
    assert (target.host, target.port, target.user, target.alias) == ("10.0.0.1", 2200, "admin", "kvm1")
    assert target.identity_files == (f"{home}/keys/10.0.0.1-admin", "/keys/kvm1")
    assert target.certificate_files == ("/c/2200",)
    assert target.identity_agent.endswith("/agent")
    assert target.identities_only
    assert target.jump == ("one@[2001:db8::1]:23", "two")
    assert [parse_jump(word) for word in target.jump] == [("one", "2001:db8::1", 23), ("", "two", 0)]
    assert (target.known_as, target.user_known_hosts) == ("rack-7", ())
    over = await config.resolve("kvm1", user="root", port=22, identity_file=str(tmp_path / "config"))
    assert (over.user, over.port, over.identity_files[0]) == ("root", 22, str(tmp_path / "config"))
    proxied = await config.resolve("proxied", port=2222)
    assert (proxied.proxy_command, proxied.identity_agent) == ("nc -q0 proxied 2222 %", "none")
    assert proxied.known_as == "[proxied]:2222"


@pytest.mark.parametrize("host", ["passed", "away"])
async def test_what_cannot_be_done_is_said(tmp_path: Path, host: str) -> None:
    """A ProxyCommand that hands a socket over, a host name that would be a command: words, no attempt."""
    with pytest.raises(LinkError) as error:
        await SshConfig(real(tmp_path, CONFIG)).resolve(host)
    assert error.value.state is LinkState.NEEDS_YOU


async def test_a_broken_configuration_is_said_in_sshs_words(tmp_path: Path) -> None:
    """With the line at fault, as ssh names it."""
    with pytest.raises(LinkError) as error:
        await SshConfig(real(tmp_path, "Nonsense yes\n")).resolve("kvm1")
    assert error.value.state is LinkState.NEEDS_YOU
    assert "line 1" in error.value.words


async def test_an_answer_is_kept_for_a_minute(tmp_path: Path) -> None:
    """The same question is asked again after it, another one at once."""
    now = 0.0
    config = SshConfig(program(tmp_path, "echo hostname there"), clock=lambda: now)
    for _ in range(3):
        assert (await config.resolve("kvm1")).host == "there"
    await config.resolve("kvm1", user="root")
    now = ssh_config.KEPT_S
    await config.resolve("kvm1")
    assert len((tmp_path / "asked").read_text().splitlines()) == 3


async def test_output_is_bounded(tmp_path: Path) -> None:
    """An ssh that writes for ever is ended."""
    with pytest.raises(LinkError) as error:
        await SshConfig(program(tmp_path, "exec yes")).resolve("kvm1")
    assert error.value.state is LinkState.LOST


async def test_without_ssh_its_defaults_hold(tmp_path: Path) -> None:
    """The name is the host, the port 22, the keys those that ssh would look for."""
    target = await SshConfig(str(tmp_path / "none")).resolve("kvm1", user="root")
    assert (target.host, target.port, target.user) == ("kvm1", 22, "root")
    assert f"{Path.home()}/.ssh/id_ed25519" in target.identity_files
    assert target.global_known_hosts[0] == "/etc/ssh/ssh_known_hosts"
    keyed = await SshConfig(str(tmp_path / "none")).resolve("kvm1", port=2222, identity_file="/k")
    assert (keyed.port, keyed.identity_files) == (2222, ("/k",))


@given(st.text(max_size=120))
def test_junk_is_no_jump_host(word: str) -> None:
    """A word of ProxyJump is a host, or a LinkError."""
    parse(word)
    with contextlib.suppress(LinkError):
        user, host, port = parse_jump(word)
        assert host
        assert 0 <= port <= 65_535
        assert not user.startswith("-")
