"""What somebody has chosen of the console: colours, keys, what it is to remember."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console import keymap, keys, theme
from kvmtui.console.memory import Memory
from kvmtui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Preferences(NamedTuple):
    """What the console is to look like, with what was wrong with the choice."""

    theme: theme.Theme
    keymap: keys.Keymap = keys.BUILT_IN
    memory: Memory | None = None
    """What is remembered from the last time; None: nothing, nor will anything be."""
    told: tuple[str, ...] = ()
    """What is said at first, a line each."""


def preferences(environ: Mapping[str, str], memory: Memory) -> Preferences:
    """Return what is in force. A mistake of somebody's own never keeps the console from opening: it is told.

    The theme that was chosen in the console the last time counts where the environment says nothing.

    Raises ConfigError where the themes that come with kvmtui cannot be read.
    """
    chosen, problems = keymap.read(keymap.place())
    told = (f"{keymap.place()}: the built-in keys stay where it is wrong", *problems) if problems else ()
    last_theme = memory.now.theme
    if last_theme and not environ.get("KVMTUI_THEME") and not environ.get("NO_COLOR"):
        environ = {**environ, "KVMTUI_THEME": last_theme}
    scheme, more = _theme(environ)
    return Preferences(scheme, chosen, memory, (*told, *more, *filter(None, (memory.trouble,))))


def _theme(environ: Mapping[str, str]) -> tuple[theme.Theme, tuple[str, ...]]:
    """Return the theme in force, and what is wrong with the one that was asked for."""
    name = theme.choose(environ)
    if "KVMTUI_THEME" not in environ or name in theme.built_in():
        return theme.load(name), ()
    try:
        asked = theme.load(name)
    except ConfigError as error:
        instead = theme.choose({key: value for key, value in environ.items() if key != "KVMTUI_THEME"})
        return theme.load(instead), (f"{error.where}: not used, but {instead}", *error.problems)
    weak = theme.hard_to_see(asked)
    return asked, (f"theme {asked.name}: used as it is", *weak) if weak else ()
