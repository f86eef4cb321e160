"""The README says what the program says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kvmtui.cli.arguments import understand
from kvmtui.cli.ls import _names
from kvmtui.config.read import read
from kvmtui.console import keymap, theme
from kvmtui.fleet.filter import parse
from kvmtui.model.columns import COLUMNS
from tests.readme import README, renewed

TEXT = README.read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [line.partition("  #")[0].strip() for kind, block in FENCED if kind == "sh" for line in block.splitlines()]
EXAMPLES = {block.partition("\n")[0].rpartition("/")[2]: block for kind, block in FENCED if kind == "yaml"}
FILTERS = [
    (resource, line.partition("  ")[0].strip())
    for resource, block in re.findall(r"<!-- filters: (\w+) -->\n```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def test_its_tables_are_the_programs() -> None:
    """Verbs, keys, commands, exit codes, JSON fields: `make readme` writes them anew."""
    assert renewed(TEXT) == TEXT, "run make readme"


@pytest.mark.parametrize("resource", COLUMNS)
def test_its_fields_are_all_there_are(resource: str) -> None:
    """Columns, and what ls adds to them."""
    table = TEXT.partition(f"<!-- made: json-{resource} -->")[2].partition("<!-- end -->")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(_names(resource))


@pytest.mark.parametrize("command", [command for command in COMMANDS if re.match(r"(\S*/)?kvmtui\b", command)])
def test_its_commands_are_understood(command: str) -> None:
    """Whatever a reader may type."""
    assert callable(understand(shlex.split(command)[1:]))


def test_its_config_is_one() -> None:
    """As a reader may copy it."""
    assert len(read(EXAMPLES["config.yaml"].encode(), README.with_name("config.yaml")).hosts) == 2


def test_its_keys_are_some(tmp_path: Path) -> None:
    """As a reader may copy them."""
    (tmp_path / "keys.yaml").write_text(EXAMPLES["keys.yaml"])
    chosen, problems = keymap.read(tmp_path / "keys.yaml")
    assert problems == ()
    assert chosen.key_of("main.xml") == "–"


def test_its_targets_are_in_the_makefile() -> None:
    """Those that a reader may type."""
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    wanted = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert wanted
    assert all(f"\n{target}:" in makefile for target in wanted)


@pytest.mark.parametrize(("resource", "example"), FILTERS)
def test_its_filters_mean_something(resource: str, example: str) -> None:
    """Each ends where its meaning begins."""
    assert parse(example, resource)


def test_its_themes_are_those_there_are() -> None:
    """By the names that KVMTUI_THEME takes."""
    section = TEXT.partition("### Colours")[2].partition("\n#")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", section)) == set(theme.built_in())


def test_its_theme_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a reader may copy it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    theme.own_folder().mkdir(parents=True)
    (theme.own_folder() / "night.yaml").write_text(EXAMPLES["night.yaml"])
    assert theme.hard_to_see(theme.check("night")) == []


def test_its_links_lead_somewhere() -> None:
    """Files that are there, headings that are there."""
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"(?:\]\(|src=\")([^)\"]+)[)\"]", TEXT):
        assert target[1:] in headings if target.startswith("#") else (README.parent / target).is_file(), target
