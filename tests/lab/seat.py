"""The operator's seat: the network namespace from which the hosts are reached, with a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.lab import host_files, relay
from tests.lab.commands import LabError, run
from tests.lab.host import Host
from tests.lab.layout import SEAT_ADDRESS, Layout, host_address, slow_address
from tests.lab.process import Process, end_all, in_network

#: Variables of the caller that would lead a program out of the lab: another agent, another session's systemd.
_FOREIGN = ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "DBUS_SESSION_BUS_ADDRESS", "KVMTUI_CONFIG", "KVMTUI_SOCKET")


class Seat:
    """Where kvmtui runs in the lab. What is started here sees the hosts by name; its home is in the lab's directory."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def create(self, hosts: Sequence[Host]) -> None:
        """Make the namespace with its bridge, the operator's key, the names of `hosts`. Nothing is made twice."""
        for folder in (self.layout.ssh, self.layout.home, self.layout.seat_etc):
            folder.mkdir(parents=True, exist_ok=True)
        self.layout.ssh.chmod(0o700)
        if not self.layout.identity.exists():
            host_files.new_key(self.layout.identity)
            (self.layout.home / ".ssh").symlink_to(self.layout.ssh)
        passwd = Path("/etc/passwd").read_text().splitlines()
        # ssh asks the account, not $HOME, where ~/.ssh is
        root = f"root:x:0:0:root:{self.layout.home}:/bin/bash"
        lines = [root if line.startswith("root:") else line for line in passwd]
        (self.layout.seat_etc / "passwd").write_text("\n".join(lines) + "\n")
        (self.layout.seat_etc / "resolv.conf").write_text("")
        self._write_names(hosts)
        if not Path("/run/netns", self.layout.seat).exists():
            run(["ip", "netns", "add", self.layout.seat])
            links = f"link set lo up\nlink add br0 type bridge\naddr add {SEAT_ADDRESS}/24 dev br0\nlink set br0 up\n"
            run(["ip", "-n", self.layout.seat, "-batch", "-"], stdin=links)

    def remove(self) -> None:
        """End all that runs here, then take the namespace away."""
        end_all(in_network(self.layout.seat))
        run(["ip", "netns", "del", self.layout.seat], check=False)
        shutil.rmtree(self.layout.seat_etc, ignore_errors=True)

    # running things

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The caller's environment, with every place where a program keeps something moved into the lab."""
        env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        home = self.layout.home
        env["HOME"] = str(home)
        for kind in ("config", "state", "cache", "data", "runtime"):
            folder = home / f"xdg-{kind}"
            folder.mkdir(mode=0o700, exist_ok=True)
            env[f"XDG_{kind.upper()}_{'DIR' if kind == 'runtime' else 'HOME'}"] = str(folder)
        return env | dict(extra or {})

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs `command` here; run it with `environment()`."""
        return ["ip", "netns", "exec", self.layout.seat, *(str(word) for word in command)]

    def run(
        self,
        *command: str | Path,
        timeout_s: float = 60.0,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` at the seat. Raises LabError as `commands.run` does."""
        return run(self.argv(command), timeout_s=timeout_s, check=check, stdin=stdin, env=self.environment(env))

    def python(
        self, code: str, *arguments: str | Path, timeout_s: float = 60.0, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run Python source here, with the interpreter this runs on (hence with its packages)."""
        return self.run(sys.executable, "-c", code, *arguments, timeout_s=timeout_s, check=check)

    def kvmtui(
        self,
        *arguments: str | Path,
        timeout_s: float = 60.0,
        check: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kvmtui's command line here. Its exit code is the caller's to judge unless `check`."""
        return self.run(Path(sys.executable).with_name("kvmtui"), *arguments, timeout_s=timeout_s, check=check, env=env)

    def popen(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start `command` here and give it to the caller, who ends it."""
        return subprocess.Popen(
            self.argv(command), env=self.environment(env), stdin=stdin, stdout=stdout, stderr=stderr
        )

    def spawn(self, log: Path, *command: str | Path) -> None:
        """Start `command` here for as long as the lab lives, its output in `log`."""
        with log.open("ab") as out:
            subprocess.run(
                ["setsid", "--fork", *self.argv(command)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.environment(),
                cwd="/",
                timeout=10,
                check=True,
            )

    # names, and the slow way to a host

    def delay(self, host: Host, delay_ms: float, hosts: Sequence[Host]) -> None:
        """Lead the name of `host` over a relay that delays by `delay_ms` each way; 0 takes it out again.

        The name counts when a connection is opened: those that stand stay as they are, save that taking the relay out
        ends those through it. `ssh.known_hosts` knows the relay's address under the host's key.
        """
        end_all(self._relays(host))
        folder = self.layout.dir / "relays"
        folder.mkdir(exist_ok=True)
        (folder / host.name).unlink(missing_ok=True)
        address = f"{slow_address(host.number)}/32"
        run(["ip", "-n", self.layout.seat, "addr", "del", address, "dev", "br0"], check=False)
        if delay_ms > 0:
            run(["ip", "-n", self.layout.seat, "addr", "add", address, "dev", "br0"])
            log = folder / host.name
            words = [slow_address(host.number), "22", host.address, "22", f"{delay_ms:g}"]
            self.spawn(log, sys.executable, relay.__file__, *words)
            _await_word(log, "ready")
        self._write_names(hosts)

    def undelay(self, hosts: Sequence[Host]) -> None:
        """Take every relay out that there is."""
        for host in hosts:
            if (self.layout.dir / "relays" / host.name).exists():
                self.delay(host, 0, hosts)

    def _relays(self, host: Host) -> list[Process]:
        wanted = f"{relay.__file__}\0{slow_address(host.number)}\0"
        return [p for p in in_network(self.layout.seat) if wanted in p.command_line()]

    def _write_names(self, hosts: Sequence[Host]) -> None:
        """Write /etc/hosts for hosts with seat. Written over in place: programs that run have the file mounted."""
        slow = {h.name for h in hosts if (self.layout.dir / "relays" / h.name).exists()}
        common = f"127.0.0.1 localhost\n{SEAT_ADDRESS} seat\n"
        true = "".join(f"{host_address(h.number)} {h.name}\n" for h in hosts)
        seen = "".join(
            f"{slow_address(h.number) if h.name in slow else host_address(h.number)} {h.name}\n" for h in hosts
        )
        self.layout.hosts_file.write_text(common + true)
        (self.layout.seat_etc / "hosts").write_text(common + seen)


def _await_word(log: Path, word: str, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while word not in (text := log.read_text() if log.exists() else ""):
        if time.monotonic() >= end:
            raise LabError(f"{log.name} did not start: {text[-500:] or 'it said nothing'}")
        time.sleep(0.02)
