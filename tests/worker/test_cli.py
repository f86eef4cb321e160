"""The command line as scripts use it: real processes, a real worker, hosts of libvirt's test driver."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kvmtui.cli import exits
from kvmtui.paths import for_config
from kvmtui.wire.admin import stop
from tests.worker.home import OFF, PATIENCE_S, RUNNING, Home

KVMTUI = str(Path(sys.executable).with_name("kvmtui"))
PAUSED = 3
VM_FIELDS = {
    "host", "uuid", "name", "state", "state_reason", "vcpus", "cpu_pct", "mem_pct", "mem_used_bytes", "mem_max_bytes",
    "disk_read_bps", "disk_write_bps", "net_rx_bps", "net_tx_bps", "age_s", "demo",
}  # fmt: skip
HOST_FIELDS = {
    "name", "uri", "link", "link_reason", "version", "cpus", "cpu_pct", "mem_pct", "mem_total_bytes", "vms_running",
    "vms_total", "age_s", "demo",
}  # fmt: skip
EVENT_FIELDS = {"at", "name", "host", "kind", "text", "severity", "uuid", "id", "demo"}
KVM1, KVM2 = (f"{host}-vm{sum(host.encode()) * 1000}" for host in ("kvm1", "kvm2"))
"""Names of the first VM on each host."""


class Cli:
    """kvmtui on the config of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def run(self, *words: str, named: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``kvmtui [--config …] WORDS`` where nobody is at the terminal."""
        return subprocess.run(
            self.command(*words, named=named), env=self.home.env, cwd=self.home.folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def command(self, *words: str, named: bool = True) -> list[str]:
        return [KVMTUI, *(["--config", str(self.home.config)] if named else []), *words]

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What ``ls … -o json`` prints."""
        found: list[dict[str, Any]] = json.loads(self.run("ls", *words, "-o", "json").stdout)
        return found

    def states(self) -> dict[str, str]:
        return {row["name"]: row["state"] for row in self.rows("vms", "--timeout", "0")}

    def answer(self, typed: bytes, *words: str) -> tuple[int, str]:
        """Run it on a terminal, type something once it asks; return its exit code with what it wrote."""
        pid, terminal = pty.fork()
        if not pid:
            os.chdir(self.home.folder)
            os.execve(KVMTUI, self.command(*words), self.home.env)
        written, ends = b"", time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            if not select.select([terminal], [], [], 0.05)[0]:
                continue
            try:
                chunk = os.read(terminal, 65_536)
            except OSError:
                break
            written += chunk
            if typed and b"nothing is done: " in written:
                time.sleep(0.2)  # what is typed before the question counts for nothing
                os.write(terminal, typed)
                typed = b""
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), written.decode()


@pytest.fixture
def cli(home: Home) -> Cli:
    """Two hosts: on one three VMs run and one is off, on the other one runs and one is paused."""
    home.configure(
        home.host("kvm1", RUNNING, RUNNING, RUNNING, OFF), home.host("kvm2", RUNNING, PAUSED), head="demo: true\n"
    )
    return Cli(home)


def test_ls_keeps_the_promise_of_its_fields(cli: Cli) -> None:
    """Every name that scripts were promised, figures that are there or null, worker started by the way."""
    vms = cli.rows("vms")
    assert [row["state"] for row in vms] == ["running", "running", "running", "shut off", "running", "paused"]
    assert all(row.keys() >= VM_FIELDS for row in vms)
    assert all(row["demo"] is True for row in vms)
    assert all(0 <= row["age_s"] < PATIENCE_S for row in vms)
    assert vms[0]["cpu_pct"] is not None, "a second sample was waited for"
    assert vms[3]["cpu_pct"] is None
    hosts = cli.rows("hosts")
    assert [(row["name"], row["link"], row["vms_running"], row["vms_total"]) for row in hosts] == [
        ("kvm1", "up", 3, 4),
        ("kvm2", "up", 1, 2),
    ]
    assert all(row.keys() >= HOST_FIELDS for row in hosts)
    assert cli.rows("jobs") == []


def test_csv_and_table_tell_the_same(cli: Cli) -> None:
    table = cli.run("ls", "vms", "state:running")
    assert (table.returncode, table.stderr) == (0, "")
    header, *lines = table.stdout.splitlines()
    assert header.split()[:3] == ["name", "host", "state"]
    assert len(lines) == 4
    assert all(line.endswith(" demo") for line in lines)
    rows = list(csv.DictReader(io.StringIO(cli.run("ls", "vms", "state:running", "-o", "csv").stdout)))
    assert [row["name"] for row in rows] == [line.split()[0] for line in lines]
    chosen = cli.run("ls", "vms", "state:paused", "--columns", "trouble,NAME,vcpu", "-o", "csv").stdout.splitlines()
    assert chosen[0] == "trouble,name,vcpus"
    header, *lines = cli.run("ls", "vms").stdout.splitlines()
    assert header.split()[-1] == "trouble"
    assert [line.endswith("why demo") for line in lines] == [" paused " in line for line in lines]


def test_what_happened_is_listed_the_newest_first(cli: Cli) -> None:
    """As soon as it was seen; a list of events waits for no host."""
    cli.rows("vms")
    assert cli.run("do", "pause", f"name:{KVM2}", "--yes", "--wait").returncode == exits.DONE
    (paused,) = cli.rows("events", "kind:paused", "since<1h")
    assert (paused["name"], paused["host"], paused["text"]) == (KVM2, "kvm2", "running → paused: user")
    assert paused.keys() == EVENT_FIELDS
    kinds = [row["kind"] for row in cli.rows("events")]
    assert (kinds[0], kinds[-1], kinds.count("link up")) == ("paused", "watching", 2)
    table = cli.run("ls", "events", KVM2).stdout
    assert table.splitlines()[0].split() == ["ago", "name", "host", "kind", "what"]
    assert "running → paused: user" in table


def test_a_filter_that_means_nothing_is_shown_with_its_mistake(cli: Cli) -> None:
    done = cli.run("ls", "vms", "name:x", "cup>80")
    assert done.returncode == exits.USAGE
    assert "did you mean cpu?" in done.stderr
    assert done.stderr.splitlines()[1:] == ["  name:x cup>80", "         ^^^"]


def test_missing_hosts_are_named_and_the_rest_is_printed(cli: Cli) -> None:
    """Exit 5: a script must not take half a fleet for the whole."""
    cli.home.configure(cli.home.host("kvm1", RUNNING), "  - {name: kvm9, uri: 'test:///nowhere/none.xml'}\n")
    done = cli.run("ls", "vms", "-o", "json")
    assert done.returncode == exits.INCOMPLETE
    assert [row["host"] for row in json.loads(done.stdout)] == ["kvm1"]
    assert done.stderr.startswith("kvmtui: kvm9 is missing: ")
    (missing,) = json.loads(cli.run("ls", "hosts", "name:kvm9", "-o", "json").stdout)
    assert (missing["seen"], missing["age_s"]) == (None, None), "never heard of is no time in 1970"


def test_a_dry_run_lists_everything_and_does_nothing(cli: Cli) -> None:
    """What is touched by host, what is left out and why, what virsh would be typed."""
    before = cli.states()
    done = cli.run("do", "shutdown", "host:kvm1", "--dry-run")
    assert done.returncode == exits.DONE
    running = [name for name, state in before.items() if name.startswith("kvm1") and state == "running"]
    assert all(name in done.stdout for name in running)
    assert re.search(r"skip +\S+ kvm1: already shut off", done.stdout)
    assert done.stdout.count("virsh -c test://") == 3
    assert cli.states() == before
    assert cli.rows("jobs") == []


def test_acts_are_confirmed_or_refused(cli: Cli) -> None:
    """Few and harmless: --yes. Many, a whole host, or destructive: the number. Else exit 3, and nothing is begun."""
    refused = [
        (f"do shutdown name:{KVM2}", "confirm with --yes"),
        (f"do off name:{KVM2} --yes", "confirm with --expect 1"),
        ("do shutdown host:kvm1 --yes", "confirm with --expect 3"),
        ("do shutdown host:kvm1 --expect 4", "expected 4, and it would touch 3, 1 skipped"),
        ("do shutdown name:nobody --yes", "no VM matches"),
        (f"--read-only do shutdown name:{KVM2} --yes", "read-only"),
        ("do start host:kvm1 --expect 4 --dry-run", "expected 4, and it would touch 1"),
    ]
    for words, why in refused:
        done = cli.run(*words.split())
        assert (done.returncode, why in done.stderr) == (exits.REFUSED, True), (words, done.stderr)
    assert cli.rows("jobs") == []


def test_a_command_is_unlocked_where_all_begins_read_only(cli: Cli) -> None:
    """For itself alone; never with --read-only."""
    cli.home.config.write_text(f"{cli.home.config.read_text()}guard: {{start: read-only}}\n")
    pause = ("do", "pause", f"name:{KVM1}", "--yes", "--wait")
    refused = cli.run(*pause)
    assert refused.returncode == exits.REFUSED
    assert "guard.start says so" in refused.stderr
    assert "kvmtui do --rw" in refused.stderr
    assert cli.run("--read-only", *pause, "--rw").returncode == exits.REFUSED
    done = cli.run(*pause, "--rw")
    assert (done.returncode, "paused" in done.stdout) == (exits.DONE, True), done.stderr
    assert cli.run(*pause).returncode == exits.REFUSED


def test_acts_are_done_and_told(cli: Cli) -> None:
    """--wait gives a line for each VM, in the form of failures; without it 0 means accepted."""
    done = cli.run("do", "shutdown", f"name:{KVM2}", "--yes", "--wait")
    assert (done.returncode, done.stdout) == (exits.DONE, f"✓ {KVM2} kvm2: shut down done, shut off\n")
    again = cli.run("do", "shutdown", f"name:{KVM2}", "--yes", "--wait")
    assert (again.returncode, "already shut off" in again.stderr) == (exits.REFUSED, True)
    accepted = cli.run("do", "start", f"name:{KVM2}", "--yes")
    assert accepted.returncode == exits.DONE
    told = re.fullmatch(rf"job \w+: start {KVM2} on kvm2: accepted · kvmtui (.*)\n", accepted.stdout)
    assert told is not None
    typed = cli.run(*shlex.split(told[1]), named=False)
    assert KVM2 in typed.stdout, "what it says can be typed as it stands"
    part = cli.run("do", "pause", "--all", "--expect", "4", "--wait")
    assert part.returncode == exits.REFUSED, "what is off cannot be paused: asked for, not done"
    assert part.stdout.count("✓") == 4
    assert "skipped, not while shut off" in part.stdout
    assert [row["state"] for row in cli.rows("jobs")] == ["done"] * 3


def test_json_of_an_act_is_one_document_whatever_came_of_it(cli: Cli) -> None:
    """Planned, refused, done: the same keys."""
    documents = [
        (cli.run(*f"do shutdown host:kvm1 {options} -o json".split()), code)
        for options, code in (("--dry-run", 0), ("--yes", 3), ("--expect 3 --wait", 0))
    ]
    for done, code in documents:
        told = json.loads(done.stdout)
        assert told["exit"] == done.returncode == code
        assert told.keys() == {"exit", "error", "demo", "missing", "plan", "job", "steps"}
        assert len(told["plan"]["targets"]) == 3
        assert bool(told["error"]) == (code == exits.REFUSED)
    assert [step["state"] for step in json.loads(documents[-1][0].stdout)["steps"]] == ["done"] * 3


def test_each_outcome_is_a_line_of_json_and_all_of_them_one_more(cli: Cli) -> None:
    """As they come; the steps can be read again by the id of the job, with the same filter language."""
    done = cli.run("do", "shutdown", "host:kvm1", "--expect", "3", "--wait", "-o", "jsonl")
    *steps, whole = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, whole["exit"], whole["job"]["total"]) == (exits.DONE, exits.DONE, 3)
    assert [step["state"] for step in steps] == ["done"] * 3
    ident = whole["job"]["id"]
    assert {step["job"] for step in steps} == {ident}
    listed = cli.rows("steps", f"job:{ident}", "state:done")
    assert {step["uuid"] for step in listed} == {step["uuid"] for step in steps}
    assert cli.rows("steps", f"job:{ident}", "state:failed") == []
    (job,) = cli.rows("jobs", f"id:{ident}")
    assert job["duration_s"] + 0.1 >= max(step["took_s"] for step in listed)  # rounded
    assert job["progress"] == 100.0
    of_none = cli.run("ls", "steps", "state:failed")
    assert (of_none.returncode, "job:ID" in of_none.stderr) == (exits.USAGE, True)


@pytest.mark.parametrize(
    ("words", "typed", "code"),
    [
        ("do shutdown name:{0}", b"y\r", exits.DONE),
        ("do shutdown name:{0}", b"\r", exits.REFUSED),
        ("do shutdown name:{0}", b"yes\r", exits.REFUSED),
        ("do shutdown name:{0}", b"\x04", exits.REFUSED),
        ("do shutdown name:{0}", b"\x03", exits.INTERRUPTED),
        ("do off name:{0}", b"y\r", exits.REFUSED),
        ("do off name:{0} --wait", b"{0}\r", exits.DONE),
        ("do shutdown host:kvm1", b"3\r", exits.DONE),
    ],
)
def test_on_a_terminal_it_asks_what_the_console_asks(cli: Cli, words: str, typed: bytes, code: int) -> None:
    """Only the phrase itself confirms; anything else, and nothing is done."""
    cli.run("ls", "hosts", "--timeout", "0")
    got, written = cli.answer(typed.replace(b"{0}", KVM1.encode()), *words.format(KVM1).split())
    assert got == code, written
    assert ("job" in written or "✓" in written) == (code == exits.DONE)
    assert len(cli.rows("jobs")) == (code == exits.DONE)


def test_a_table_fits_the_terminal(cli: Cli) -> None:
    """80 cells where nobody says otherwise, and in no case more."""
    cli.run("ls", "hosts", "--timeout", "0")
    _, written = cli.answer(b"", "ls", "vms", "--timeout", "0")
    assert max(map(len, written.splitlines())) <= 80


def test_who_reads_no_further_is_left_in_peace(cli: Cli) -> None:
    """``| head`` closes the pipe: no complaint, no traceback."""
    cli.run("ls", "hosts", "--timeout", "0")
    process = subprocess.Popen(
        cli.command("ls", "vms", "--timeout", "0"), env=cli.home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == exits.PIPE


def test_a_full_disk_is_said(cli: Cli) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            cli.command("ls", "jobs"), env=cli.home.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (exits.FAILED, "kvmtui: No space left on device\n")


def test_the_worker_is_asked_and_ended(cli: Cli) -> None:
    """To ask starts none; run stays in the foreground; stop ends it."""
    assert cli.run("worker", "status").returncode == exits.FAILED
    assert cli.run("worker", "stop").returncode == exits.DONE
    process = subprocess.Popen(cli.command("worker", "run"), env=cli.home.env, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        cli.run("ls", "hosts", "--timeout", "0")
        told = json.loads(cli.run("worker", "status", "-o", "json").stdout)
        assert {"pid", "version", "socket", "clients", "jobs", "hosts"} <= told.keys()
        assert told["pid"] == process.pid
        assert f"process   {process.pid}, " in cli.run("worker", "status").stdout
        assert cli.run("worker", "stop").returncode == exits.DONE
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.stderr.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_config_with_mistakes_starts_no_worker(cli: Cli) -> None:
    cli.home.config.write_text("hosts: [{name: a, uri: x}]\n")
    for words in (["ls", "vms"], ["worker", "run"], ["do", "start", "--all"]):
        done = cli.run(*words)
        assert done.returncode == exits.USAGE
        assert "line 1: hosts[0]: uri: this is not a URI" in done.stderr
    assert not cli.home.paths.socket.exists()


def test_a_socket_that_serves_another_fleet_is_refused(cli: Cli, tmp_path: Path) -> None:
    """Who names a fleet must never act on the one that happens to listen there."""
    cli.run("ls", "hosts", "--timeout", "0")
    other = tmp_path / "other.yaml"
    other.write_text(cli.home.config.read_text())
    cli.home.env["KVMTUI_SOCKET"] = str(cli.home.paths.socket)
    named = cli.run("--config", str(other), "do", "off", "--all", "--expect", "4", named=False)
    assert named.returncode == exits.FAILED
    assert "serves" in named.stderr
    assert cli.run("ls", "jobs", named=False).returncode == exits.DONE
    assert cli.rows("jobs") == []


@pytest.fixture
def demo(home: Home) -> Iterator[Cli]:
    """A home whose demo fleets are stopped in the end."""
    yield Cli(home)
    with home.environment():
        for config in (home.folder / "state/kvmtui/demo").glob("*/config.yaml"):
            stop(for_config(config), "force")


def test_the_demo_fleet_is_there_at_once(demo: Cli) -> None:
    """Any command behind it; every row says demo."""
    done = demo.run("demo", "--hosts", "2", "--vms", "20", "ls", "vms", "-o", "json", named=False)
    assert done.returncode == exits.DONE, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 20
    assert all(row["demo"] for row in rows)


def test_ctrl_c_leaves_the_worker_alone(cli: Cli) -> None:
    """In the middle of the wait for a host that never answers: exit 130, no traceback, the worker goes on."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(cli.home.folder / "silent"))
        silent.listen()
        cli.home.configure(f"  - {{name: kvm9, uri: 'qemu+unix:///system?socket={cli.home.folder}/silent'}}\n")
        process = subprocess.Popen(
            cli.command("ls", "vms", "--timeout", "60"),
            env=cli.home.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        silent.settimeout(PATIENCE_S)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        connection.close()
    assert (process.returncode, err) == (exits.INTERRUPTED, b"")
    assert json.loads(cli.run("worker", "status", "-o", "json").stdout)["pid"]


def test_a_list_loads_no_screen(cli: Cli) -> None:
    """What draws is loaded by the console alone: a list is there before it would be."""
    code = "import sys; from kvmtui.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *cli.command("ls", "jobs")[1:]], env=cli.home.env, capture_output=True, text=True,
        timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert not {"textual", "rich", "libvirt", "asyncssh"} & set(done.stdout.split())
