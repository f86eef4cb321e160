"""Clients of every kind against the server: none of them can hurt it or each other."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvmtui.errors import KvmtuiError, WorkerError
from kvmtui.wire.client import Client
from kvmtui.wire.connection import GREETING_MAX, IN_FLIGHT_MAX
from kvmtui.wire.line import Line
from kvmtui.wire.messages import (
    LINE_MAX,
    Jobs,
    Note,
    OpenWindow,
    Query,
    Request,
    Settle,
    Status,
    decode_answer,
    encode,
)
from kvmtui.wire.views import VIEWS_MAX
from tests.worker.serving import HELLO, CountingView, Desk, serving, until

GREETED = encode(HELLO) + b"\n"
WINDOW = OpenWindow(window=1, query=Query(resource="vms"))


async def _raw(path: Path, sent: bytes) -> bytes:
    """Send bytes, then say that nothing more comes; return all that is answered."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(sent)
        await writer.drain()
        writer.write_eof()
        return await reader.read()
    except (BrokenPipeError, ConnectionResetError):
        return await reader.read()
    finally:
        writer.close()


async def _is_well(path: Path) -> bool:
    client = await Client.connect(path, HELLO)
    try:
        return (await client.call(Status())).pid == 1
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("sent", "kind", "says"),
    [
        (b"\x00\xff\xfe\n", "UsageError", "not a request"),
        (b"GET / HTTP/1.1\r\n\r\n", "UsageError", "not a request"),
        (b"[" * 60_000 + b"\n", "UsageError", "not a request"),
        (b'{"a":' * 10_000 + b"\n", "UsageError", "not a request"),
        (encode(Status(id=1)) + b"\n", "UsageError", "say hello first"),
        (b"x" * GREETING_MAX, "UsageError", "a line may have"),
        (GREETED + b"x" * LINE_MAX, "UsageError", "a line may have"),
        (GREETED + b'{"op":"status","id":"seven"}\n', "UsageError", "not a request"),
        (GREETED + b'{"op":"fly","id":7}\n', "UsageError", "'fly'"),
        (GREETED + b'{"op":"stop","id":7,"mode":3}\n', "UsageError", "'stop'"),
        (GREETED + GREETED, "UsageError", "once"),
        (GREETED + encode(Settle(id=7)) + b"\n", "KvmtuiError", "failed to answer"),
    ],
)
async def test_junk_is_answered_in_words(tmp_path: Path, sent: bytes, kind: str, says: str) -> None:
    """What makes no sense is told so, and the next client is served."""
    path = tmp_path / "s"
    async with serving(path, Desk()):
        lines = (await _raw(path, sent)).splitlines()
        failure = decode_answer(lines[-1])
        assert failure.kind == kind
        assert says in failure.text
        assert await _is_well(path)


async def test_what_is_not_understood_does_not_end_the_connection(tmp_path: Path) -> None:
    """A request of a later version fails alone; those after it are answered."""
    path = tmp_path / "s"
    async with serving(path, Desk()):
        answers = await _raw(path, GREETED + b'{"op":"fly","id":7}\n' + encode(Status(id=8)) + b"\n")
        assert [decode_answer(line).id for line in answers.splitlines()] == [0, 7, 8]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_client_may_die_at_any_byte(tmp_path: Path, data: st.DataObject) -> None:
    """Wherever a client's stream breaks off, politely or not, the server forgets it and serves the next."""
    stream = GREETED + encode(Jobs(id=1, limit=50)) + b"\n" + encode(WINDOW) + b"\n" + encode(Status(id=3)) + b"\n"
    cut = data.draw(st.integers(0, len(stream)))
    reads = data.draw(st.integers(0, 3))
    path, desk = tmp_path / "s", Desk()

    async def scene() -> None:
        async with serving(path, desk) as server:
            with socket.socket(socket.AF_UNIX) as client:
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, str(path))
                await loop.sock_sendall(client, stream[:cut])
                for _ in range(reads):
                    await asyncio.sleep(0)
            await until(lambda: not server.connections)
            assert desk.gone == len(desk.connections)
            assert await _is_well(path)

    asyncio.run(scene())


async def test_more_clients_than_there_is_room_for(tmp_path: Path) -> None:
    """Of a thousand, those beyond the limit are told so; when some leave, others get in."""
    path = tmp_path / "s"
    async with serving(path, Desk(), clients_max=20) as server:
        lines = [Line(path) for _ in range(20)]
        await until(lambda: len(server.connections) == 20)
        for _ in range(980):
            late = await asyncio.to_thread(Line, path)
            with pytest.raises(KvmtuiError, match="20 clients already"):
                await asyncio.to_thread(late.greet, HELLO)
            late.close()
        for line in lines:
            line.close()
        await until(lambda: not server.connections)
        assert await _is_well(path)


async def test_a_flood_of_requests_is_answered_in_pieces(tmp_path: Path) -> None:
    """However many requests come at once, few are under way; all are answered, and others are served meanwhile."""
    path, desk, gate = tmp_path / "s", Desk(), asyncio.Event()
    under_way = most = 0

    async def before(request: Request[Any]) -> None:
        nonlocal under_way, most
        if isinstance(request, Jobs):
            under_way += 1
            most = max(most, under_way)
            await gate.wait()
            under_way -= 1

    desk.before = before
    async with serving(path, desk):
        flood = asyncio.create_task(
            _raw(path, GREETED + b"".join(encode(Jobs(id=n, limit=0)) + b"\n" for n in range(1, 5001)))
        )
        await until(lambda: under_way == IN_FLIGHT_MAX)
        assert await _is_well(path)
        gate.set()
        answers = [decode_answer(line).id for line in (await flood).splitlines()]
        assert answers == list(range(5001))
        assert most <= IN_FLIGHT_MAX


async def _follow(path: Path, desk: Desk, view: CountingView) -> Line:
    desk.view = lambda: view
    line = await asyncio.to_thread(Line, path)
    await asyncio.to_thread(line.greet, HELLO)
    await asyncio.to_thread(line.call, WINDOW)
    return line


async def test_a_client_that_stops_reading_holds_nobody_up(tmp_path: Path) -> None:
    """Its views are not even computed any more, its events are kept to the latest; all others go on as before."""
    path, desk = tmp_path / "s", Desk()
    async with serving(path, desk) as server:
        still = CountingView("x" * 10_000)
        stopped = await _follow(path, desk, still)
        lively = CountingView()
        reader = await Client.adopt(await _follow(path, desk, lively))
        (connection,) = [c for c in server.clients if still in c.views.all()]
        while not connection.stalled_s:
            server.stir(("vms",))
            await asyncio.sleep(0)
        before, seen = still.fetched, lively.fetched
        for number in range(2000):
            server.announce(Note(text=f"note {number}"))
            server.stir(("vms",))
            await asyncio.sleep(0)
        assert still.fetched == before
        await until(lambda: lively.fetched > seen)
        latest = ""
        while latest != "note 1999":
            message = await anext(reader)
            assert isinstance(message, Note)
            latest = message.text if message.text.startswith("note") else latest
        await reader.close()

        stopped.socket.settimeout(5)
        caught_up = b""
        while b"note 1999" not in caught_up:
            caught_up += await asyncio.to_thread(stopped.socket.recv, 1 << 20)
        assert b"note 1000" not in caught_up
        await until(lambda: still.fetched > before)
        stopped.close()


async def test_a_client_that_asks_for_more_than_it_reads_is_held(tmp_path: Path) -> None:
    """Answers that nobody reads stop the next request from being begun."""
    path, desk = tmp_path / "s", Desk()
    async with serving(path, desk):
        line = await asyncio.to_thread(Line, path)
        await asyncio.to_thread(line.greet, HELLO)
        line.socket.setblocking(False)
        for number in range(2, 400):
            try:
                line.socket.send(encode(Jobs(id=number, limit=1000)) + b"\n")
            except BlockingIOError:
                break
        await until(lambda: desk.connections[0].stalled_s)
        assert desk.answered <= IN_FLIGHT_MAX
        assert await _is_well(path)
        line.close()


async def test_an_answer_too_long_for_a_line_is_refused(tmp_path: Path) -> None:
    """Instead of it comes a failure that says what to do."""
    path = tmp_path / "s"
    async with serving(path, Desk()):
        client = await Client.connect(path, HELLO)
        with pytest.raises(KvmtuiError, match="ask for fewer rows"):
            await client.call(Jobs(limit=9000))
        assert (await client.call(Status())).pid == 1
        await client.close()


async def test_views_have_a_limit_and_a_failing_one_closes_alone(tmp_path: Path) -> None:
    """One view too many is refused; one that raises is closed, with a note, and the others go on."""
    path, desk = tmp_path / "s", Desk()

    class Failing(CountingView):
        def fetch(self) -> Note:
            raise ZeroDivisionError

    desk.view = Failing
    async with serving(path, desk) as server:
        client = await Client.connect(path, HELLO)
        await client.call(WINDOW)
        note = await anext(client)
        assert isinstance(note, Note)
        assert "failed" in note.text
        desk.view = CountingView
        for number in range(VIEWS_MAX):
            await client.call(OpenWindow(window=number, query=WINDOW.query))
        with pytest.raises(KvmtuiError, match="close one first"):
            await client.call(OpenWindow(window=VIEWS_MAX, query=WINDOW.query))
        assert server.followed == VIEWS_MAX
        await client.close()
        await until(lambda: server.followed == 0)


async def test_views_are_sent_when_something_changed_only(tmp_path: Path) -> None:
    """Many changes at once are one message; a change elsewhere is none."""
    path, desk = tmp_path / "s", Desk()
    view = CountingView()
    async with serving(path, desk) as server:
        client = await Client.adopt(await _follow(path, desk, view))
        assert await anext(client) == Note(text="1")
        for _ in range(100):
            server.stir(("vms", "hosts"))
        server.stir(("jobs",))
        assert await anext(client) == Note(text="2")
        await client.call(Status())
        assert view.fetched == 2
        await client.close()


async def test_a_removed_socket_is_made_again(tmp_path: Path) -> None:
    """Who is connected stays connected; who comes finds the new one."""
    path = tmp_path / "s"
    async with serving(path, Desk()) as server:
        client = await Client.connect(path, HELLO)
        path.unlink()
        with pytest.raises(WorkerError):
            Line(path)
        server.look_after()
        assert path.stat().st_mode & 0o777 == 0o600
        assert await _is_well(path)
        assert (await client.call(Status())).pid == 1
        await client.close()
    assert not path.exists()


async def test_calls_end_when_the_worker_does(tmp_path: Path) -> None:
    """A call that waits for its answer raises, and so does the next one."""
    path, desk = tmp_path / "s", Desk()
    stuck = asyncio.Event()

    desk.before = lambda _request: stuck.wait()
    async with serving(path, desk) as server:
        client = await Client.connect(path, HELLO)
        with pytest.raises(WorkerError, match="did not answer"):
            await client.call(Status(), deadline_s=0.01)
        call = asyncio.create_task(client.call(Status()))
        await asyncio.sleep(0)
        await server.close()
        with pytest.raises(WorkerError, match="hung up"):
            await call
    await client.closed
    with pytest.raises(WorkerError, match="hung up"):
        await client.call(Status())
    assert [message async for message in client] == []
