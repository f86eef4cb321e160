"""``kvmtui audit``: shows, checks, hands out the record of what was done."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
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
    from typing import BinaryIO

    from kvmtui.jobs.record import Compared

_HEAD = re.compile(r"(\d{1,12}):([0-9a-f]{64})")
_LINE_MAX = 65_536
_ASKED = {"job": ("job",), "host": ("host",), "user": ("user",), "verb": ("verb",), "vm": ("name", "uuid")}
"""Option -> fields of a record that it is compared with."""


def run(options: argparse.Namespace) -> int:
    """Read the record beside the worker, or without one: who checks it need not trust whoever writes it."""
    where = source(options).paths
    if where.shared and not options.shared:
        what = "the record of a shared worker is read as who runs it"
        raise UsageError(what, where=str(where.socket), remedy="sudo kvmtui audit … --shared, or kvmtui ls audit")
    journal = where.journal
    if not journal.exists():
        note("nothing was done yet: there is no journal")
        return exits.DONE
    if options.act == "verify":
        return _verify(journal, options)
    if options.act == "export":
        for line in record.lines(journal):
            print(f'{{"hash":"{line.hash}","record":{line.record.decode("utf-8", "replace")}}}')
        return exits.DONE
    _show(options, _wanted(journal, options))
    return exits.DONE


def _verify(journal: Path, options: argparse.Namespace) -> int:
    end = record.head(journal)
    compared = _compare(journal, options.anchors) if options.anchors else None
    kept = _kept(options.head) if options.head else Head()
    found = record.verify(journal, kept)
    if found.pruned.seq:
        print(f"the records up to {found.pruned.seq} were pruned; the record says when")
    if not found.is_sound:
        print(f"NOT sound: {found.why} · {text.plural(found.records, 'record')} before it are sound · {journal}")
        return exits.FAILED
    if compared is not None and not _tell_compared(compared, journal):
        return exits.FAILED
    if 0 < kept.seq < found.pruned.seq:
        print(f"NOT checked: record {kept.seq}, whose hash was kept, was pruned since · {journal}")
        return exits.FAILED
    print(f"sound: {text.plural(found.records, 'record')}, nothing changed, removed or moved · {journal}")
    print(f"keep elsewhere, to see whether its end is cut off: --head {end.seq}:{end.hash}")
    return exits.DONE


def _compare(journal: Path, place: str) -> Compared:
    """Hold the record against the anchors in a file, or on standard input. Raises UsageError if it cannot be read."""
    if place == "-":
        return record.compare(journal, _bounded(sys.stdin.buffer))
    try:
        with Path(place).open("rb") as file:
            return record.compare(journal, _bounded(file))
    except OSError as error:
        raise UsageError("the anchors cannot be read", where=place, words=error.strerror or str(error)) from error


def _bounded(file: BinaryIO) -> Iterator[str]:
    """Give the lines of a log; what is longer than any of ours comes in pieces."""
    while piece := file.readline(_LINE_MAX):
        yield piece.decode("utf-8", "replace")


def _tell_compared(compared: Compared, journal: Path) -> bool:
    """Say what the anchors say; return whether it is good."""
    if compared.broken is not None:
        print(f"NOT sound: {compared.why} · the chain was rewritten, cut off, or begun anew · {journal}")
        return False
    passed = [
        text.plural(count, f"anchor {what}", f"anchors {what}")
        for count, what in ((compared.older, "of what was pruned since"), (compared.others, "of other journals"))
        if count
    ]
    beside = "".join(f" · {words} passed over" for words in passed)
    if not compared.checked:
        print(f"NOT checked: there is no anchor of this journal that it could be held against{beside} · {journal}")
        return False
    print(f"{text.plural(compared.checked, 'anchor')}: each record they name is there as it was{beside}")
    return True


def _kept(word: str) -> Head:
    found = _HEAD.fullmatch(word)
    if found is None:
        raise UsageError("not an end of a record", where=word[:100], remedy="--head SEQ:HASH, as verify prints it")
    return Head(int(found[1]), found[2])


def _wanted(journal: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Give the newest of the records that are asked for, the oldest of them first: it is read twice, none is kept."""
    wanted = {option: value for option in _ASKED if (value := getattr(options, option))}
    since = stamp(time.time() - options.since) if options.since is not None else ""
    first, count = 0, 0
    for line in record.lines(journal, newest_first=True):
        found = _read(line)
        if count >= options.count or str(found.get("at")) < since:
            break
        if _is_wanted(found, wanted):
            first, count = line.seq, count + 1
    for line in record.lines(journal, since=first) if count else ():
        found = _read(line)
        if _is_wanted(found, wanted):
            yield {**found, "hash": line.hash}


def _is_wanted(found: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(value in {found.get(field) for field in _ASKED[option]} for option, value in wanted.items())


def _read(line: Line) -> dict[str, Any]:
    try:
        found = json.loads(line.record)
    except ValueError as error:
        remedy = "kvmtui audit verify says whether more is wrong"
        raise KvmtuiError(f"record {line.seq} cannot be read", words=str(error), remedy=remedy) from error
    if not isinstance(found, dict):
        raise KvmtuiError(f"record {line.seq} is no record")
    return found


def _show(options: argparse.Namespace, rows: Iterable[dict[str, Any]]) -> None:
    if options.output == "json":
        print("[", end="")
        for number, row in enumerate(rows):
            print("," if number else "", json.dumps(row, ensure_ascii=False, indent=2), sep="\n", end="")
        print("]")
        return
    for row in rows:
        origin = f" from {row['origin']}" if row.get("origin") else ""
        words = f'libvirt: "{row["words"]}"' if row.get("words") else ""
        parts = (
            f"{row.get('at')}  {row.get('user')}{origin}", row.get("phase"), row.get("verb"), row.get("name"),
            row.get("host"), row.get("outcome"), row.get("text"), words,
        )  # fmt: skip
        print(text.clean("  ".join(str(part) for part in parts if part)))
