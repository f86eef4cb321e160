"""The chain finds every change, with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvmtui.guard import audit
from kvmtui.guard.audit import Head, Line, Record
from kvmtui.guard.client import ClientId

WORDS = st.text(st.characters(codec="utf-8"), max_size=30)
RECORDS = st.builds(
    Record,
    phase=st.sampled_from([audit.SUBMITTED, audit.INTENT, audit.OUTCOME]),
    at=st.floats(0, 4e9).map(audit.stamp),
    user=WORDS,
    uid=st.integers(0, 2**32 - 1),
    pid=st.integers(1, 2**22),
    origin=WORDS,
    host=WORDS,
    name=WORDS,
    step=st.none() | st.integers(0, 30_000),
    parameters=st.dictionaries(WORDS, WORDS | st.booleans() | st.integers(-(2**53), 2**53), max_size=3),
    duration_ms=st.none() | st.integers(0, 10**9),
)


def chained(records: list[Record]) -> tuple[list[Line], Head]:
    """Return records as lines, and where they end."""
    head, lines = Head(), []
    for record in records:
        line = audit.chain(record, head)
        head = Head(line.seq, line.hash)
        lines.append(line)
    return lines, head


CHAINS = st.lists(RECORDS, min_size=2, max_size=12).map(chained)


@given(CHAINS)
def test_what_was_written_is_sound(chain: tuple[list[Line], Head]) -> None:
    """An untouched chain verifies, from its start, from any later known head, to its end."""
    lines, head = chain
    assert audit.verify(lines, head) == audit.Verified(len(lines))
    middle = lines[len(lines) // 2 - 1]
    rest = audit.verify(lines[len(lines) // 2 :], head, Head(middle.seq, middle.hash))
    assert rest.is_sound
    assert audit.verify([], Head()).is_sound


@settings(max_examples=300)
@given(CHAINS, st.data())
def test_any_single_bit_is_found_and_named(chain: tuple[list[Line], Head], data: st.DataObject) -> None:
    """In a record, its hash, or its number; the first broken record is the one that was touched."""
    lines, head = chain
    place = data.draw(st.integers(0, len(lines) - 1))
    line = lines[place]
    match data.draw(st.sampled_from(["record", "hash", "seq"])):
        case "record":
            lines[place] = line._replace(record=flipped(line.record, data))
        case "hash":
            lines[place] = line._replace(hash=flipped(line.hash.encode(), data).decode("latin-1"))
        case _:
            lines[place] = line._replace(seq=line.seq ^ (1 << data.draw(st.integers(0, 62))))
    found = audit.verify(lines, head)
    assert found.broken == line.seq
    assert found.records == place
    assert found.why


def flipped(raw: bytes, data: st.DataObject) -> bytes:
    """Return ``raw`` with one bit changed."""
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=300)
@given(CHAINS, st.data())
def test_removed_swapped_repeated_and_added_records_are_found(
    chain: tuple[list[Line], Head], data: st.DataObject
) -> None:
    """Whether numbers are made to fit or not; a cut tail shows beside the head that is known."""
    lines, head = chain
    place = data.draw(st.integers(0, len(lines) - 1))
    match data.draw(st.sampled_from(["removed", "swapped", "repeated", "added"])):
        case "removed":
            del lines[place]
        case "swapped":
            other = data.draw(st.integers(0, len(lines) - 1).filter(lambda number: number != place))
            lines[place], lines[other] = lines[other], lines[place]
        case "repeated":
            lines.insert(place, lines[place])
        case _:
            lines.append(audit.chain(data.draw(RECORDS), head))
    if data.draw(st.booleans()):
        lines = [line._replace(seq=number) for number, line in enumerate(lines, 1)]
    assert not audit.verify(lines, head).is_sound


@given(RECORDS)
def test_a_record_is_canonical_json(record: Record) -> None:
    """Sorted keys, no spaces, nothing empty: anybody can write the same bytes and hash them."""
    line = audit.chain(record, Head())
    told = json.loads(line.record)
    assert json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == line.record
    assert told["seq"] == 1
    assert "" not in {value for value in told.values() if isinstance(value, str)} or record.user == ""
    assert line.hash == audit.digest(audit.GENESIS, line.record)


@pytest.mark.parametrize(
    "name",
    ["password", "vnc_passwd", "PASSWORD", "apiKey", "api-key", "ssh_key", "pin", "token", "authToken", "clientSecret",
     "luks passphrase", "psk", "credentials", "private_key"],
)  # fmt: skip
@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12, max_size=30))
def test_secrets_never_stand_in_it(name: str, secret: str) -> None:
    """Whatever a parameter is called that is likely to hold one; nor what others tell as one."""
    uri, words = f"https://me:{secret}@host/path", f"--force password={secret} x"
    told: dict[str, str | int | bool] = {name: secret, "uri": uri, "args": words}
    record = Record(phase=audit.INTENT, at="", user="u", uid=1, pid=1, parameters=told, text=words, words=uri)
    line = audit.chain(record, Head()).record.decode()
    assert secret not in line
    assert "https://me:" in line
    assert "--force" in line


@pytest.mark.parametrize("name", ["snapshot", "size", "keys", "monkey", "passthrough", "spin", "author", "timeout_s"])
def test_what_is_no_secret_is_told(name: str) -> None:
    """A name that only has the letters of one in it."""
    record = Record(phase=audit.INTENT, at="", user="u", uid=1, pid=1, parameters={name: "plain-value"})
    assert ("plain-value" in audit.chain(record, Head()).record.decode()) is (name != "keys")


def test_a_record_tells_who_and_when() -> None:
    """The kernel's word for uid and pid, the client's for where its user came from."""
    record = audit.by(ClientId("anna", 1000, 42, origin="192.0.2.7 by sudo"), audit.INTENT, 1_790_000_000.25)
    assert (record.user, record.uid, record.pid, record.origin) == ("anna", 1000, 42, "192.0.2.7 by sudo")
    assert record.at == "2026-09-21T14:13:20.250Z"
