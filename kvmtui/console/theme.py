"""Colour schemes: YAML files that say how each role looks on each ground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.color import ColorType
from rich.style import Style

import kvmtui
from kvmtui import paths
from kvmtui.errors import ConfigError
from kvmtui.text import clean
from kvmtui.yamltree.bounded import read_bounded
from kvmtui.yamltree.nodes import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.color import Color

OWN_MAX = 100
"""Themes of one's own that are looked at."""

ROLES: dict[str, str] = {
    "text": "what is there to be read",
    "faint": "what is old, off or of no account now",
    "title": "names of panes, graphs, the fleet",
    "accent": "what we are doing: jobs, what is typed",
    "good": "as it should be",
    "notice": "severity 1",
    "warn": "severity 2",
    "bad": "severity 3 and 4",
    "unknown": "nobody knows",
    "key": "a key that may be pressed",
    "entry": "the cursor in what is typed",
    "badge": "DEMO and the like",
    "frame": "lines around panes",
    "focus": "lines around the pane in which keys act",
    "xml-tag": "names of elements in XML",
    "xml-attribute": "names of attributes",
    "xml-value": "values of attributes",
    "xml-comment": "comments, declarations",
    "graph-cpu": "graphs of CPU time",
    "graph-mem": "graphs of memory",
    "graph-disk": "graphs of disks, load",
    "graph-net": "graphs of networks, pressure",
}
"""Role -> what it is for. Every theme gives a style to each."""

GROUNDS: dict[str, str] = {
    "base": "the screen",
    "bar": "first and last line",
    "cursor": "the row that keys act on",
    "idle": "the cursor of a pane in which keys do not act",
    "sheet": "menus and questions",
}
"""Ground -> what stands on it."""


class Theme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A colour scheme. Styles are Rich's: "bold #aabbcc", "reverse", "on #112233"."""

    name: str
    about: str
    grounds: dict[str, str]
    roles: dict[str, str]


class Palette:
    """The styles of a theme, ready to paint with."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._roles = {name: Style.parse(style) for name, style in theme.roles.items()}
        self._grounds = {name: Style.parse(style) for name, style in theme.grounds.items()}
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, role: str, ground: str = "base") -> Style:
        """Return how ``role`` looks on ``ground``."""
        style = self._styles.get((role, ground))
        if style is None:
            style = self._roles[role] + self._grounds[ground]
            self._styles[role, ground] = style
        return style


def contrast(style: Style) -> float | None:
    """Return how far what is drawn in ``style`` stands out from its ground, 1 to 21 (WCAG 2).

    None where the terminal's own colours decide.
    """
    colours = [_luminance(colour) for colour in (style.color, style.bgcolor)]
    if colours[0] is None or colours[1] is None:
        return None
    dark, light = sorted(each for each in colours if each is not None)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color | None) -> float | None:
    if colour is None or colour.is_default or colour.type is ColorType.STANDARD:
        return None
    parts = [part / 255 for part in colour.get_truecolor()]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def least_contrast(role: str) -> float:
    """Return the contrast that a role must have: 4.5 for what is read, 3 for what is looked at, none for lines."""
    if role == "frame":
        return 0.0
    return 3.0 if role == "focus" or role.startswith("graph-") else 4.5


def hard_to_see(theme: Theme) -> list[str]:
    """Return what is hard to see in a theme, a line of text each with what to do."""
    palette = Palette(theme)
    found = []
    for role in ROLES:
        least = least_contrast(role)
        weak = {ground: ratio for ground in GROUNDS if (ratio := contrast(palette.style(role, ground))) is not None}
        weak = {ground: ratio for ground, ratio in weak.items() if ratio < least}
        if weak:
            told = ", ".join(f"{ground} {ratio:.1f}" for ground, ratio in weak.items())
            found.append(f"{role} is hard to see on {told}; {least:g} to 1 is wanted · make it lighter or darker")
    same = [g for g in ("cursor", "idle") if palette.style("text", g) == palette.style("text", "base")]
    return found + [f"{g} looks like base: nobody sees where the cursor is · give it another ground" for g in same]


def folder() -> Path:
    """Return the folder of the themes that come with kvmtui: in the package, or beside it in a checkout."""
    package = Path(kvmtui.__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def own_folder() -> Path:
    """Return the folder for themes of one's own."""
    return paths.config_home() / "themes"


def built_in() -> list[str]:
    """Return the names of the themes that come with kvmtui."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def own() -> list[str]:
    """Return the names of somebody's own themes, right or wrong."""
    return sorted(path.stem for path in own_folder().glob("*.yaml"))[:OWN_MAX]


def names() -> list[str]:
    """Return the names of all themes."""
    return sorted({*built_in(), *own()})


def load(name: str) -> Theme:
    """Return a theme by its name. Raises ConfigError with everything that is wrong with it."""
    if name in built_in():
        return _read(folder() / f"{name}.yaml")
    if name in own():
        return _read(own_folder() / f"{name}.yaml")
    raise ConfigError(
        f"theme {clean(name, 40)}", [f"there is none of this name · there are {clean(', '.join(names()), 400)}"]
    )


def check(name: str) -> Theme:
    """Return one of somebody's own themes. Raises ConfigError as load() does, for a name that cannot be chosen too."""
    if name in built_in():
        where = str(own_folder() / f"{name}.yaml")
        raise ConfigError(where, [f"{name} comes with kvmtui, and that one is used · give the file another name"])
    return load(name)


def _read(path: Path) -> Theme:
    from kvmtui.console.theme_file import read

    raw, why, remedy = read_bounded(path)
    if why:
        raise ConfigError(str(path), [f"cannot be read: {why} · {remedy or 'make it readable, or remove it'}"])
    problems = Problems()
    theme = read(raw, path.stem, problems)
    if theme is None:
        raise ConfigError(str(path), problems.lines())
    return theme


def choose(environ: Mapping[str, str]) -> str:
    """Return the name of the theme for a terminal, by what its environment says of it.

    ``KVMTUI_THEME`` decides; NO_COLOR means no colours at all; terminals of 16 colours get their own; ``COLORFGBG``
    tells a light ground where the terminal sets it.
    """
    if name := environ.get("KVMTUI_THEME"):
        return name
    if environ.get("NO_COLOR"):
        return "mono"
    term = environ.get("TERM", "")
    many = environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or "256color" in term or "direct" in term
    if not many:
        return "ansi-16"
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if ground in {"7", "15"} else "dark"
