"""Themes: complete, readable, chosen by what the terminal is."""

from __future__ import annotations

from itertools import product

import pytest
from rich.color import Color
from rich.style import Style

from kvmtui.console import theme
from kvmtui.errors import ConfigError

NAMES = ("ansi-16", "colour-blind-safe", "dark", "light", "mono")
DRAWN = {"frame"}
"""Roles that draw lines, which need not be read."""
GRAPHS = {name for name in theme.ROLES if name.startswith("graph-")} | {"focus"}


def _luminance(color: Color) -> float:
    assert color.triplet is not None
    parts = [part / 255 for part in color.triplet]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    light, dark = sorted((_luminance(style.color), _luminance(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_all_of_them_load() -> None:
    """The five that come with it, every role and ground given."""
    assert theme.names() == list(NAMES)
    for name in NAMES:
        loaded = theme.load(name)
        assert loaded.name == name
        assert set(loaded.roles) == set(theme.ROLES)
        assert set(loaded.grounds) == set(theme.GROUNDS)


@pytest.mark.parametrize("name", ["dark", "light", "colour-blind-safe"])
def test_everything_can_be_read(name: str) -> None:
    """Text at least 4.5 to 1 on every ground it stands on, graphs 3 to 1 (WCAG)."""
    palette = theme.Palette(theme.load(name))
    for role, ground in product(theme.ROLES, theme.GROUNDS):
        if role in DRAWN or (role == "entry"):
            continue
        least = 3.0 if role in GRAPHS else 4.5
        assert _contrast(palette.style(role, ground)) >= least, f"{role} on {ground}"


def test_the_cursor_can_be_seen() -> None:
    """Each ground differs from the screen's own."""
    for name in NAMES:
        loaded = theme.load(name)
        assert len({loaded.grounds[ground] for ground in ("base", "cursor", "idle")}) == 3


def test_mono_has_no_colours() -> None:
    """NO_COLOR means it."""
    palette = theme.Palette(theme.load("mono"))
    for role, ground in product(theme.ROLES, theme.GROUNDS):
        style = palette.style(role, ground)
        assert style.color is None
        assert style.bgcolor is None


def test_ansi_uses_the_terminals_own_sixteen() -> None:
    """No 24-bit greys."""
    palette = theme.Palette(theme.load("ansi-16"))
    for role, ground in product(theme.ROLES, theme.GROUNDS):
        style = palette.style(role, ground)
        for color in (style.color, style.bgcolor):
            assert color is None or (color.number is not None and color.number < 16)


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "light"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "dark"),
        ({"TERM": "linux"}, "ansi-16"),
        ({"TERM": "xterm-256color", "KVMTUI_THEME": "colour-blind-safe"}, "colour-blind-safe"),
    ],
)
def test_the_terminal_chooses(environ: dict[str, str], chosen: str) -> None:
    """By what its environment says."""
    assert theme.choose(environ) == chosen


def test_an_unknown_theme_names_the_known() -> None:
    """With a remedy."""
    with pytest.raises(ConfigError, match="there are ansi-16, colour-blind-safe, dark"):
        theme.load("../../etc/passwd")
