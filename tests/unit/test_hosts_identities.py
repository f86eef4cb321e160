"""The keys offered at a login: which they are, in which order, what is said of those that cannot be."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kvmtui.hosts.identities import Identities
from kvmtui.hosts.ssh_config import Target


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys: a, b, c as they are, locked and old with a passphrase, the second in the form of old."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("a", "b", "c", "locked", "old"):
        form = ["-t", "rsa", "-b", "2048", "-m", "PEM"] if name == "old" else ["-t", "ed25519"]
        passphrase = "secret" if name in {"locked", "old"} else ""
        words = ["ssh-keygen", "-q", *form, "-C", f"key {name}", "-N", passphrase, "-f", str(folder / name)]
        subprocess.run(words, check=True, timeout=30)
    return folder


@contextlib.contextmanager
def agent(path: Path, *held: Path) -> Iterator[None]:
    """An ssh-agent that holds keys without passphrase."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            environ = {**os.environ, "SSH_AUTH_SOCK": str(path)}
            subprocess.run(["ssh-add", "-q", *held], env=environ, check=True, capture_output=True, timeout=10)
            yield
        finally:
            process.kill()


async def offered(
    files: Sequence[Path], agents: Sequence[Path] = (), configured: Path | None = None, **target: object
) -> Identities:
    """Identities of which everything was offered."""
    asked = Target(
        alias="kvm1", host="kvm1", port=22, user="root", identity_files=tuple(map(str, files)), **target  # type: ignore[arg-type]
    )  # fmt: skip
    identities = Identities(
        asked, [str(path) for path in agents], configured=str(configured or ""), waiting=lambda _: None
    )
    while await identities.next() is not None:
        pass
    identities.close()
    return identities


async def test_the_order_is_that_of_ssh(keys: Path, tmp_path: Path) -> None:
    """Agents' keys that a file names, agents' other keys, files; before them the file named for this very host."""
    a, b, c = (keys / name for name in "abc")
    with agent(tmp_path / "one", b, c), agent(tmp_path / "two", c):
        agents = (tmp_path / "one", tmp_path / "two")
        assert (await offered([a, b], agents)).tried == [f"{b} by the agent", "the agent's key c", str(a)]
        only = await offered([a, b], agents, identities_only=True)
        assert only.tried == [f"{b} by the agent", str(a)]
        public = await offered([Path(f"{c}.pub")], agents, identities_only=True)
        assert public.tried == [f"{c}.pub by the agent"]
        assert (await offered([b], agents, a)).tried[0] == str(a)
        assert (await offered([a], agents, identity_agent="none")).tried == [str(a)]
        assert (await offered([], [], identity_agent=str(tmp_path / "two"))).tried == ["the agent's key c"]


async def test_what_cannot_be_used_is_said(keys: Path, tmp_path: Path) -> None:
    """Locked keys by name, old form or new; a missing file if it was named for this host; no agent is no trouble."""
    gone = tmp_path / "gone"
    told = await offered([keys / "locked", keys / "old", gone], [gone])
    assert (told.tried, told.problems) == ([], [])
    assert told.locked == [str(keys / "locked"), str(keys / "old")]
    named = await offered([], [], gone)
    assert named.problems == [f"key {gone}: No such file or directory"]
    junk = tmp_path / "junk"
    junk.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\n\xff\xfe\n")
    assert len((await offered([], [], junk)).problems) == 1
    assert (await offered([junk], [])).problems == []


async def test_an_agent_of_junk_is_no_trouble(keys: Path, tmp_path: Path) -> None:
    """One that hangs up, as one that is not there: the files go on."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "junk"))
        listener.listen()
        listener.shutdown(socket.SHUT_RDWR)
        assert (await offered([keys / "a"], [tmp_path / "junk"])).tried == [str(keys / "a")]
