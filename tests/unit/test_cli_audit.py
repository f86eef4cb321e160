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
from kvmtui.guard import anchor, audit
from kvmtui.guard.client import ClientId
from kvmtui.jobs import record
from kvmtui.jobs.store import Change, Store
from kvmtui.paths import SHARED_SOCKET, for_config

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


def test_a_team_s_record_is_not_taken_for_an_empty_one(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who only uses a shared worker is told where its record is; who runs it reads it there, by its state folder."""
    monkeypatch.setenv("KVMTUI_SOCKET", str(SHARED_SOCKET))
    assert main(["audit", "show"]) == exits.USAGE
    assert "--shared" in capsys.readouterr().err
    monkeypatch.setenv("STATE_DIRECTORY", str(journal.parent.parent))
    assert main(["audit", "verify", "--shared"]) == exits.DONE
    assert "sound: 13 records" in capsys.readouterr().out


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


def _anchors(path: Path, store: Store) -> list[str]:
    """An anchor for each record as it came, as a syslog daemon writes them down, among other lines."""
    told = ["Nov 25 14:03:21 admin1 sshd[1]: Accepted publickey for anna"]
    for seq, digest in store.rows("SELECT seq, hash FROM audit ORDER BY seq"):
        sent = anchor.Anchor(audit.Head(seq, digest), "2026-11-25T14:03:22.000Z", anchor.machine(), anchor.digest(path))
        raw = anchor.for_syslog(sent, 7, "Nov 25 14:03:22") if seq % 2 else anchor.for_journald(sent, 7)
        told += raw.decode().splitlines()
    return told


def test_anchors_show_a_tail_that_was_cut_off_or_written_anew(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each single cut, and a chain that is sound by itself; other journals' anchors prove nothing."""
    store = Store(journal, lambda: 1_790_000_000.0)
    log = tmp_path / "auth.log"
    log.write_text("\n".join(_anchors(journal, store)))
    verify = ["audit", "verify", "--anchors", str(log)]
    assert main(verify) == exits.DONE
    assert "13 anchors: each record they name is there as it was" in capsys.readouterr().out
    kept = store.rows("SELECT * FROM audit")
    store.close()
    connection = sqlite3.connect(journal, isolation_level=None)
    for last in range(12, 0, -1):
        connection.execute("DELETE FROM audit WHERE seq > ?", (last,))
        connection.execute("UPDATE head SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = ?)", (last,))
        assert main(["audit", "verify"]) == exits.DONE, "sound by itself"
        assert main(verify) == exits.FAILED
        assert f"it ends at record {last}, and {last + 1} was written once" in capsys.readouterr().out
    connection.execute("DELETE FROM audit")
    head = audit.Head()
    for row in kept:
        line = audit.chain(audit.Record(phase="note", at="", user="eve", uid=0, pid=1, text=str(row[0])), head)
        head = audit.Head(line.seq, line.hash)
        connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (line.seq, line.record.decode(), line.hash))
    connection.execute("UPDATE head SET seq = ?, hash = ?", head)
    connection.close()
    assert main(["audit", "verify"]) == exits.DONE
    assert main(verify) == exits.FAILED
    assert "record 1 is not the one whose hash was kept" in capsys.readouterr().out
    log.write_text(log.read_text().replace(f"journal={anchor.digest(journal)}", f"journal={'0' * 16}"))
    assert main(verify) == exits.FAILED
    assert "no anchor of this journal" in capsys.readouterr().out
    assert main(["audit", "verify", "--anchors", str(tmp_path / "nothing")]) == exits.USAGE


def test_any_bit_of_any_record_in_the_file_is_found(journal: Path, tmp_path: Path) -> None:
    """Changed where SQLite keeps it, behind SQLite's back: the walk finds it, or SQLite does."""
    connection = sqlite3.connect(journal)
    connection.execute("PRAGMA journal_mode = DELETE")
    stored = connection.execute("SELECT CAST(record AS BLOB), CAST(hash AS BLOB) FROM audit").fetchall()
    connection.close()
    raw, end, dice = journal.read_bytes(), record.head(journal), random.Random("file")
    copy = tmp_path / "changed.db"
    for _ in range(TRIES // 4):
        text = dice.choice(dice.choice(stored))
        place = raw.rfind(text) + dice.randrange(len(text))  # the head keeps the last hash too, on a page before it
        changed = bytearray(raw)
        changed[place] ^= 1 << dice.randrange(8)
        copy.write_bytes(changed)
        assert not record.verify(copy, end).is_sound


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
