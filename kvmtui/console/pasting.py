"""What is pasted, told from keys before anything looks into it."""

from __future__ import annotations

from typing import NamedTuple

BEGIN = "\x1b[200~"
END = "\x1b[201~"
LENGTH_MAX = 100_000
"""Characters of a paste that are kept."""
QUIET_S = 1.0
"""A paste whose end does not come is over after this long."""


class Piece(NamedTuple):
    """A piece of what arrived."""

    text: str
    is_pasted: bool


class Pasting:
    """Cuts what arrives into what was typed and what was pasted.

    Textual's parser looks for keys in what is pasted, too: an ESC in it would close what it was pasted into.
    """

    def __init__(self) -> None:
        self._pasted: list[str] | None = None
        self._length = 0
        self._held = ""
        """The end of what came, which may be the beginning of a mark."""
        self._last_at = 0.0

    def take(self, text: str, at: float) -> list[Piece]:
        """Return the pieces that are complete with what arrived at ``at``, monotonic seconds."""
        self._last_at = at
        text, self._held = self._held + text, ""
        pieces: list[Piece] = []
        while text:
            mark = BEGIN if self._pasted is None else END
            before, found, rest = text.partition(mark)
            if not found:
                # a lone ESC is a key; of a paste it may be the beginning of the end
                held = _overlap(text, mark, 2 if self._pasted is None else 1)
                before, self._held = text[: len(text) - held], text[len(text) - held :]
            if self._pasted is None:
                if before:
                    pieces.append(Piece(before, False))
                if found:
                    self._pasted, self._length = [], 0
            else:
                self._keep(before)
                if found:
                    pieces.append(self._done())
            text = rest if found else ""
        return pieces

    def rest(self, at: float) -> list[Piece]:
        """Return what is complete because nothing more has come."""
        if self._pasted is None:
            text, self._held = self._held, ""
            return [Piece(text, False)] if text else []
        return [self._done()] if at - self._last_at > QUIET_S else []

    def _keep(self, text: str) -> None:
        assert self._pasted is not None
        kept = text[: LENGTH_MAX - self._length]
        self._length += len(kept)
        self._pasted.append(kept)

    def _done(self) -> Piece:
        text = "".join(self._pasted or ())
        self._pasted, self._held = None, ""
        return Piece(text, True)


def _overlap(text: str, mark: str, least: int) -> int:
    """Return how many characters at the end of ``text`` are a beginning of ``mark``, if at least ``least`` are."""
    lengths = range(min(len(text), len(mark) - 1), least - 1, -1)
    return next((length for length in lengths if mark.startswith(text[-length:])), 0)
