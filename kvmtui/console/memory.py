"""What the console remembers from one time to the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from kvmtui.console.arrangement import BUILT_IN, Arrangement, View
from kvmtui.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HISTORY_MAX = 200
VIEWS_MAX = 100
NAME_MAX = 40
"""Characters of a view's name."""
_BYTES_MAX = 1 << 20
_FORMAT = 1


class Remembered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in the file. Marks are never in it, nor is a filter that nobody saved: who opens a console sees all."""

    format: int = _FORMAT
    tables: dict[str, Arrangement] = {}
    """Name of a table -> its order and columns."""
    views: dict[str, View] = {}
    history: tuple[str, ...] = ()
    """Commands as they were typed, the oldest first."""
    theme: str = ""
    bottom: Literal["metrics", "tasks"] = "metrics"
    """The pane below the others."""
    zoomed: bool = False


class Memory:
    """What is remembered, and the file that it is kept in."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: where it is kept; None: nowhere. A file that cannot be read counts as none, and ``trouble`` says
        why; it is kept beside the one that takes its place."""
        self.path = path
        self.trouble = ""
        self.now = Remembered()
        self._changes: list[Callable[[Remembered], Remembered]] = []
        if path is not None:
            with contextlib.suppress(FileNotFoundError):
                self.now = self._read(path)

    def change(self, change: Callable[[Remembered], Remembered]) -> None:
        """Remember something else from now on; save() writes it."""
        self.now = change(self.now)
        self._changes.append(change)

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self._changes) and self.path is not None

    def save(self) -> None:
        """Write what has changed into the file, on top of what other consoles wrote there meanwhile.

        Blocks as long as the file system does. Raises OSError.
        """
        if self.path is None or not self._changes:
            return
        changes, self._changes = self._changes, []
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = Remembered()
            with contextlib.suppress(FileNotFoundError):
                kept = self._read(self.path)
            for change in changes:
                kept = change(kept)
            draft = self.path.with_suffix(".new")
            with open(draft, "wb", opener=_private) as file:
                file.write(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
            draft.replace(self.path)

    def _read(self, path: Path) -> Remembered:
        """Return what is in the file; nothing, where it cannot be understood. Raises FileNotFoundError."""
        try:
            with path.open("rb") as file:
                data = file.read(_BYTES_MAX + 1)
            if len(data) > _BYTES_MAX:
                raise msgspec.ValidationError(f"more than {_BYTES_MAX >> 20} MiB")
            found = msgspec.json.decode(data, type=Remembered)
            if found.format != _FORMAT:
                raise msgspec.ValidationError(f"written by another version (format {found.format})")
        except FileNotFoundError:
            raise
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            beside = path.with_suffix(".broken")
            with contextlib.suppress(OSError):
                path.replace(beside)
            self.trouble = clean(f"{path}: not understood, kept as {beside.name}, begun anew · {error}", 400)
            return Remembered()
        return _bounded(found)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _bounded(found: Remembered) -> Remembered:
    views = list(found.views.items())[-VIEWS_MAX:]
    return replace(
        found,
        history=tuple(clean(line) for line in found.history[-HISTORY_MAX:]),
        views={clean(name, NAME_MAX): view for name, view in views},
    )


def views(now: Remembered) -> dict[str, View]:
    """Return all views: those that are there for everybody, and those that were saved."""
    return BUILT_IN | now.views


def view_of(now: Remembered, table: str, arrangement: Arrangement) -> str:
    """Return the name of the view that a table is arranged by; "" if it is none's."""
    found = (name for name, view in views(now).items() if view.table == table and view.arrangement == arrangement)
    return next(found, "")


def with_table(name: str, arrangement: Arrangement) -> Callable[[Remembered], Remembered]:
    """Return the change to another order, and other columns, of a table."""
    kept = Arrangement(sort=arrangement.sort, descending=arrangement.descending, columns=arrangement.columns)
    return lambda now: replace(now, tables=now.tables | {name: kept})


def with_view(name: str, view: View | None) -> Callable[[Remembered], Remembered]:
    """Return the change to a saved view; None: it is forgotten."""

    def change(now: Remembered) -> Remembered:
        others = {key: value for key, value in now.views.items() if key != name}
        return _bounded(replace(now, views=others if view is None else others | {name: view}))

    return change


def with_command(line: str) -> Callable[[Remembered], Remembered]:
    """Return the change to a history in which ``line`` is the last."""

    def change(now: Remembered) -> Remembered:
        others = tuple(each for each in now.history if each != line)
        return _bounded(replace(now, history=(*others, line)))

    return change


def with_layout(bottom: str, *, zoomed: bool) -> Callable[[Remembered], Remembered]:
    """Return the change to another place of the panes."""
    return lambda now: replace(now, bottom="tasks" if bottom == "tasks" else "metrics", zoomed=zoomed)


def with_theme(name: str) -> Callable[[Remembered], Remembered]:
    """Return the change to another theme."""
    return lambda now: replace(now, theme=name)
