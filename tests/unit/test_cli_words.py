"""What is typed wrongly is told in words, with the exit code that scripts know."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.actions import VERBS, told
from kvmtui.cli import exits, main
from kvmtui.cli.arguments import pick
from kvmtui.cli.complaint import exit_code
from kvmtui.console.present.looks import LOOKS
from kvmtui.errors import (
    ConfigError,
    FilterError,
    LibvirtError,
    NotRecordedError,
    OutcomeUnknownError,
    RefusedError,
    UsageError,
    WorkerError,
)
from kvmtui.model.columns import COLUMNS


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a config, on a machine where nobody waits at a terminal."""
    for name in ("STATE_HOME", "CONFIG_HOME", "RUNTIME_DIR"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path))
    for name in ("KVMTUI_CONFIG", "KVMTUI_SOCKET", "KVMTUI_DEBUG", "LIBVIRT_DEFAULT_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ls", "which list? · kvmtui ls vms"),
        ("ls vm", "vm: no such list · did you mean vms?"),
        ("ls vms -o xml", "invalid choice: 'xml'"),
        ("ls vms --timeout x", "no number of seconds"),
        ("ls vms --timeout 61", "0 to 60 seconds"),
        (
            "ls vms --columns name,hots,CPU,cpu%,ownr",
            "no column hots, ownr · did you mean host, owner? there are name,",
        ),
        ("ls vms --columns ,", "--columns names none"),
        ("ls vms --columns name -o json", "JSON has every field"),
        ("do", "which verb?"),
        ("do strat name:x", "strat: no such verb · did you mean start?"),
        ("do destroy name:x", "destroy: no such verb · destroy is off here"),
        ("do unpause name:x", "unpause is resume here"),
        ("do STOP name:x", "stop is shutdown or off here"),
        ("do poweroff name:x", "poweroff is shutdown or off here"),
        ("do suspend name:x", "suspend is pause here"),
        ("ls task", "task: no such list · did you mean tasks?"),
        ("ls tasks -o xml", "invalid choice"),
        ("do start", "which VMs? · name:web-01"),
        ("do start name:x --all", "either a filter or --all"),
        ("do start name:x --expect many", "'many' is no count"),
        ("do start name:x --expect -1", "'-1' is no count"),
        ("worker", "act"),
        ("worker status --force", "ways to stop"),
        ("worker stop --force --drain", "not allowed with"),
        ("trust", "HOST"),
        ("trust h --yes", "--fingerprint SHA256:"),
        ("trust h --fingerprint MD5:00", "begins with SHA256:"),
        ("demo --hosts 0", "1 to 1,000 hosts"),
        ("demo nonsense", "nonsense: no such command · one of ls,"),
        ("demo -c kvm1 ls vms", "hosts of its own"),
        ("demo ls vms -c kvm1", "hosts of its own"),
        ("--config a.yaml kvm1", "either hosts or --config"),
        ("--config none.yaml ls vms", "No such file"),
        ("--config none.yaml", "No such file"),
        ("kvm1 ls vms", "ls: a command comes before hosts · kvmtui -c kvm1 ls vms"),
        ("-c qemu+tls://h/system ls vms", "TLS"),
        ("--colour", "unrecognized arguments: --colour"),
    ],
)
def test_a_mistake_is_told_on_standard_error(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, nothing on standard output, what to do instead."""
    assert main(words.split()) == exits.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err


def test_a_part_of_a_filter_that_is_empty_is_no_filter(capsys: pytest.CaptureFixture[str]) -> None:
    """An unset variable in a script must not make an act reach further."""
    assert main(["do", "off", "tag:web", ""]) == exits.USAGE
    assert "a part of the filter is empty" in capsys.readouterr().err


def test_every_problem_of_a_config_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text("hosts:\n  - name: no\n    uri: x\n    tag: 1\n")
    assert main(["check"]) == exits.USAGE
    err = capsys.readouterr().err
    assert "config.yaml: 3 problems" in err
    assert [line.partition(":")[0].strip() for line in err.splitlines()[1:]] == ["line 2", "line 3", "line 4"]


def test_a_good_config_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text(
        "hosts: [{name: a, uri: 'qemu:///system'}, {name: b, uri: 'qemu:///system'}]\n"
    )
    assert main(["check"]) == exits.DONE
    out = capsys.readouterr().out
    assert "config.yaml: fine, 2 hosts" in out
    assert "a, b have the same uri" in out


def test_a_note_names_a_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same URI for thousands of hosts: a slip in a template, not a page of names."""
    hosts = "".join(f"  - {{name: a{number}, uri: 'qemu:///system'}}\n" for number in range(3_000))
    (tmp_path / "config.yaml").write_text(f"hosts:\n{hosts}")
    assert main(["check"]) == exits.DONE
    assert "a9 and 2990 more have the same uri" in capsys.readouterr().out


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["help"], ["ls", "--help"], ["help", "do"], ["demo", "--help"]):
        assert main(words) == exits.DONE
        assert "usage: kvmtui" in capsys.readouterr().out
    assert main(["--version"]) == exits.DONE
    assert capsys.readouterr().out.startswith("kvmtui ")


def test_the_console_wants_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A host may be called like a command: behind -- every word is a host."""
    assert main(["--", "ls"]) == exits.USAGE
    assert "needs a terminal" in capsys.readouterr().err


def test_a_word_like_a_command_that_is_no_host_is_not_dialled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shutdown", "web-01"]) == exits.USAGE
    assert "did you mean kvmtui do shutdown?" in capsys.readouterr().err


@given(st.lists(st.text(max_size=12), max_size=4))
def test_no_words_make_a_traceback(words: list[str]) -> None:
    """Whatever stands behind a command, it is understood, or told."""
    for command in ("check", "do", "trust", "worker", "demo", "ls"):
        assert main([command, *words, "--no-such-option"]) in {exits.USAGE, exits.DONE}


def test_each_kind_of_error_has_its_code() -> None:
    codes = {
        UsageError("x"): exits.USAGE,
        ConfigError("f", ["x"]): exits.USAGE,
        FilterError("x", 0, 1): exits.USAGE,
        RefusedError("x"): exits.REFUSED,
        OutcomeUnknownError("x"): exits.UNKNOWN,
        NotRecordedError("x"): exits.FAILED,
        WorkerError("x"): exits.FAILED,
        LibvirtError("x", 1, 1): exits.FAILED,
    }
    assert {error: exit_code(error) for error in codes} == codes


def test_a_list_may_be_called_as_the_console_calls_it() -> None:
    also = {look.name: look.resource for look in LOOKS.values()}
    assert pick(["tasks", "state:done"], COLUMNS, "list", "", also=also) == ("jobs", ["state:done"])


def test_words_of_other_tools_are_told_and_never_ours() -> None:
    """What is a verb here is not at the same time a word for another one."""
    for verb in VERBS.values():
        assert not set(verb.also) & set(VERBS)
        assert told(verb.id) == ""
        assert all(verb.id in told(word) for word in verb.also)
