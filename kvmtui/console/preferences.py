"""What somebody has chosen of the console: its colours, its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console import keymap, keys, theme

if TYPE_CHECKING:
    from collections.abc import Mapping


class Preferences(NamedTuple):
    """What the console is to look like, with what was wrong with the choice."""

    theme: theme.Theme
    keymap: keys.Keymap = keys.BUILT_IN
    told: tuple[str, ...] = ()
    """What is said at first, a line each."""


def preferences(environ: Mapping[str, str]) -> Preferences:
    """Return what is in force. A mistake of somebody's own never keeps the console from opening: it is told.

    Raises ConfigError for a theme that cannot be used.
    """
    chosen, problems = keymap.read(keymap.place())
    told = (f"{keymap.place()}: the built-in keys stay where it is wrong", *problems) if problems else ()
    return Preferences(theme.load(theme.choose(environ)), chosen, told)
