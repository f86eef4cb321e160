"""What every way to a host does alike: SshLink over a real SSH connection, LocalLink; with the relay on top."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from kvmtui.errors import LinkError
from kvmtui.hosts.contract import Link
from kvmtui.hosts.links import Links
from kvmtui.hosts.relay import PATH_MAX, Relay
from kvmtui.hosts.ssh_config import SshConfig
from kvmtui.hosts.uri import parse
from kvmtui.model.host import LinkState
from tests.contract.sshd import Sshd

MIB = 1 << 20
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
pytestmark = pytest.mark.timeout(60)


class Daemon:
    """What listens in libvirt's place: every connection is handed to the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted: asyncio.Queue[Streams] = asyncio.Queue()
        self.all: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Daemon]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.all.append(writer)
            await self.accepted.put((reader, writer))

        server = await asyncio.start_unix_server(accept, self.path)
        try:
            yield self
        finally:
            server.close()
            for writer in self.all:
                writer.transport.abort()
            await server.wait_closed()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path / "libvirt sock").serving() as made:
        yield made


@pytest.fixture(params=["ssh", "jump", "local"])
async def link(request: pytest.FixtureRequest, tmp_path: Path, daemon: Daemon) -> AsyncIterator[Link]:
    """A connected link whose URI leads to the daemon: with a key file, through a jump host with an agent, or here."""
    query = f"/system?socket={str(daemon.path).replace(' ', '%20')}"
    async with contextlib.AsyncExitStack() as stack:
        agent = tmp_path / "agent"
        links = Links(tmp_path / "own", lambda: (str(agent),), SshConfig(str(tmp_path / "no-ssh")))
        stack.callback(links.close)
        if request.param == "local":
            made = links.link("here", parse(f"qemu://{query}"))
        else:
            sshd = await stack.enter_async_context(Sshd(tmp_path).serving())
            uri, known = parse(sshd.uri + query), str(sshd.known_hosts)
            if request.param == "ssh":
                made = links.link("there", uri, known_hosts=known, identity_file=str(sshd.identity))
            else:
                stack.enter_context(agent_with(sshd.identity, agent))
                made = links.link("there", uri, known_hosts=known, jump=f"somebody@127.0.0.1:{sshd.port}")
        await made.connect()
        yield made
        made.abort()


@contextlib.contextmanager
def agent_with(identity: Path, path: Path) -> Iterator[None]:
    """An ssh-agent that holds a key."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout is not None
            agent.stdout.readline()  # its socket is there now
            environ = {**os.environ, "SSH_AUTH_SOCK": str(path)}
            subprocess.run(["ssh-add", "-q", identity], env=environ, check=True, capture_output=True, timeout=10)
            yield
        finally:
            agent.kill()


@contextlib.asynccontextmanager
async def relayed(link: Link, folder: Path) -> AsyncIterator[tuple[Relay, Callable[[], Awaitable[Streams]]]]:
    """An open relay, with what connects to it as libvirt's client would."""
    relay = Relay(link.open_libvirt, folder / "r")
    await relay.open()
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_unix_connection(socket_of(relay))
        writers.append(writer)
        return reader, writer

    try:
        yield relay, connect
    finally:
        relay.cut()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def socket_of(relay: Relay) -> Path:
    return Path(relay.uri.partition("socket=")[2].replace("%20", " "))


# --- commands -----------------------------------------------------------------------------------------------------


async def test_arguments_arrive_word_for_word(link: Link) -> None:
    """No shell on the way takes them apart."""
    words = ["$(id)", "a b", "'", '"', "*", "\\", ";", "-n", "", "é", "`id`", "a\nb", "|", "!x", "~"]
    ran = await link.run(["printf", "%s\\0", *words])
    assert (ran.status, ran.out.split("\0")[:-1], ran.err) == (0, words, "")


async def test_status_and_both_outputs_come_back(link: Link) -> None:
    """With what is no UTF-8 replaced, and input that is at its end."""
    ran = await link.run(["sh", "-c", "cat; printf 'out\\377'; printf err >&2; exit 3"])
    assert ran == (3, "out\ufffd", "err")


async def test_a_command_ends_in_time_and_bounds(link: Link) -> None:
    """One that does not end, one that writes for ever: ended, said, and the link is as good as before."""
    for argv, deadline_s in ((["sleep", "1000"], 0.2), (["yes"], 30.0)):
        with pytest.raises(LinkError) as error:
            await link.run(argv, deadline_s=deadline_s, limit_bytes=100_000)
        assert error.value.state is LinkState.UP
    assert (await link.run(["true"])).status == 0
    assert (await link.run(["false"])).status == 1
    assert (await link.run(["/nonexistent/program"])).status if link.name == "there" else True


# --- libvirt's socket ---------------------------------------------------------------------------------------------


async def test_bytes_pass_both_ways(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Megabytes of any content, unchanged, over a path that is gone as soon as somebody has come."""
    blob = os.urandom(3 * MIB)
    async with relayed(link, tmp_path) as (relay, connect):
        near_reader, near_writer = await connect()
        far_reader, far_writer = await daemon.accepted.get()

        async def echo() -> None:
            while data := await far_reader.read(65_536):
                far_writer.write(data)
                await far_writer.drain()

        echoing = asyncio.create_task(echo())
        near_writer.write(blob)
        assert await near_reader.readexactly(len(blob)) == blob
        assert not socket_of(relay).exists()
        with pytest.raises(OSError, match="No such file"):
            await connect()
        relay.cut()
        await echoing


async def test_the_first_is_taken_and_nobody_else(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Two that connect at once: one is served, the other is hung up on, libvirt sees one client."""
    async with relayed(link, tmp_path) as (_, connect):
        ends = [await connect() for _ in range(1)]
        _, far_writer = await daemon.accepted.get()
        far_writer.write(b"x")
        assert await ends[0][0].read(1) == b"x"
        assert daemon.accepted.empty()


async def test_a_cut_is_seen_at_both_ends(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """At once, and any number of times."""
    async with relayed(link, tmp_path) as (relay, connect):
        near_reader, _ = await connect()
        far_reader, _ = await daemon.accepted.get()
        relay.cut()
        relay.cut()
        assert relay.over
        assert relay.error is None
        assert await near_reader.read() == b""
        assert await far_reader.read() == b""


async def test_a_cut_before_anybody_came_leaves_nothing(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Neither path nor connection."""
    async with relayed(link, tmp_path) as (relay, _):
        path = socket_of(relay)
        assert path.exists()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        far_reader, _ = await daemon.accepted.get()
        relay.cut()
        assert not path.exists()
        assert await far_reader.read() == b""


async def test_a_cut_while_it_is_opened_ends_the_opening(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """At whatever moment, what was opened by then is closed, and what comes about later too."""
    for turns in range(8):
        relay = Relay(link.open_libvirt, tmp_path / "r")
        opening = asyncio.create_task(relay.open())
        for _ in range(turns):
            await asyncio.sleep(0)
        relay.cut()
        with contextlib.suppress(LinkError):
            await opening
        assert relay.over
    assert (await link.run(["true"])).status == 0  # what was on its way has arrived
    while not daemon.accepted.empty():
        reader, _ = daemon.accepted.get_nowait()
        assert await reader.read() == b""


async def test_who_opens_may_be_cancelled(link: Link, tmp_path: Path) -> None:
    """Cancelling is cancelling, not an error of the link."""
    relay = Relay(link.open_libvirt, tmp_path / "r")
    opening = asyncio.create_task(relay.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert relay.over
    assert not (tmp_path / "r").exists()


async def test_the_hosts_end_ends_the_near_end(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """When libvirt closes, its last words still arrive, then the end; nobody is to blame."""
    async with relayed(link, tmp_path) as (relay, connect):
        near_reader, _ = await connect()
        _, far_writer = await daemon.accepted.get()
        far_writer.write(b"last words" * 10_000)
        far_writer.close()
        assert await near_reader.read() == b"last words" * 10_000
        assert relay.over
        assert relay.error is None


async def test_the_clients_end_ends_the_far_end(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """When libvirt's client closes, its last words still arrive, then the end."""
    async with relayed(link, tmp_path) as (relay, connect):
        _, near_writer = await connect()
        far_reader, _ = await daemon.accepted.get()
        near_writer.write(b"last words" * 10_000)
        near_writer.close()
        assert await far_reader.read() == b"last words" * 10_000
        assert relay.over


async def test_who_does_not_read_holds_who_writes(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Either side: only so much waits in between, and all of it arrives once there is reading."""
    size = 64 * MIB
    async with relayed(link, tmp_path) as (_, connect):
        near_reader, near_writer = await connect()
        far_reader, far_writer = await daemon.accepted.get()
        for reader, writer in ((near_reader, far_writer), (far_reader, near_writer)):
            writer.transport.set_write_buffer_limits(high=0)
            sent = 0

            async def fill(to: asyncio.StreamWriter) -> None:
                nonlocal sent
                while sent < size:
                    to.write(bytes(65_536))
                    await to.drain()
                    sent += 65_536

            filling = asyncio.create_task(fill(writer))
            before = -1
            while before != sent:  # until it stands still
                before = sent
                await asyncio.wait([filling], timeout=0.3)
            assert sent < size / 4
            left = size
            while left:
                left -= len(await reader.read(MIB))
            await filling


async def test_the_other_relay_can_be_cut_before_the_client_hears(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Whatever ends a relay, its near end still stands when ``ending`` is called, once."""
    told: list[bool] = []

    def ending() -> None:
        told.append(near_writer.transport.is_closing() or near_reader.at_eof())

    relay = Relay(link.open_libvirt, tmp_path / "r", ending=ending)
    await relay.open()
    near_reader, near_writer = await asyncio.open_unix_connection(socket_of(relay))
    _, far_writer = await daemon.accepted.get()
    far_writer.close()
    assert await near_reader.read() == b""
    relay.cut()
    assert told == [False]
    near_writer.close()


async def test_a_deep_folder_does_not_matter(link: Link, tmp_path: Path) -> None:
    """A socket's path has 107 bytes at most: a deeper folder is left for a private one elsewhere."""
    deep = tmp_path / ("d" * 100) / "r"
    relay = Relay(link.open_libvirt, deep)
    await relay.open()
    path = socket_of(relay)
    assert len(os.fsencode(path)) <= PATH_MAX
    assert path.parent.stat().st_mode & 0o777 == 0o700
    relay.cut()
    assert not path.parent.exists()


async def test_an_aborted_link_takes_everything_along(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """Relays that stand end with its reason, new ones and commands are refused, ``closed`` says why."""
    async with relayed(link, tmp_path) as (relay, connect):
        near_reader, _ = await connect()
        far_reader, _ = await daemon.accepted.get()
        assert not link.closed.done()
        link.abort()
        link.abort()
        assert link.closed.result().state is LinkState.LOST
        assert await near_reader.read() == b""
        assert relay.over
        assert relay.error is not None
        assert relay.error.state is LinkState.LOST
        assert await far_reader.read() == b""
        for attempt in (link.open_libvirt(False), link.run(["true"])):
            with pytest.raises(LinkError) as error:
                await attempt
            assert error.value.state is LinkState.LOST


async def test_no_libvirt_leaves_the_link_up(link: Link, daemon: Daemon, tmp_path: Path) -> None:
    """A socket that is not there is said, with a remedy; commands go on."""
    daemon.path.unlink()
    relay = Relay(link.open_libvirt, tmp_path / "r")
    with pytest.raises(LinkError) as error:
        await relay.open()
    assert error.value.state is LinkState.NO_LIBVIRT
    assert error.value.remedy
    assert error.value.where == link.name
    assert relay.over
    assert (await link.run(["true"])).status == 0
    assert not link.closed.done()
