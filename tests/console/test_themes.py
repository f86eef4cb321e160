"""Themes: complete, readable, chosen by what the terminal is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from rich.style import Style

from kvmtui.cli import exits, main
from kvmtui.console import theme
from kvmtui.console.memory import Memory
from kvmtui.console.preferences import preferences
from kvmtui.errors import ConfigError
from tests.console.desks import Desk, sitting

NAMES = ("ansi-16", "colour-blind-safe", "dark", "light", "mono")


def test_all_of_them_load() -> None:
    """The five that come with it, every role and ground given."""
    assert theme.names() == list(NAMES)
    for name in NAMES:
        loaded = theme.load(name)
        assert loaded.name == name
        assert set(loaded.roles) == set(theme.ROLES)
        assert set(loaded.grounds) == set(theme.GROUNDS)


@pytest.mark.parametrize("name", NAMES)
def test_everything_can_be_seen(name: str) -> None:
    """Text at least 4.5 to 1 on every ground it stands on, graphs 3 to 1 (WCAG)."""
    assert theme.hard_to_see(theme.load(name)) == []


@pytest.mark.parametrize(
    ("style", "ratio"),
    [("#ffffff on #000000", 21.0), ("#777777 on #ffffff", 4.48), ("color(231) on color(16)", 21.0), ("reverse", None),
     ("red on #000000", None), ("#ffffff", None)],
)  # fmt: skip
def test_contrast_is_wcags(style: str, ratio: float | None) -> None:
    """By its own examples; nobody knows what a terminal's sixteen colours look like."""
    found = theme.contrast(Style.parse(style))
    assert found == (ratio if ratio is None else pytest.approx(ratio, abs=0.01))


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


# --- of one's own -------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where themes of one's own are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "kvmtui" / "themes"
    folder.mkdir(parents=True)
    return folder


def test_a_theme_of_ones_own_stands_beside_the_others(own: Path) -> None:
    """It says what differs from another."""
    (own / "night.yaml").write_text('base: dark\nabout: for the night\nroles:\n  text: "bold #ffeedd"\n')
    assert "night" in theme.names()
    loaded = theme.load("night")
    assert (loaded.name, loaded.about) == ("night", "for the night")
    assert loaded.roles == theme.load("dark").roles | {"text": "bold #ffeedd"}
    assert loaded.grounds == theme.load("dark").grounds
    assert preferences({"KVMTUI_THEME": "night"}, Memory()).told == ()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["the file holds no theme · begin with \"base: dark\""]),
        ("- a", ["the file holds no theme"]),
        ("base: darc", ['line 1: base: "darc" is no choice · one of ansi-16, colour-blind-safe, dark']),
        ("base: dark\nrole: {}", ['line 2: unknown key "role" · did you mean roles?']),
        ("base: dark\nroles: {txt: bold}", ['line 2: roles: unknown key "txt" · did you mean text?']),
        ("base: dark\nroles:\n  text: #ffeedd", ["line 3: roles: text is empty · a colour wants quotes"]),
        ("base: dark\nroles: {text: '#fff', bad: bolt}", ['text: "#fff" is no colour', 'bad: "bolt" is no colour']),
        ("base: dark\nroles: {text: 'bold #e0c8zz on red'}",
         ['line 2: roles: text: "#e0c8zz" is no colour · #rrggbb, or a name like bright_blue']),
        ("base: dark\nroles: {text: bold on}", ["roles: text: a colour must follow on"]),
        ("base: dark\nroles: {text: blink red}", ["line 2: roles: text: blink cannot be shown · attributes are bold"]),
        ("base: dark\nroles: {text: [a]}", ["a list where one text is wanted"]),
        ("base: dark\nroles: {text: on}", ["on is true in YAML · quote it"]),
        ("base: dark\nroles: dark", ["roles: \"dark\" where a block of keys is wanted"]),
        ("base: dark\nname: day", ['line 2: name: "day" · a theme has the name of its file: night']),
        ("base: [dark", ["not YAML"]),
        ("base: dark\nbase: light", ['line 2: "base" stands on line 1 already']),
        ("roles: {text: bold}", ["base is missing: the screen · give it a style", "faint is missing"]),
        ("base: dark\nroles: {text: \"\\x1b\"}", ['text: "\ufffd"']),
    ],
)  # fmt: skip
def test_every_mistake_is_told_at_once(own: Path, text: str, problems: Sequence[str]) -> None:
    """With its line and a remedy; the theme that suits the terminal stands in."""
    (own / "night.yaml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        theme.load("night")
    assert raised.value.where.endswith("night.yaml")
    for wanted in problems:
        assert any(wanted in problem for problem in raised.value.problems), raised.value.problems
    chosen = preferences({"KVMTUI_THEME": "night", "TERM": "linux"}, Memory())
    assert chosen.theme.name == "ansi-16"
    assert chosen.told == (f"{own / 'night.yaml'}: not used, but ansi-16", *raised.value.problems)
    assert all(line.isprintable() for line in chosen.told)


def test_a_theme_that_is_not_there_stops_nothing() -> None:
    """It is said."""
    chosen = preferences({"KVMTUI_THEME": "drak", "TERM": "xterm-256color"}, Memory())
    assert chosen.theme.name == "dark"
    assert chosen.told[0] == "theme drak: not used, but dark"
    assert chosen.told[1].startswith("there is none of this name · there are ansi-16")


def test_what_is_hard_to_see_is_told(own: Path) -> None:
    """By role, with the grounds it is worst on; the theme is used all the same."""
    (own / "pale.yaml").write_text(
        'base: light\ngrounds: {cursor: "on #ffffff", base: "on #ffffff"}\nroles: {text: "#bbbbbb"}\n'
    )
    chosen = preferences({"KVMTUI_THEME": "pale"}, Memory())
    assert chosen.theme.name == "pale"
    text = next(line for line in chosen.told if line.startswith("text is hard to see on base 1.9, bar "))
    assert "4.5 to 1 is wanted" in text
    assert any(line.startswith("cursor looks like base") for line in chosen.told)


def test_check_looks_at_them(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One whose name is taken is never used."""
    (tmp_path / "c.yaml").write_text("hosts: [{name: a, uri: 'qemu:///system'}]")
    monkeypatch.setenv("KVMTUI_CONFIG", str(tmp_path / "c.yaml"))
    (own / "night.yaml").write_text('base: dark\nroles: {text: "#333333"}\n')
    assert main(["check"]) == exits.DONE
    out = capsys.readouterr().out
    assert "night.yaml: fine" in out
    assert "note: text is hard to see" in out
    (own / "dark.yaml").write_text("base: light\n")
    assert main(["check"]) == exits.USAGE
    assert "dark comes with kvmtui, and that one is used · give the file another name" in capsys.readouterr().err


@pytest.mark.parametrize("keys", [(), ("a",), ("enter", "l"), ("?",), ("slash", "w"), ("f",), ("t", "o")])
async def test_another_theme_is_everywhere_at_once(keys: Sequence[str]) -> None:
    """As if the console had been opened with it: pages below, panes that are not shown, menus, too."""

    def drawn(desk: Desk) -> list[object]:
        strips = desk.app.screen._compositor.render_strips()
        return [[(segment.text, segment.style) for segment in strip] for strip in strips]

    pictures = []
    for began in ("light", "dark"):
        async with sitting(look=began) as desk:
            await desk.until(lambda: desk.app.main.metrics.subject)
            await desk.settle()
            await desk.press(*keys)
            desk.app.use_theme("light")
            await desk.settle()
            on_top = drawn(desk)
            await desk.press("escape", "escape", "f", "f", "1", "t")
            await desk.settle()
            pictures.append((on_top, drawn(desk)))
    assert pictures[0] == pictures[1]


async def test_a_theme_is_chosen_by_its_name(own: Path) -> None:
    """A wrong one is told and changes nothing; so is what is hard to see."""
    (own / "pale.yaml").write_text('base: light\nroles: {text: "#bbbbbb"}\n')
    async with sitting() as desk:
        await desk.press(":", *"theme drak", "enter")
        assert "there is none of this name" in desk.text()
        assert desk.app.palette.theme.name == "dark"
        await desk.press(":", "ctrl+u", *"theme pale", "enter")
        assert desk.app.palette.theme.name == "pale"
        assert "text is hard to see on base" in desk.text()
