"""Strips that cost few bytes on the way to the terminal."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.color import ColorSystem
    from rich.console import Console
    from rich.style import Style

_RESET = "\x1b[0m"
_SIGNS = frozenset("…–—·•◦‖≡✗✓▲▸⟳↓↑→")
_NEAR = 5
"""Cells that are as well painted again as passed over."""


class _Codes(NamedTuple):
    """What a style is to a terminal (SGR)."""

    attributes: frozenset[str]
    foreground: str
    background: str


_PLAIN = _Codes(frozenset(), "39", "49")


@lru_cache(4_096)
def _codes(style: Style | None, system: ColorSystem) -> _Codes:
    if style is None:
        return _PLAIN
    pairs = (("1", style.bold), ("2", style.dim), ("3", style.italic), ("4", style.underline), ("7", style.reverse))
    foreground = background = ""
    if style.color is not None:
        foreground = ";".join(style.color.downgrade(system).get_ansi_codes())
    if style.bgcolor is not None:
        background = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False))
    return _Codes(frozenset(code for code, is_set in pairs if is_set), foreground or "39", background or "49")


class Ink(Strip):
    """A strip that tells the terminal only what changes from one segment to the next.

    Textual resets all attributes behind each segment and sets all of them before the next: 40 bytes where 20 do. A
    strip that follows one which the terminal shows tells only the cells that differ.
    """

    __slots__ = ("_before", "_ink", "_shown")

    frame: ClassVar[int] = 0
    """Another one whenever the whole screen is painted, or something on it moves: what was shown before that need not
    be there any more."""
    partial: ClassVar[bool] = False
    """Whether what is rendered now stands in its place by itself, rather than in a line of several."""

    def follow(self, before: Strip) -> Self:
        """Say what stands in the place of this strip; return it."""
        if isinstance(before, Ink) and before.is_shown:
            self._before: Ink | None = before
        return self

    @property
    def is_shown(self) -> bool:
        """Whether the terminal shows it, as far as we know."""
        return getattr(self, "_shown", None) == Ink.frame

    def render(self, console: Console) -> str:
        """Return the strip as the terminal takes it."""
        system = console._color_system  # noqa: SLF001 - as Strip.render reads it
        before, self._before = getattr(self, "_before", None), None
        self._shown = Ink.frame
        if Ink.partial and system is not None and before is not None and before.is_shown:
            runs = _differ(before, self)
            if runs is not None:
                return "".join(_drawn(runs, system))
        cached: str | None = getattr(self, "_ink", None)
        if cached is None:
            whole = [(0, [(text, style) for text, style, _ in self])]
            cached = self._ink = "".join([text for text, _, _ in self] if system is None else _drawn(whole, system))
        return cached


Run = tuple[int, list[tuple[str, "Style | None"]]]
"""Where it begins, in cells; the texts it is made of, with their styles."""


def _differ(before: Strip, now: Strip) -> list[Run] | None:
    """Return the runs of cells that differ between two strips; None where it is as well to paint all of it."""
    old, new = _cells(before), _cells(now)
    if old is None or new is None or len(old) != len(new):
        return None
    places = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if len(places) * 2 > len(new):
        return None
    runs: list[Run] = []
    end = -_NEAR - 1
    for at in places:
        if at - end > _NEAR:
            runs.append((at, []))
            end = at
        for character, style in new[end : at + 1]:
            pieces = runs[-1][1]
            if pieces and pieces[-1][1] is style:
                pieces[-1] = (pieces[-1][0] + character, style)
            else:
                pieces.append((character, style))
        end = at + 1
    return runs


def _cells(strip: Strip) -> list[tuple[str, Style | None]] | None:
    """Return the cells of a strip; None if it has characters on whose width terminals may not agree."""
    if not all(text.isascii() or _ours(text) for text, _, _ in strip):
        return None
    return [(character, style) for text, style, _ in strip for character in text]


@lru_cache(4_096)
def _ours(text: str) -> bool:
    """Return whether a text consists of ASCII and the signs that we draw with, a cell each."""
    return all(
        sign.isascii() or sign in _SIGNS or 0x2500 <= ord(sign) < 0x25A0 or 0x2800 <= ord(sign) < 0x2900
        for sign in text
    )


def _drawn(runs: Sequence[Run], system: ColorSystem) -> list[str]:
    """Return what draws runs from the left edge on, each cell between them passed over."""
    drawn: list[str] = []
    now, at = _PLAIN, 0
    for start, pieces in runs:
        if start > at:
            drawn.append(f"\x1b[{start - at}C")
        at = start
        for text, style in pieces:
            want = _codes(style, system)
            if want != now:
                drawn.append(f"\x1b[{_change(now, want)}m")
                now = want
            drawn.append(text)
            at += len(text)
    if now != _PLAIN:
        drawn.append(_RESET)
    return drawn


@lru_cache(4_096)
def _change(now: _Codes, want: _Codes) -> str:
    """Return the codes that lead from one style to another."""
    codes: list[str] = []
    if now.attributes - want.attributes:
        codes.append("0")
        now = _PLAIN
    codes += sorted(want.attributes - now.attributes)
    if want.foreground != now.foreground:
        codes.append(want.foreground)
    if want.background != now.background:
        codes.append(want.background)
    return ";".join(codes)
