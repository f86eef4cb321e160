"""Links at the operator's seat, in a process of their own: commands go in, answers come out as lines of JSON.

`SeatLinks` is the test's side; run as a program this file is the other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from kvmtui.errors import LinkError
from kvmtui.hosts import probe
from kvmtui.hosts.contract import Link
from kvmtui.hosts.links import Links
from kvmtui.hosts.relay import Relay
from kvmtui.hosts.uri import parse
from tests.lab.cluster import Cluster
from tests.lab.host import Host

Answer = dict[str, Any]


# --- at the seat --------------------------------------------------------------------------------------------------


class _Seat:
    """The program's state: links and relays by the names the test gave them."""

    def __init__(self, folder: Path) -> None:
        agent = os.environ.get("SSH_AUTH_SOCK", "")
        self._links = Links(folder / "own_known_hosts", lambda: (agent,) if agent else ())
        self._folder = folder
        self._uris: dict[str, str] = {}
        self._by_name: dict[str, Link] = {}
        self._relays: dict[str, Relay] = {}

    async def connect(self, name: str, uri: str, options: dict[str, str]) -> object:
        self._uris[name] = uri
        link = self._by_name[name] = self._links.link(name, parse(uri), **options)
        await link.connect()
        return None

    async def run(self, name: str, *argv: str) -> object:
        return list(await self._by_name[name].run(argv))

    async def keys(self, name: str) -> object:
        return msgspec.to_builtins(await self._by_name[name].fetch_host_keys())

    async def trust(self, address: str, port: int, fingerprint: str) -> object:
        await self._links.trust(address, port, fingerprint)
        return None

    async def vitals(self, name: str) -> object:
        return msgspec.to_builtins(await probe.vitals(self._by_name[name], 1.0))

    async def virsh(self, name: str, read_only: bool, *words: str) -> object:
        """Let virsh be the client of a relay."""
        scope = parse(self._uris[name]).scope
        relay = Relay(self._by_name[name].open_libvirt, self._folder / "r", read_only=read_only, scope=scope)
        await relay.open()
        command = ["virsh", "-q", *(["-r"] if read_only else []), "-c", relay.uri, *words]
        virsh = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await virsh.communicate()
        relay.cut()
        return [virsh.returncode, out.decode().strip()]

    async def hold(self, name: str, relay_name: str) -> object:
        """Open a relay and connect to it, as a libvirt client that waits."""
        relay = self._relays[relay_name] = Relay(self._by_name[name].open_libvirt, self._folder / "r")
        await relay.open()
        reader, _ = await asyncio.open_unix_connection(relay.uri.partition("socket=")[2])
        await reader.read()
        return relay.error.state if relay.error is not None else None

    async def closed(self, name: str) -> object:
        error = await asyncio.shield(self._by_name[name].closed)
        return [error.state, str(error)]

    async def end(self) -> None:
        for link in self._by_name.values():
            link.abort()
        self._links.close()
        await asyncio.sleep(0.05)  # connections that were aborted close in the next turns

    async def obey(self, number: int, verb: str, words: list[Any]) -> None:
        answer: Answer = {"number": number}
        try:
            answer["value"] = await getattr(self, verb)(*words)
        except LinkError as error:
            answer["error"] = {"state": error.state, "text": error.text, "words": error.words, "remedy": error.remedy}
            answer["error"] |= {"where": error.where, "kind": type(error).__name__}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


async def _serve(folder: Path) -> None:
    seat = _Seat(folder)
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    running: set[asyncio.Task[None]] = set()
    while line := await lines.get():
        task = asyncio.create_task(seat.obey(*json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await seat.end()


# --- the test's side ----------------------------------------------------------------------------------------------


class RefusedError(Exception):
    """The LinkError that a command met."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" · ".join(fields.values()))
        self.state, self.where, self.kind = fields["state"], fields["where"], fields["kind"]
        self.text, self.words, self.remedy = fields["text"], fields["words"], fields["remedy"]


class SeatLinks:
    """Commands to the program at the seat; one that is begun may be awaited later."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._numbers = 0
        self._answers: dict[int, Answer] = {}

    def begin(self, verb: str, *words: object) -> Callable[[], Answer]:
        """Send a command; what comes back waits for its answer. Raises RefusedError for a LinkError."""
        self._numbers += 1
        number = self._numbers
        self._stdin.write(json.dumps([number, verb, words]).encode() + b"\n")
        self._stdin.flush()

        def wait() -> Answer:
            while number not in self._answers:
                line = self._stdout.readline()
                assert line, "the program at the seat has ended"
                answer = json.loads(line)
                self._answers[answer["number"]] = answer
            answer = self._answers.pop(number)
            if "error" in answer:
                raise RefusedError(answer["error"])
            return answer

        return wait

    def do(self, verb: str, *words: object) -> Any:
        """Send a command and give back its value. Raises RefusedError for a LinkError."""
        return self.begin(verb, *words)()["value"]

    def connect(self, name: str, uri: str, **options: str) -> None:
        """Connect a link that is called ``name`` from then on."""
        self.do("connect", name, uri, options)

    def refusal(self, verb: str, *words: object) -> RefusedError:
        """The LinkError that the command meets."""
        try:
            value = self.do(verb, *words)
        except RefusedError as refused:
            return refused
        raise AssertionError(f"{verb} {words} went well: {value}")

    def connect_refusal(self, uri: str, **options: str) -> RefusedError:
        """The LinkError that connecting to ``uri`` meets."""
        return self.refusal("connect", "host", uri, options)


@contextlib.contextmanager
def links_at(
    lab: Cluster, folder: Path, *, env: Mapping[str, str] | None = None, on: Host | None = None, user: str = ""
) -> Iterator[SeatLinks]:
    """The program, run at the seat, or on a host as one of its users."""
    command = [sys.executable, "-W", "error", "-m", "tests.lab.seat_links", str(folder), user]
    here = str(Path(__file__).parent.parent.parent)
    if on is None:
        process = lab.seat.popen(
            *command, stdin=subprocess.PIPE, stderr=sys.stderr.fileno(), env={"PYTHONPATH": here, **(env or {})}
        )
    else:
        words = on.argv(["env", f"PYTHONPATH={here}", *(f"{k}={v}" for k, v in (env or {}).items()), *command])
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield SeatLinks(process.stdin, process.stdout)
        process.stdin.close()
        assert process.wait(timeout=20) == 0, "the program at the seat did not end well"


def _become(user: str) -> None:
    """Be another user from now on, with all imports done: its own eyes may not see this interpreter's files."""
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=user, LOGNAME=user)


if __name__ == "__main__":
    if sys.argv[2]:
        _become(sys.argv[2])
    asyncio.run(_serve(Path(sys.argv[1])))
