"""Jump hosts: shared by what lies behind them, told to each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Link
from kvmtui.hosts.links import Links
from kvmtui.hosts.ssh_config import SshConfig
from kvmtui.hosts.uri import parse
from kvmtui.model.host import LinkState
from tests.contract.sshd import Sshd
from tests.contract.test_link import agent_with

pytestmark = pytest.mark.timeout(60)
MANY = 8


@pytest.fixture
async def sshd(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with Sshd(tmp_path).serving() as made:
        with agent_with(made.identity, tmp_path / "agent"):
            yield made


@pytest.fixture
async def links(tmp_path: Path) -> AsyncIterator[Links]:
    made = Links(tmp_path / "own", lambda: (str(tmp_path / "agent"),), SshConfig(str(tmp_path / "no-ssh")))
    yield made
    made.close()


def behind(links: Links, sshd: Sshd, known_hosts: Path | None = None) -> list[Link]:
    """Hosts behind one jump host: all of them the same server, under names of their own."""
    jump = f"somebody@127.0.0.1:{sshd.port}"
    known = str(known_hosts or sshd.known_hosts)
    uri = parse(f"{sshd.uri}/system")
    return [links.link(f"host{number}", uri, known_hosts=known, jump=jump) for number in range(MANY)]


async def test_one_login_serves_all(links: Links, sshd: Sshd) -> None:
    """However many connect at once, whoever of them gives up meanwhile."""
    made = behind(links, sshd)
    tasks = [asyncio.create_task(link.connect()) for link in made]
    await asyncio.sleep(0)
    tasks[0].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, *[type(None)] * (MANY - 1)]
    assert len(sshd.connections) == 1 + MANY - 1
    assert (await made[-1].run(["echo", "there"])).out == "there\n"
    for link in made:
        link.abort()


async def test_when_it_is_lost_so_are_all_until_it_is_back(links: Links, sshd: Sshd) -> None:
    """Each is told; the next attempt opens it anew."""
    made = behind(links, sshd)
    await asyncio.gather(*(link.connect() for link in made))
    sshd.connections[0].abort()
    ends = [await link.closed for link in made]
    assert {(end.state, end.where) for end in ends} == {(LinkState.LOST, link.name) for link in made}
    again = behind(links, sshd)[0]
    await again.connect()
    assert (await again.run(["true"])).status == 0
    again.abort()


async def test_what_keeps_it_from_opening_is_told_to_each(links: Links, sshd: Sshd, tmp_path: Path) -> None:
    """In the name of each host; once its key is trusted they go through."""
    empty = tmp_path / "empty"
    empty.touch()
    made = behind(links, sshd, empty)
    ends = await asyncio.gather(*(link.connect() for link in made), return_exceptions=True)
    for link, end in zip(made, ends, strict=True):
        assert isinstance(end, LinkError)
        assert (end.state, end.where) == (LinkState.NEEDS_YOU, link.name)
        assert end.text == "jump host 127.0.0.1: its host key is unknown"
        assert end.remedy == f"kvmtui trust {link.name}"
    (shown,) = await made[0].fetch_host_keys()
    await links.trust(shown.address, shown.port, shown.fingerprint)
    passed = behind(links, sshd, empty)[0]
    await passed.connect()
    assert [key.state for key in await passed.fetch_host_keys()] == ["known", "known"]
    passed.abort()


async def test_closing_ends_who_waits(links: Links, sshd: Sshd) -> None:
    """At once, with an error, not with a wait."""
    tasks = [asyncio.create_task(link.connect()) for link in behind(links, sshd)]
    await sshd.met.wait()
    links.close()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends} == {LinkError}
