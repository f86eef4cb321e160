"""The record of what was done, shown or checked without a worker."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kvmtui.cli import exits, main
from kvmtui.guard import audit
from kvmtui.guard.client import ClientId
from kvmtui.jobs import record
from kvmtui.jobs.store import Change, Store
from kvmtui.paths import for_config

WHO = ClientId("anna", 1000, 7, origin="10.0.0.9")
TRIES = 1_000
"""Of all kinds of harm together."""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of a config, with a few records; KVMTUI_CONFIG names the config."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("KVMTUI_SOCKET", raising=False)
    config = tmp_path / "config.yaml"
    config.write_text("hosts: [{name: kvm1, uri: 'test:///default'}]\n")
    monkeypatch.setenv("KVMTUI_CONFIG", str(config))
    path = for_config(config).journal
    store = Store(path, lambda: 1_790_000_000.0)
    for number in range(12):
        phase = audit.INTENT if number % 2 == 0 else audit.OUTCOME
        line = audit.Record(
            phase=phase, at=audit.stamp(1_790_000_000 + number), user=WHO.user, uid=WHO.uid, pid=WHO.pid,
            origin=WHO.origin, job="j1", step=number // 2, host="kvm1", uuid=f"u{number // 2}", verb="pause",
            name=f"web-{number // 2}", outcome="done" if phase == audit.OUTCOME else "",
        )  # fmt: skip
        store.write([Change((), (line,))])
    store.close()
    return path


@pytest.mark.usefixtures("journal")
def test_show_filters_and_tells_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """The newest last, by VM, host, user, verb, job; as JSON with the hash."""
    assert main(["audit", "show", "--vm", "web-3"]) == exits.DONE
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1:] for line in shown] == [
        ["anna from 10.0.0.9", "intent", "pause", "web-3", "kvm1"],
        ["anna from 10.0.0.9", "outcome", "pause", "web-3", "kvm1", "done"],
    ]
    assert main(["audit", "show", "--user", "bert"]) == exits.DONE
    assert capsys.readouterr().out == ""
    assert main(["audit", "show", "-n", "3", "-o", "json"]) == exits.DONE
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["web-4", "web-5", "web-5"]


def test_what_is_exported_can_be_checked_by_anyone(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing but SHA-256, as the help says it."""
    assert main(["audit", "export"]) == exits.DONE
    before = "0" * 64
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    for line in lines:
        told = line.partition('"record":')[2].removesuffix("}")
        before = hashlib.sha256(f"{before}\n{told}".encode()).hexdigest()
        assert json.loads(line)["hash"] == before
    assert record.head(journal) == (13, before)


def test_verify_says_sound_and_gives_the_end_to_keep(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tail that is cut off shows beside it, a record written anew too; nonsense is a mistake of the command line."""
    assert main(["audit", "verify"]) == exits.DONE
    head = capsys.readouterr().out.split("--head ")[1].strip()
    assert main(["audit", "verify", "--head", head]) == exits.DONE
    assert main(["audit", "verify", "--head", "x"]) == exits.USAGE
    assert main(["audit", "verify", "--head", f"{head.split(':')[0]}:{'0' * 64}"]) == exits.FAILED
    connection = sqlite3.connect(journal)
    with connection:
        connection.execute("DELETE FROM audit WHERE seq > 10")
        row = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        connection.execute("UPDATE head SET seq = ?, hash = ?", row)
    connection.close()
    assert main(["audit", "verify"]) == exits.DONE, "a chain that ends earlier is sound by itself"
    capsys.readouterr()
    assert main(["audit", "verify", "--head", head]) == exits.FAILED
    assert "it ends at record 10, and 13 was written once" in capsys.readouterr().out


def _flip(connection: sqlite3.Connection, dice: random.Random) -> None:
    seq = dice.randint(1, 13)
    column = dice.choice(["record", "hash"])
    (raw,) = connection.execute(f"SELECT CAST({column} AS BLOB) FROM audit WHERE seq = ?", (seq,)).fetchone()
    bit = dice.randrange(len(raw) * 8)
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    connection.execute(f"UPDATE audit SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(changed), seq))


def _remove(connection: sqlite3.Connection, dice: random.Random) -> None:
    connection.execute("DELETE FROM audit WHERE seq = ?", (dice.randint(1, 13),))


def _swap(connection: sqlite3.Connection, dice: random.Random) -> None:
    one, other = dice.sample(range(1, 14), 2)
    for before, after in ((one, 99), (other, one), (99, other)):
        connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (after, before))


def _cut(connection: sqlite3.Connection, dice: random.Random) -> None:
    connection.execute("DELETE FROM audit WHERE seq > ?", (dice.randint(0, 12),))


@pytest.mark.parametrize("harm", [_flip, _remove, _swap, _cut])
def test_every_harm_is_found(journal: Path, harm: Callable[[sqlite3.Connection, random.Random], None]) -> None:
    """A bit changed, a record removed, two exchanged, the tail cut off: in each of many random tries."""
    dice = random.Random(harm.__name__)
    connection = sqlite3.connect(journal, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    end = record.head(journal)
    kept = connection.execute("SELECT * FROM audit").fetchall()
    for _ in range(TRIES // 4):
        harm(connection, dice)
        assert not record.verify(journal, end).is_sound
        connection.execute("BEGIN")
        connection.execute("DELETE FROM audit")
        connection.executemany("INSERT INTO audit VALUES (?, ?, ?)", kept)
        connection.execute("COMMIT")
    connection.close()
    assert record.verify(journal, end).is_sound
