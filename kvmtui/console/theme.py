"""Colour schemes: YAML files that say how each role looks on each ground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.errors import StyleSyntaxError
from rich.style import Style

import kvmtui
from kvmtui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def folder() -> Path:
    """Return the folder of the themes that come with kvmtui: in the package, or beside it in a checkout."""
    package = Path(kvmtui.__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def names() -> list[str]:
    """Return the names of the themes that come with kvmtui."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def load(name: str) -> Theme:
    """Return a theme by its name. Raises ConfigError with everything that is wrong with it."""
    path = folder() / f"{name}.yaml"
    if name not in names():
        raise ConfigError(name, [f"there is no theme of this name · there are {', '.join(names())}"])
    import yaml

    try:
        theme = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Theme)
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [str(error)]) from error
    problems = [
        *_compare("ground", theme.grounds, GROUNDS),
        *_compare("role", theme.roles, ROLES),
        *_unreadable(theme.grounds | theme.roles),
    ]
    if problems:
        raise ConfigError(str(path), problems)
    return theme


def _compare(what: str, given: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    missing = [f"{what} {name} is missing · {wanted[name]}" for name in wanted if name not in given]
    strange = [f"there is no {what} {name} · there are {', '.join(wanted)}" for name in given if name not in wanted]
    return missing + strange


def _unreadable(styles: Mapping[str, str]) -> list[str]:
    problems = []
    for name, style in styles.items():
        try:
            Style.parse(style)
        except StyleSyntaxError as error:
            problems.append(f"{name}: {error}")
    return problems


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
