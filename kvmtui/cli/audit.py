"""``kvmtui audit``: shows, checks, hands out the record of what was done."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from kvmtui import text
from kvmtui.cli import exits
from kvmtui.cli.complaint import note
from kvmtui.cli.source import source
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guard.audit import Head, Line, stamp
from kvmtui.jobs import record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_HEAD = re.compile(r"(\d{1,12}):([0-9a-f]{64})")
_ASKED = {"job": ("job",), "host": ("host",), "user": ("user",), "verb": ("verb",), "vm": ("name", "uuid")}
"""Option -> fields of a record that it is compared with."""


def run(options: argparse.Namespace) -> int:
    """Read the record beside the worker, or without one: who checks it need not trust whoever writes it."""
    journal = source(options).paths.journal
    if not journal.exists():
        note("nothing was done yet: there is no journal")
        return exits.DONE
    if options.act == "verify":
        return _verify(journal, options.head)
    if options.act == "export":
        for line in record.lines(journal):
            print(f'{{"hash":"{line.hash}","record":{line.record.decode("utf-8", "replace")}}}')
        return exits.DONE
    _show(options, list(_newest(journal, options)))
    return exits.DONE


def _verify(journal: Path, kept: str) -> int:
    end = record.head(journal)
    found = record.verify(journal, _kept(kept) if kept else None)
    if not found.is_sound:
        print(f"NOT sound: {found.why} · {text.plural(found.records, 'record')} before it are sound · {journal}")
        return exits.FAILED
    print(f"sound: {text.plural(found.records, 'record')}, nothing changed, removed or moved · {journal}")
    print(f"keep elsewhere, to see whether its end is cut off: --head {end.seq}:{end.hash}")
    return exits.DONE


def _kept(word: str) -> Head:
    found = _HEAD.fullmatch(word)
    if found is None:
        raise UsageError("not an end of a record", where=word[:100], remedy="--head SEQ:HASH, as verify prints it")
    return Head(int(found[1]), found[2])


def _newest(journal: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Give the records that are asked for, the newest first."""
    wanted = {option: value for option in _ASKED if (value := getattr(options, option))}
    since = stamp(time.time() - options.since) if options.since is not None else ""
    count = 0
    for line in record.lines(journal, newest_first=True):
        found = _read(line)
        if str(found.get("at")) < since or count >= options.count:
            return
        if all(value in {found.get(field) for field in _ASKED[option]} for option, value in wanted.items()):
            count += 1
            yield {**found, "hash": line.hash}


def _read(line: Line) -> dict[str, Any]:
    try:
        found = json.loads(line.record)
    except ValueError as error:
        remedy = "kvmtui audit verify says whether more is wrong"
        raise KvmtuiError(f"record {line.seq} cannot be read", words=str(error), remedy=remedy) from error
    if not isinstance(found, dict):
        raise KvmtuiError(f"record {line.seq} is no record")
    return found


def _show(options: argparse.Namespace, found: Iterable[dict[str, Any]]) -> None:
    rows = list(reversed(list(found)))
    if options.output == "json":
        json.dump(rows, sys.stdout, ensure_ascii=False, indent=2)
        print()
        return
    for row in rows:
        origin = f" from {row['origin']}" if row.get("origin") else ""
        words = f'libvirt: "{row["words"]}"' if row.get("words") else ""
        parts = (
            f"{row.get('at')}  {row.get('user')}{origin}", row.get("phase"), row.get("verb"), row.get("name"),
            row.get("host"), row.get("outcome"), row.get("text"), words,
        )  # fmt: skip
        print(text.clean("  ".join(str(part) for part in parts if part)))
