"""Tells keys that somebody pressed from bursts of characters or torn escape sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

TORN_S = 0.5
"""After a lone ESC, how long the rest of its sequence may take to arrive."""
APART_S = 0.006
"""Nobody presses two different keys nearer to each other than this."""
_PARAMETERS = frozenset("0123456789;:<=>?!\"#$%&'()*+,-./ ")
_LONGEST = 16


class Arrived(NamedTuple):
    """A key as it arrived."""

    key: str
    """By our name (keys.name_of)."""
    is_character: bool
    """A paste can hold it: a character, or enter."""
    at: float
    """Monotonic seconds."""


class Sifted(NamedTuple):
    """What is left of keys that arrived together."""

    keys: tuple[Arrived, ...]
    burst: str
    """Characters that were dropped because they came at once; "" if none were."""


class Sieve:
    """Looks at keys in the portions in which they arrive.

    A portion of characters that do more than move about is no typing: a paste, or another program. It is dropped
    as a whole, and so is what follows it without a pause. Two keys, one of which only moves, are a quick hand on a
    slow line. While something is typed into an input, all may come.
    """

    def __init__(self, harmless: Iterable[str]) -> None:
        """``harmless`` keys may come in any number at once: a key held down over a slow line."""
        self._harmless = frozenset(harmless)
        self.in_input = False
        """Characters are wanted: somebody types a filter or a phrase."""
        self._escaped_at: float | None = None
        self._tail = ""
        self._last_at = float("-inf")
        self._last_key = ""
        self._bursting = False

    def sift(self, arrived: Iterable[Arrived]) -> Sifted:
        """Return the keys of one portion that count, and what was dropped as a burst."""
        whole = [key for key in arrived if not self._is_torn(key)]
        characters = [key for key in whole if key.is_character]
        if self.in_input:
            self._bursting = False
            return Sifted(tuple(whole), "")
        if not characters:
            return Sifted(tuple(whole), "")
        first, last = characters[0], characters[-1]
        close = first.at - self._last_at < APART_S
        moves = sum(key.key in self._harmless for key in characters)
        several = len(characters) > 1 and moves < len(characters) and not (len(characters) == 2 and moves)
        follows = close and (self._bursting or not {first.key, self._last_key} & self._harmless)
        self._bursting = several or follows
        self._last_at, self._last_key = last.at, last.key
        if not self._bursting:
            return Sifted(tuple(whole), "")
        burst = "".join(key.key if len(key.key) == 1 else "⏎" for key in characters)
        return Sifted(tuple(key for key in whole if not key.is_character), burst)

    def _is_torn(self, key: Arrived) -> bool:
        """Return whether a key is the tail of a sequence whose ESC came alone."""
        if key.key == "escape":
            self._escaped_at, self._tail = key.at, ""
            return False
        if self._escaped_at is None:
            return False
        if not key.is_character or key.at - self._escaped_at > TORN_S or len(self._tail) > _LONGEST:
            self._escaped_at = None
            return False
        if not self._tail:
            if key.key not in {"[", "O"}:
                self._escaped_at = None
                return False
            self._tail = key.key
            return True
        if self._tail[0] == "O" or key.key not in _PARAMETERS:
            self._escaped_at = None
        else:
            self._tail += key.key
        return True
