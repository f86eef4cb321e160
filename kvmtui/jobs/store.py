"""The journal's file: SQLite, used by one thread."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from kvmtui.errors import NotRecordedError
from kvmtui.guard import audit
from kvmtui.guard.client import this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

APPLICATION_ID = 0x6B766D74
"""What marks the file as ours ("kvmt")."""
VERSION = 2
"""Of the tables."""
BUSY_S = 2.0
"""How long another process may hold the file before what was to be written is refused."""
CHECKED_MAX_BYTES = 256 * 1024 * 1024
"""A larger file is not read through when it is opened; damage in it shows when it is met."""

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_LOOK = "look at its folder (room, rights, a read-only disk); watching goes on"

_SCHEMA = (
    """CREATE TABLE job (
        id TEXT PRIMARY KEY, plan TEXT NOT NULL, verb TEXT NOT NULL, parameters TEXT NOT NULL,
        user TEXT NOT NULL, uid INTEGER NOT NULL, pid INTEGER NOT NULL, origin TEXT NOT NULL,
        state TEXT NOT NULL, stopped TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL,
        failed INTEGER NOT NULL, unknown INTEGER NOT NULL, skipped INTEGER NOT NULL, not_begun INTEGER NOT NULL,
        started REAL NOT NULL, ended REAL, subject TEXT NOT NULL, text TEXT NOT NULL,
        how TEXT NOT NULL DEFAULT '{}') WITHOUT ROWID""",
    """CREATE TABLE step (
        job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, number INTEGER NOT NULL,
        host TEXT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL, planned TEXT NOT NULL,
        state TEXT NOT NULL, text TEXT NOT NULL, words TEXT NOT NULL, remedy TEXT NOT NULL,
        began REAL, ended REAL, rank INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job, number)) WITHOUT ROWID""",
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_RENEWALS = {
    1: (
        "ALTER TABLE job ADD COLUMN how TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE step ADD COLUMN rank INTEGER NOT NULL DEFAULT 0",
    ),
}
"""Version -> what makes its tables those of the next."""

Values = tuple[str | int | float | None, ...]


class Change(NamedTuple):
    """What becomes durable together: rows, with the audit records of them."""

    statements: tuple[tuple[str, Sequence[Values]], ...]
    records: tuple[audit.Record, ...] = ()


class Store:
    """An open journal. Its methods raise NotRecordedError with the system's words and a remedy."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Open ``path``, or make it. A file that is not sound is left as it is, and not opened."""
        self.path = path
        self.writes = 0
        """How often something was written."""
        with refused(path, clock):
            self._inode = _make(path, clock)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare(clock)
            except BaseException:
                self._connection.close()
                raise
        self._clock = clock

    def write(self, changes: Sequence[Change]) -> None:
        """Make ``changes`` durable, all of them or none."""
        with refused(self.path, self._clock):
            self._check_place()
            self.writes += 1
            with self._transaction():
                self._append([record for change in changes for record in change.records], self._head())
                for change in changes:
                    for sql, rows in change.statements:
                        self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with refused(self.path, self._clock):
            return self._connection.execute(sql, values).fetchall()

    def damaged(self, words: str) -> NotRecordedError:
        """Return the error for rows that no kvmtui can have written."""
        return _damaged(self.path, words, self._clock())

    def close(self) -> None:
        """Close the file. What was written is durable already."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _prepare(self, clock: Callable[[], float]) -> None:
        ours = self._pragma("application_id")
        is_new = ours == 0 and not self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not is_new and ours != APPLICATION_ID:
            raise _DamagedError("it is not a journal of kvmtui")
        version = VERSION if is_new else self._pragma("user_version")
        if version != VERSION and version not in _RENEWALS:
            raise NotRecordedError(
                f"the journal's tables are of version {version}, this kvmtui knows version {VERSION}",
                where=str(self.path),
                remedy="use the kvmtui that wrote it",
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if is_new:
            self._create(clock)
        else:
            self._check()
            if version != VERSION:
                self._renew(version)

    def _create(self, clock: Callable[[], float]) -> None:
        kept = sorted(other.name for other in self.path.parent.glob(f"{self.path.name}.*"))
        words = "journal begun" + (f"; kept beside it: {', '.join(kept)}" if kept else "")
        with self._transaction():
            for sql in _SCHEMA:
                self._connection.execute(sql)
            self._connection.execute("INSERT INTO head VALUES (1, ?, ?)", audit.Head())
            self._append([note(words, clock())], audit.Head())

    def _renew(self, version: int) -> None:
        """Make the tables of an older kvmtui ours, once they are known to be sound; their records stay as they are."""
        with self._transaction():
            while version != VERSION:
                for sql in _RENEWALS[version]:
                    self._connection.execute(sql)
                version += 1
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _check(self) -> None:
        if self.path.stat().st_size <= CHECKED_MAX_BYTES:
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise _DamagedError(str(found))
        head = self._head()
        last = self._connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        if last is None or audit.Head(*last) != head:
            raise _DamagedError(f"its record does not end where it should, at {head.seq}")

    def _check_place(self) -> None:
        try:
            is_here = self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            is_here = False
        if not is_here:
            # What stands in the log beside it goes into the file itself, wherever that is now.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raise NotRecordedError(
                "the journal was moved or deleted", where=str(self.path), remedy="try again: a new one is begun then"
            )

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _head(self) -> audit.Head:
        row = self._connection.execute("SELECT seq, hash FROM head").fetchone()
        if row is None:
            raise _DamagedError("its record has no end")
        return audit.Head(*row)

    def _append(self, records: Sequence[audit.Record], head: audit.Head) -> None:
        if not records:
            return
        lines: list[Values] = []
        for record in records:
            line = audit.chain(record, head)
            head = audit.Head(line.seq, line.hash)
            lines.append((line.seq, line.record.decode(), line.hash))
        self._connection.executemany("INSERT INTO audit VALUES (?, ?, ?)", lines)
        self._connection.execute("UPDATE head SET seq = ?, hash = ?", head)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise


def note(words: str, at: float) -> audit.Record:
    """Return a record about the record itself."""
    return audit.Record(
        phase=audit.NOTE, at=audit.stamp(at), user=(who := this_process()).user, uid=who.uid, pid=who.pid, text=words
    )


def is_passing(error: NotRecordedError) -> bool:
    """Whether the file is sound all the same: it was locked, or the disk full."""
    cause = error.__cause__
    return isinstance(cause, sqlite3.Error) and _code(cause) in _PASSING


def mends_itself(error: NotRecordedError) -> bool:
    """Whether the file may take it later without anybody's doing: it is held, its disk is full, read-only, gone."""
    cause = error.__cause__
    return isinstance(cause, OSError) or (isinstance(cause, sqlite3.Error) and _code(cause) not in _DAMAGE)


def is_own_fault(error: NotRecordedError) -> bool:
    """Whether it was what should be written that could not be, not the file."""
    return isinstance(error.__cause__, ValueError | TypeError | OverflowError | sqlite3.IntegrityError)


class _DamagedError(Exception):
    """The file can be read, and is not what was written."""


def _make(path: Path, clock: Callable[[], float]) -> int:
    """Make the file, 0600, if it is not there; return its inode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _set_aside(path, clock)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _DamagedError("it is not a file")
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return found.st_ino
    finally:
        os.close(handle)


def _set_aside(path: Path, clock: Callable[[], float]) -> None:
    """Keep the log of a journal that was moved away: SQLite would take it for the new one's."""
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    index.unlink(missing_ok=True)
    if log.exists() and log.stat().st_size:
        log.rename(_aside(path, clock()) + "-wal")
    else:
        log.unlink(missing_ok=True)


def _aside(path: Path, at: float) -> str:
    return f"{path}.kept-{audit.stamp(at)[:19].replace(':', '')}Z"


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextlib.contextmanager
def refused(path: Path, clock: Callable[[], float]) -> Iterator[None]:
    """Say in our words why the journal could not be written."""
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        if code in _DAMAGE:
            raise _damaged(path, str(error), clock()) from error
        what, remedy = _REASONS.get(code, ("cannot be written", _LOOK))
        raise NotRecordedError(f"the journal {what}", where=str(path), words=str(error), remedy=remedy) from error
    except _DamagedError as error:
        raise _damaged(path, str(error), clock()) from error
    except OSError as error:
        words = error.strerror or str(error)
        raise NotRecordedError("the journal cannot be written", where=str(path), words=words, remedy=_LOOK) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise NotRecordedError("that cannot be written down", where=str(path), words=str(error)) from error


_REASONS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("cannot be written: the disk is full", "make room on its disk"),
    sqlite3.SQLITE_READONLY: ("cannot be written: it is read-only", "make it writable again"),
    sqlite3.SQLITE_BUSY: ("is held by another process", "end what holds it (fuser shows it)"),
    sqlite3.SQLITE_LOCKED: ("is held by another process", "end what holds it (fuser shows it)"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _LOOK),
    sqlite3.SQLITE_IOERR: ("cannot be written: its disk gives errors", "look at its disk"),
}


def _damaged(path: Path, words: str, at: float) -> NotRecordedError:
    return NotRecordedError(
        "the journal is damaged; what it says was under way has to be looked at by hand",
        where=str(path),
        words=words,
        remedy=f"keep it and go on with a new one: mv {path} {_aside(path, at)}",
    )
