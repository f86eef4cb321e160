"""The keys somebody has chosen: what is in force, what is told of mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.cli import exits, main
from kvmtui.console import keymap
from kvmtui.console.keys import ACTIONS, BUILT_IN, FREE, NEEDED, TORN, Keymap
from kvmtui.wire.messages import MakePlan
from tests.console.desks import sitting

NAMES = [action.name for action in ACTIONS]


def _read(folder: Path, text: str | bytes) -> tuple[Keymap, tuple[str, ...]]:
    path = folder / "keys.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return keymap.read(path)


def _keys(chosen: Keymap, name: str) -> tuple[str, ...]:
    return next(action.keys for action in chosen.actions if action.name == name)


def test_without_a_file_nothing_is_read(tmp_path: Path) -> None:
    """Nor is anything loaded that reads YAML."""
    assert keymap.read(tmp_path / "keys.yaml") == (BUILT_IN, ())
    code = "import sys; from pathlib import Path; from kvmtui.console import keymap; keymap.read(Path('/nowhere/x'))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print('yaml' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_keys_can_be_chosen(tmp_path: Path) -> None:
    """One or many, in any spelling, exchanged, none at all; what is not named stays as it is."""
    chosen, problems = _read(
        tmp_path,
        "table.filter: [/, ctrl+f]\nlist.page_down: [PgDn, space]\nmain.zoom: o\ntable.order: f\nmain.xml: []\n"
        "main.pane_hosts: 0\ntable.mark: ctrl+e\n",
    )
    assert problems == ()
    assert _keys(chosen, "table.filter") == ("/", "ctrl+f")
    assert _keys(chosen, "list.page_down") == ("pagedown", " ")
    assert _keys(chosen, "main.xml") == ()
    assert _keys(chosen, "main.pane_hosts") == ("0",)
    found = chosen.find(("list", "table", "main"), "o")
    assert found is not None
    assert found.id == "zoom"
    assert _keys(chosen, "everywhere.help") == ("?",)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "~\n"])
def test_an_empty_file_is_fine(tmp_path: Path, text: str) -> None:
    """Somebody has begun one."""
    chosen, problems = _read(tmp_path, text)
    assert problems == ()
    assert chosen.actions == BUILT_IN.actions


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("\ntable.fliter: f5", 2, 'no action "table.fliter"', "did you mean table.filter?"),
        ("filter: f5", 1, 'no action "filter"', "did you mean table.filter?"),
        ("start: s", 1, 'no action "start"', "the letters of acts are the same for everybody"),
        ("a.shutdown: s", 1, 'no action "a.shutdown"', "the letters of acts are the same for everybody"),
        ("verb.x: s", 1, 'no action "verb.x"', "table.act opens their menu"),
        ("main.zoom: ctrl+b", 1, "ctrl+b belongs to terminals", "choose another key"),
        ("main.zoom: '['", 1, "slow line", "choose a small letter"),
        ("main.zoom: [f, O]", 1, "O arrives by itself", "choose a small letter"),
        ("main.zoom: X", 1, "X arrives by itself", "choose a small letter"),
        ("main.zoom: pagdown", 1, 'no key "pagdown"', "did you mean pagedown?"),
        ("main.zoom: ff", 1, 'no key "ff"', "one character, or enter"),
        ("main.zoom: 中", 1, "no key", "one character"),
        ("main.zoom: ctrl+i", 1, "terminals send tab for ctrl+i", "write tab"),
        ("main.zoom:", 1, "nothing where a key is wanted", "[] leaves the action without a key"),
        ("main.zoom: ~", 1, "nothing where a key is wanted", 'wants quotes: "~"'),
        ("main:\n  zoom: f", 1, 'no action "main"', "write main.NAME: KEY"),
        ("xyz: f", 1, 'no action "xyz"', "names them all"),
        ("main.zoom: {a: b}", 1, "a block of keys where a key is wanted", "write main.zoom: f"),
        ("main.zoom: [1, 2, 3, 4, 5, 6, 7, 8, 9]", 1, "9 keys", "at most 8"),
        ("everywhere.help: []", 1, "everywhere.help is left without a key", "give it one"),
        ("everywhere.close: []", 1, "everywhere.close is left without a key", "give it one"),
        ("main.zoom: /", 1, "/ is both table.filter and main.zoom (line 1)", "give one another key"),
        ("main.zoom: f5\nlist.down: [j, f5]", 2, "f5 is both list.down (line 2) and main.zoom (line 1)", "another key"),
        ("list.down: ?", 1, "not YAML", 'quote keys that are signs: "?"'),
        ("- main.zoom", 1, "a list where names of actions are wanted", "write main.zoom: f"),
        ("main.zoom: &a f5\nmain.xml: *a", 1, "anchors are not read", "write each value out"),
        ("main.zoom: f5\nmain.zoom: f6", 2, "stands on line 1 already", "keep one of the two"),
        (b"main.zoom: \xff", 1, "not UTF-8", "save the file as UTF-8"),
        ("main.zoom: \x1b[2J", 1, "control character U+001B", "remove it"),
        ("[" * 50, 1, "levels deep", "flatter"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_a_remedy(
    tmp_path: Path, text: str | bytes, line: int, what: str, remedy: str
) -> None:
    """And the built-in key stays."""
    chosen, problems = _read(tmp_path, text)
    assert any(
        problem.startswith(f"line {line}: ") and what in problem and remedy in problem for problem in problems
    ), problems
    assert _keys(chosen, "main.zoom") in {("f",), ("f5",)}
    assert all(problem.isprintable() for problem in problems)


def test_mistakes_are_told_all_at_once_and_the_rest_is_in_force(tmp_path: Path) -> None:
    """Each has its line; the good lines count."""
    chosen, problems = _read(
        tmp_path, "main.zoom: ctrl+q\ntable.fliter: x\neverywhere.back: []\nlist.down: [n]\nlist.up: [i]\n"
    )
    assert [re.match(r"line (\d)", problem)[1] for problem in problems] == ["1", "2", "3", "4", "4"]  # type: ignore[index]
    assert _keys(chosen, "list.up") == ("i",)
    assert _keys(chosen, "list.down") == ("j", "down")


@pytest.mark.parametrize("make", ["folder", "large", "locked"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, make: str) -> None:
    """No pipe is waited for, nothing huge is read."""
    path = tmp_path / "keys.yaml"
    if make == "folder":
        path.mkdir()
    elif make == "large":
        path.write_bytes(b"#" * 2_000_000)
    else:
        path.symlink_to(path)
    chosen, problems = keymap.read(path)
    assert chosen is BUILT_IN
    assert problems[0].startswith("cannot be read: ")


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(["j", "n", "f5", "?", "[", "q", "enter", "tab", "G"]), max_size=3),
    )
)
def test_whatever_is_chosen_the_keys_in_force_are_sound(
    tmp_path_factory: pytest.TempPathFactory, picked: dict[str, list[str]]
) -> None:
    """No key does two things in one place, none that must stay free does anything, nobody is locked in."""
    text = "\n".join(f"{name}: [{', '.join(map(repr, keys))}]" for name, keys in picked.items())
    chosen, problems = _read(tmp_path_factory.mktemp("keys"), text)
    assert chosen.clashes() == []
    for action in chosen.actions:
        assert not set(action.keys) & (FREE | TORN)
        assert action.keys or action.name not in NEEDED
    ignored = [name for name, keys in picked.items() if _keys(chosen, name) != tuple(dict.fromkeys(keys))]
    assert bool(ignored) == bool(problems)


def test_what_is_harmless_follows_the_keys(tmp_path: Path) -> None:
    """A key that acts anywhere, in the menu of acts too, is never held down by accident."""
    chosen, _ = _read(tmp_path, "list.down: [m, s, down]\ntable.next_wrong: j\n")
    assert {"m", "down", "j"} <= chosen.moves
    assert not {"s", "a", "y"} & chosen.moves


async def test_the_console_goes_by_them(tmp_path: Path) -> None:
    """Keys, footer, help; the key that was given away does nothing."""
    chosen, problems = _read(tmp_path, "table.act: ctrl+f\nmain.zoom: f5\neverywhere.help: [f1, '?']\n")
    assert problems == ()
    async with sitting(keymap=chosen) as desk:
        assert "f1 help" in desk.lines()[-1]
        assert "ctrl+f act" in desk.lines()[-1]
        await desk.press("a")
        assert desk.sheet == ""
        await desk.press("j", "j", "ctrl+f", "d")
        await desk.until(lambda: desk.worker.asked(MakePlan))
        await desk.press("escape", "f1")
        assert "Keys everywhere" in desk.text()
        assert "f1 ?" in desk.text()
        await desk.press("G")
        assert "help" in desk.lines()[1]


async def test_mistakes_are_said_at_start_and_stop_nothing() -> None:
    """All of them over the last line until somebody goes on, then one line until it was read."""
    told = (
        "/home/me/keys.yaml: the built-in keys stay where it is wrong",
        *(f"line {n}: wrong · mend it" for n in range(9)),
    )
    async with sitting(told=told, size=(80, 24)) as desk:
        assert all(line in desk.text() for line in told)
        await desk.press("j")
        assert "9 in all" in desk.text()
        assert "line 1" not in desk.text()
        await desk.press("escape")
        assert "keys.yaml" not in desk.text()


def test_check_tells_what_is_wrong_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the config's own problems."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "kvmtui").mkdir()
    config = tmp_path / "kvmtui" / "config.yaml"
    monkeypatch.setenv("KVMTUI_CONFIG", str(config))
    config.write_text("hosts: [{name: a, uri: 'qemu:///system', x: 1}]\n")
    keys = tmp_path / "kvmtui" / "keys.yaml"
    keys.write_text("main.zooom: f5\n")
    assert main(["check"]) == exits.USAGE
    err = capsys.readouterr().err
    assert "config.yaml: 1 problem" in err
    assert 'keys.yaml: 1 problem\n  line 1: there is no action "main.zooom" · did you mean main.zoom?' in err
    config.write_text("hosts: [{name: a, uri: 'qemu:///system'}]\n")
    keys.write_text("main.zoom: f5\n")
    assert main(["check"]) == exits.DONE
    assert "keys.yaml: fine" in capsys.readouterr().out
