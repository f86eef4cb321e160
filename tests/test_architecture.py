"""The rooms stay apart: who may import whom, what a fresh process loads, how modules introduce themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOSTS_ONLY = frozenset({"libvirt", "asyncssh", "psutil"})


def _modules_of(room: str) -> list[str]:
    """The modules of a room by their dotted names, those with a command of their own left out."""
    folder = ROOT.joinpath(*room.split("."))
    paths = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths}
    return sorted(name for name in names if not name.endswith("__main__"))


def _loaded_by(*modules: str) -> frozenset[str]:
    """The names in sys.modules of a fresh process that has imported these, packages' outer names included."""
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *modules], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    return frozenset(done.stdout.split())


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_rooms_import_as_the_plan_says() -> None:
    """import-linter's contracts of pyproject.toml hold."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("room", ["kvmtui.console", "kvmtui.cli"])
def test_clients_load_nothing_that_touches_a_host(room: str) -> None:
    """Whatever a console or command imports, no libvirt, asyncssh, psutil comes with it."""
    assert not _loaded_by(*_modules_of(room)) & HOSTS_ONLY


def test_command_line_starts_light() -> None:
    """The entry point alone loads neither the screen nor the line: each command imports what it needs."""
    assert not _loaded_by("kvmtui.cli") & (HOSTS_ONLY | {"textual", "rich", "msgspec", "yaml", "asyncio"})


@pytest.mark.parametrize("room", ["kvmtui.worker", "kvmtui.hosts", "kvmtui.fleet", "kvmtui.jobs", "kvmtui.guard"])
def test_worker_loads_no_screen(room: str) -> None:
    """Nothing of the worker process brings Textual along."""
    assert "textual" not in _loaded_by(*_modules_of(room))


def test_model_imports_nothing_of_ours() -> None:
    """The words both processes speak stand alone."""
    ours = {name for name in _loaded_by(*_modules_of("kvmtui.model")) if name.startswith("kvmtui.")}
    assert all(name.startswith("kvmtui.model") for name in ours)


def _sources(room: str) -> Iterator[tuple[str, str]]:
    """Each module of kvmtui or tests: its path from the top, its source."""
    for path in sorted((ROOT / room).rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text()


def test_only_hosts_imports_what_touches_hosts() -> None:
    """libvirt, asyncssh, psutil are imported in kvmtui/hosts, nowhere else, lazily or not."""
    strays = {
        path: found
        for path, source in _sources("kvmtui")
        if (found := {name.partition(".")[0] for name in _imports(ast.parse(source))} & HOSTS_ONLY)
    }
    assert not {path for path in strays if not path.startswith("kvmtui/hosts/")}


def test_modules_say_what_they_are_for() -> None:
    """The first line of each is a docstring that names one thing: one with "and" in it is two modules."""
    first = {
        path: (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        for room in ("kvmtui", "tests")
        for path, source in _sources(room)
    }
    assert not {path: line for path, line in first.items() if not line or " and " in line}


def test_no_test_replaces_what_it_should_meet() -> None:
    """Tests hand in fakes of their own or meet the real thing; they patch nothing from outside."""
    patching = re.compile("|".join(("Magic" + "Mock", r"mock\.patch", r"monkeypatch\.set" + "attr", r"unittest\.mock")))
    assert not [path for path, source in _sources("tests") if patching.search(source)]
