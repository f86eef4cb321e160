"""Where a worker is started, so that it outlives a logout."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.wire.logout import kills_processes
from kvmtui.wire.spawn import systemd_command
from kvmtui.worker.unit import unit
from tests.worker.home import Home


def test_logind_is_read_as_logind_reads_it(tmp_path: Path) -> None:
    """The last word counts; comments and other keys do not; what is not there says nothing."""
    main, folder = tmp_path / "logind.conf", tmp_path / "logind.conf.d"
    places = (tmp_path / "none", main, folder)
    assert not kills_processes(places)
    main.write_text("[Login]\n#KillUserProcesses=yes\nKillExcludeUsers=root\n")
    assert not kills_processes(places)
    main.write_text("[Login]\n KillUserProcesses = yes\n")
    assert kills_processes(places)
    folder.mkdir()
    (folder / "10-stay.conf").write_text("[Login]\nKillUserProcesses=no\n")
    assert not kills_processes(places)


def test_systemd_is_given_no_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command line is everybody's to read: only what the worker's places and logins need is passed on."""
    for name, value in [*home.env.items(), ("AWS_SECRET_ACCESS_KEY", "hush"), ("SSH_AUTH_SOCK", "/a")]:
        monkeypatch.setenv(name, value)
    command = systemd_command(home.paths)
    assert "hush" not in " ".join(command)
    assert {"--setenv=SSH_AUTH_SOCK=/a", f"--setenv=XDG_RUNTIME_DIR={home.runtime}"} <= set(command)
    assert f"--unit=kvmtui-{home.paths.state.name}" in command
    assert command[command.index("--") :][-3:] == [str(home.config), str(home.paths.state), str(home.paths.socket)]


def test_the_unit_runs_this_worker_for_ever(home: Home) -> None:
    """It is the very command that a client would run, told to stay; odd paths are quoted as systemd wants."""
    home.paths = home.paths._replace(config=Path('/srv/my fleet/50%$HOME"x.yaml'))
    text = unit(home.paths)
    assert '"/srv/my fleet/50%%$$HOME\\"x.yaml"' in text
    assert '"--idle" "never"' in text
    assert "@" not in text.replace("@CONFIG", "")
