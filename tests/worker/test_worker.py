"""A real worker on hosts of libvirt's test driver: served, edited, stopped, killed, starved."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys

import msgspec
import pytest

from kvmtui.config.demo import demo
from kvmtui.errors import RefusedError, UsageError, WorkerError
from kvmtui.model.job import ENDED, JobState, Verdict
from kvmtui.paths import for_config
from kvmtui.wire import admin, lockfile
from kvmtui.wire.line import Line
from kvmtui.wire.messages import (
    Abort,
    CloseWindow,
    Failure,
    GetDetail,
    GetHostKey,
    GetJob,
    JobChanged,
    Jobs,
    ListRows,
    MakePlan,
    Note,
    OpenSeries,
    OpenSummary,
    OpenWindow,
    Query,
    Reconnect,
    Rows,
    Series,
    Status,
    Stop,
    Submit,
    SummaryChanged,
    Trust,
    WorkerMessage,
    decode_answer,
)
from tests.worker.home import OFF, RUNNING, Home, rows, settle, wait_for


def _until(line: Line, wanted: type[WorkerMessage], text: str = "") -> WorkerMessage:
    """The next message of that kind that the worker sends by itself, with ``text`` in it."""
    line.socket.settimeout(30)
    while True:
        while line.pushed:
            message = line.pushed.pop(0)
            if isinstance(message, wanted) and text in str(message):
                return message
        while (raw := line.buffer.pop()) is None:
            chunk = line.socket.recv(65_536)
            assert chunk, "the worker hung up"
            line.buffer.feed(chunk)
        line.pushed.append(decode_answer(raw))


def test_every_request_is_answered_for_real(home: Home) -> None:
    """From hello to the outcome of a job, over the socket of a real worker."""
    home.configure(home.host("a", RUNNING, OFF), home.host("b", RUNNING))
    home.start()
    line = home.line()
    assert line.welcome is not None
    assert not line.welcome.read_only
    assert settle(line).missing == ()
    assert rows(line, "name", "host", "state").rows == (
        ("a-vm97000", "a", "running"),
        ("a-vm97001", "a", "shut off"),
        ("b-vm98000", "b", "running"),
    )
    status = line.call(Status())
    assert (status.clients, status.jobs, status.vms, status.journal) == (1, 0, 3, "")
    assert {(host.name, host.link) for host in status.hosts} == {("a", "up"), ("b", "up")}

    ((uuid,),) = rows(line, "uuid", where="state:off").rows
    detail = line.call(GetDetail(host="a", uuid=uuid))
    assert (detail.vm.name, detail.memory_max_bytes) == ("a-vm97001", 64 << 20)
    assert "<domain" in detail.xml
    assert line.call(GetHostKey(host="a")).keys == ()
    line.call(Reconnect())

    line.call(OpenWindow(window=1, query=Query(resource="vms", columns=("name", "state"), sort="name")))
    first = _until(line, Rows)
    assert isinstance(first, Rows)
    assert (first.reset, first.matched, len(first.rows)) == (True, 3, 3)
    line.call(OpenWindow(window=3, query=Query(resource="jobs", columns=("verb", "state"))))
    line.call(OpenSeries(window=2, host="a", uuid=uuid))
    series = _until(line, Series)
    assert isinstance(series, Series)
    assert series.reset
    assert line.call(OpenSummary()).hosts_up == 2

    plan = line.call(MakePlan(verb="start", targets=(("a", uuid),)))
    assert plan.verdict is not Verdict.NO
    job = line.call(Submit(plan=plan.id, typed=plan.phrase))
    while job.state not in ENDED:
        changed = _until(line, JobChanged)
        assert isinstance(changed, JobChanged)
        job = changed.job
    assert (job.state, job.done) == (JobState.DONE, 1)
    assert line.call(GetJob(job=job.id)).steps[0].uuid == uuid
    assert line.call(Jobs()).jobs == (job,)
    assert line.call(Abort(job=job.id)).state is JobState.DONE
    home_of = _until(line, SummaryChanged, "'running': 3")
    assert isinstance(home_of, SummaryChanged)
    wait_for(lambda: rows(line, "name", where="state:running").matched == 3)
    line.call(CloseWindow(window=1))
    with pytest.raises(UsageError, match="no such host"):
        line.call(GetDetail(host="nowhere", uuid=uuid))
    with pytest.raises(UsageError, match="no such VM"):
        line.call(GetDetail(host="b", uuid=uuid))


def test_steps_of_a_job_are_rows(home: Home) -> None:
    """A window on them shows each to its end, though the job leaves memory then; a page of them is the same."""
    home.configure(home.host("a", OFF, OFF, OFF))
    home.start()
    line = home.line()
    settle(line)
    plan = line.call(MakePlan(verb="start", all=True))
    job = line.call(Submit(plan=plan.id, typed=plan.phrase))
    asked = Query(resource="steps", job=job.id, columns=("name", "host", "state", "took_s"), sort="number")
    line.call(OpenWindow(window=5, query=asked))
    seen: dict[int, tuple[object, ...]] = {}
    while {cells[2] for cells in seen.values()} != {"done"} or len(seen) < 3:
        changed = _until(line, Rows)
        assert isinstance(changed, Rows)
        seen |= {index: cells for index, _, cells in changed.rows}
    assert [cells[0] for _, cells in sorted(seen.items())] == [target.name for target in plan.targets]
    wait_for(lambda: line.call(GetJob(job=job.id)).job.state is JobState.DONE)
    assert line.call(ListRows(query=asked)).rows == tuple(tuple(seen[index]) for index in range(3))
    only = line.call(ListRows(query=msgspec.structs.replace(asked, filter="state:failed")))
    assert (only.matched, only.total) == (0, 3)
    with pytest.raises(UsageError, match="no such job"):
        line.call(ListRows(query=msgspec.structs.replace(asked, job="nothing")))


def test_a_read_only_client_changes_nothing(home: Home) -> None:
    """What it asked for holds on the worker's side."""
    home.configure(home.host("a", RUNNING))
    home.start()
    line = home.line(read_only=True)
    settle(line)
    assert line.welcome is not None
    assert line.welcome.read_only
    ((uuid,),) = rows(line, "uuid").rows
    plan = line.call(MakePlan(verb="off", targets=(("a", uuid),)))
    assert plan.verdict is Verdict.NO
    with pytest.raises(RefusedError):
        line.call(Submit(plan=plan.id, typed=plan.phrase))
    assert rows(line, "state").rows == (("running",),)
    with pytest.raises(RefusedError):
        line.call(Stop(mode="force"))
    with pytest.raises(RefusedError):
        line.call(Trust(address="a", port=22, fingerprint="SHA256:x"))


def test_its_places_are_its_users_alone(home: Home) -> None:
    """0600 and 0700, whatever the umask; a folder that others may write to is refused."""
    home.configure(home.host("a"))
    process = home.start(umask=0)
    places = home.paths
    for place, mode in [
        (places.socket, 0o600),
        (places.state, 0o700),
        (places.socket.parent, 0o700),
        (places.relays, 0o700),
    ]:
        assert stat.S_IMODE(place.stat().st_mode) == mode
    for file in places.state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    process.terminate()
    assert process.wait(30) == 0
    assert not places.socket.parent.exists()
    places.socket.parent.mkdir()
    places.socket.parent.chmod(0o777)
    assert home.start().returncode == 1
    with pytest.raises(WorkerError, match="writable by others"):
        home.attach()


@pytest.mark.skipif(os.getuid() != 0, reason="takes root to be somebody else")
def test_another_user_is_turned_away(home: Home) -> None:
    """Even where the files' modes would let him in."""
    home.configure(home.host("a"))
    home.start()
    home.paths.socket.chmod(0o666)
    for folder in [home.paths.socket.parent, *home.paths.socket.parents]:
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(home.folder.parent.parent):
            folder.chmod(0o755)
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); os.setgroups([]); os.setgid(65534);"
        "os.setuid(65534); s.settimeout(20); s.connect(sys.argv[1]); print(s.makefile().read())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(home.paths.socket)], capture_output=True, text=True, check=True, timeout=30
    )
    assert "belongs to another user" in told.stdout
    assert home.line().call(Status()).clients == 1


def test_twenty_clients_at_once_start_one_worker(home: Home) -> None:
    """Whoever comes first starts it; all are served by it."""
    home.configure(home.host("a", RUNNING))
    code = (
        "import sys; from pathlib import Path; from kvmtui.paths import for_config; from kvmtui.wire import spawn;"
        "from kvmtui.wire.line import greeting;"
        "print(spawn.attach(for_config(Path(sys.argv[1])), greeting('test'), 60).welcome.pid)"
    )
    clients = [
        subprocess.Popen([sys.executable, "-c", code, str(home.config)], env=home.env, stdout=subprocess.PIPE)
        for _ in range(20)
    ]
    pids = {client.communicate(timeout=60)[0] for client in clients}
    assert [client.returncode for client in clients] == [0] * 20
    assert len(pids) == 1
    holder = lockfile.holder(home.paths.lock)
    assert holder is not None
    assert int(pids.pop()) == holder.pid
    assert home.log.count("kvmtui 0.") == 1


def test_twenty_workers_at_once_are_one(home: Home) -> None:
    """One has the lock; the others say who, and leave."""
    home.configure(home.host("a", RUNNING))
    starts = [home.launch() for _ in range(20)]
    wait_for(lambda: sum(each.poll() is None for each in starts) == 1)
    assert sorted(each.poll() or 0 for each in starts) == [0] + [3] * 19
    wait_for(home.paths.socket.exists)
    assert home.line().call(Status()).pid in {each.pid for each in starts}


def test_killed_and_started_again(home: Home) -> None:
    """Nothing that a worker leaves behind keeps the next one from its place: socket, lock, relays, journal."""
    home.configure(home.host("a", RUNNING, OFF))
    first = home.start()
    line = home.line()
    settle(line)
    plan = line.call(MakePlan(verb="pause", filter="state:running"))
    job = line.call(Submit(plan=plan.id, typed=plan.phrase))
    wait_for(lambda: line.call(Jobs()).jobs[0].state in ENDED)
    stale = home.paths.relays / "stale"
    stale.touch()
    first.kill()
    first.wait()
    assert home.paths.socket.exists()
    second = home.start()
    assert second.poll() is None
    again = home.line()
    assert [kept.id for kept in again.call(Jobs()).jobs] == [job.id]
    assert not stale.exists()


def test_what_was_known_last_is_there_at_once(home: Home) -> None:
    """Of a host that does not answer, the next worker shows what the one before knew: unknown, and what it was."""
    home.configure(home.host("a", RUNNING), home.host("b", OFF))
    first = home.start()
    settle(home.line())
    first.terminate()
    assert first.wait(30) == 0
    (home.folder / "a.xml").unlink()
    home.start()
    line = home.line()
    assert rows(line, "name", "was").matched == 2
    missing = settle(line).missing
    assert [each.host for each in missing] == ["a"]
    assert missing[0].reason
    assert rows(line, "state", "was", where="host:a").rows == (("unknown", "running"),)


def test_a_half_written_fleet_file_is_harmless(home: Home) -> None:
    """It is passed over, and written anew."""
    home.configure(home.host("a", RUNNING))
    home.paths.state.mkdir(parents=True, mode=0o700)
    home.paths.fleet.write_bytes(b'{"format":1,"at":1.0,"hosts":[{"na')
    process = home.start()
    line = home.line()
    settle(line)
    assert rows(line, "state").rows == (("running",),)
    process.terminate()
    process.wait(30)
    assert json.loads(home.paths.fleet.read_bytes())["hosts"][0]["name"] == "a"


def test_a_deleted_socket_is_made_again(home: Home) -> None:
    """Those who are connected stay, those who come find it a moment later."""
    home.configure(home.host("a"))
    home.start()
    line = home.line()
    home.paths.socket.unlink()
    other = home.attach()
    assert other.call(Status()).pid == line.call(Status()).pid
    home.paths.socket.parent.rename(home.runtime / "moved")
    another = home.attach()
    assert another.call(Status()).clients == 3


def test_a_valid_edit_is_applied_host_by_host(home: Home) -> None:
    """Hosts come and go; who stays is not touched; everybody is told once."""
    a, b, c = home.host("a", RUNNING), home.host("b", OFF), home.host("c", RUNNING)
    home.configure(a, b)
    home.start()
    line = home.line()
    settle(line)
    digest = line.call(Status()).digest
    home.configure(a, c)
    note = _until(line, Note, "config applied")
    assert isinstance(note, Note)
    assert "+1 host −1 host" in note.text
    settle(line)
    assert rows(line, "host").rows == (("a",), ("c",))
    assert line.call(Status()).digest != digest
    assert home.log.count("config applied") == 1


def test_an_invalid_edit_changes_nothing_and_is_said(home: Home) -> None:
    """The old config stays, its first problem stands in the summary until it is mended."""
    a = home.host("a", RUNNING)
    home.configure(a)
    home.start()
    line = home.line()
    settle(line)
    assert line.call(OpenSummary()).notice == ""
    home.configure(a, a, "  - {name: z, uri: 'qemu+tls://z/system', colour: red}\n")
    told = _until(line, SummaryChanged, "not applied")
    assert isinstance(told, SummaryChanged)
    assert told.summary.notice.startswith("fleet.yaml not applied: line ")
    assert "more problem" in told.summary.notice
    assert rows(line, "host").rows == (("a",),)
    home.config.unlink()
    _until(line, SummaryChanged, "is gone")
    home.configure(a)
    assert isinstance(mended := _until(line, SummaryChanged), SummaryChanged)
    assert mended.summary.notice == ""


def test_it_leaves_when_nobody_needs_it(home: Home) -> None:
    """Not while a client is there; then it writes down what it knows, and goes."""
    home.configure(home.host("a", RUNNING))
    process = home.start("--idle", "1")
    line = home.line()
    settle(line)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    line.close()
    assert process.wait(30) == 0
    assert b"a-vm97000" in home.paths.fleet.read_bytes()
    assert not home.paths.socket.exists()
    assert admin.status(home.paths) is None
    assert admin.stop(home.paths, "idle") is None


def test_it_stops_when_told(home: Home) -> None:
    """By a signal or by a client, and is gone when the client hears that it is."""
    home.configure(home.host("a", RUNNING))
    for number in (signal.SIGTERM, signal.SIGINT):
        process = home.start()
        process.send_signal(number)
        assert process.wait(30) == 0
    for mode in ("idle", "drain", "force"):
        process = home.start()
        line = home.line()
        stopping = admin.stop(home.paths, mode)
        assert stopping is not None
        assert stopping.stopping
        assert process.wait(30) == 0
        assert isinstance(_until(line, Note), Note)
        assert line.wait_closed(30)
    home.start()
    with pytest.raises(UsageError):
        admin.stop(home.paths, "somehow")


def test_silent_hosts_hold_nobody_up(home: Home) -> None:
    """Eight that accept and never answer: the ninth is there at once, and the worker ends in good order."""
    with contextlib.ExitStack() as silent:
        hosts = []
        for number in range(8):
            listening = silent.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(str(home.runtime / f"h{number}"))
            listening.listen()
            hosts.append(f"  - {{name: h{number}, uri: 'qemu+unix:///system?socket={home.runtime}/h{number}'}}\n")
        home.configure(*hosts, home.host("a", RUNNING))
        process = home.start()
        line = home.line()
        wait_for(lambda: rows(line, "state", where="state:running").matched == 1)
        process.terminate()
        assert process.wait(30) == 0
        assert home.log.rstrip().endswith("ended")


def test_a_stopped_process_can_be_ended_by_force(home: Home) -> None:
    """One that does not answer is ended by its lock's number."""
    home.configure(home.host("a"))
    process = home.start()
    process.send_signal(signal.SIGSTOP)
    stopping = admin.stop(home.paths, "force", answer_s=0.2)
    assert stopping is not None
    assert process.wait(30) == -signal.SIGKILL


def test_a_stopped_client_holds_nobody_up(home: Home) -> None:
    """A console that is SIGSTOPped in the middle of a live fleet; another one goes on being told."""
    with home.environment():
        home.paths = for_config(demo(hosts=2, vms=300))
    line = home.attach()
    code = (
        "import sys, time; from pathlib import Path; from kvmtui.wire.line import Line, greeting;"
        "from kvmtui.wire.messages import *; line = Line(Path(sys.argv[1])); line.greet(greeting('test'));"
        "query = Query(resource='vms', columns=('name', 'cpu_pct', 'seen'), count=300);"
        "[line.call(OpenWindow(window=n, query=query)) for n in range(8)]; print('ready', flush=True); time.sleep(600)"
    )
    stopped = subprocess.Popen([sys.executable, "-c", code, str(home.paths.socket)], stdout=subprocess.PIPE, text=True)
    try:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "ready\n"
        stopped.send_signal(signal.SIGSTOP)
        line.call(OpenWindow(window=1, query=Query(resource="vms", columns=("name", "cpu_pct"), count=300)))
        for _ in range(5):
            assert isinstance(_until(line, Rows), Rows)
        assert line.call(Status()).clients == 2
    finally:
        stopped.kill()
        stopped.communicate()


def test_pages_of_a_list_are_of_one_moment(home: Home) -> None:
    """While the fleet changes underneath, every VM is on exactly one page."""
    home.configure(home.host("a", *[RUNNING, OFF] * 30))
    home.start()
    line = home.line()
    settle(line)
    query = Query(resource="vms", columns=("name", "state"), sort="state", count=20)
    first = line.call(ListRows(query=query))
    plan = line.call(MakePlan(verb="pause", filter="state:running"))
    job = line.call(Submit(plan=plan.id, typed=plan.phrase))
    wait_for(lambda: line.call(GetJob(job=job.id)).job.state in ENDED)
    wait_for(lambda: line.call(OpenSummary()).vms.get("paused") == 30)
    rest = [line.call(ListRows(query=msgspec.structs.replace(query, first=first_))) for first_ in (20, 40)]
    listed = [row for page in (first, *rest) for row in page.rows]
    assert len({name for name, _state in listed}) == len(listed) == 60
    assert {state for _name, state in listed} == {"running", "shut off"}
    assert "paused" in {state for _name, state in line.call(ListRows(query=query)).rows}


def test_a_config_that_cannot_be_used_is_told_to_who_starts_it(home: Home) -> None:
    """Every problem, the words of the worker itself, at once."""
    home.configure("  - {name: a, uri: 'qemu+tls://a/system'}\n  - {name: a, colour: red}\n")
    with pytest.raises(UsageError) as told:
        home.attach()
    assert "tls" in str(told.value).lower()
    assert "colour" in str(told.value)
    assert home.start().returncode == 2


def test_few_files_are_said(home: Home) -> None:
    """Where the system allows fewer files than the fleet may need, the top line says so."""
    home.configure(home.host("a"))
    home.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200)))
    line = home.line()
    assert "200" in line.call(OpenSummary()).notice
    assert "ulimit -n" in line.call(Status()).notice


def test_a_worker_of_another_environment_is_found(home: Home) -> None:
    """Started where there is a runtime directory, asked for where there is none (cron, su)."""
    home.configure(home.host("a", RUNNING))
    process = home.start()
    del home.env["XDG_RUNTIME_DIR"]
    with home.environment():
        elsewhere = for_config(home.config)
        assert elsewhere.socket != home.paths.socket
    line = home.attach(elsewhere)
    assert line.call(Status()).pid == process.pid
    assert admin.stop(elsewhere, "idle") is not None


def test_a_place_that_cannot_be_had_is_said(home: Home) -> None:
    """Where another process answers, where a file is, where the path is too long: what, where, what to do."""
    home.configure(home.host("a"))
    home.start()
    taken = home.paths.socket
    for place, says in [
        (taken, "another process answers"),
        (home.config, "not a socket"),
        (home.folder / ("x" * 110), "may have 106 bytes"),
    ]:
        home.paths = home.paths._replace(state=home.folder / "other", socket=place)
        assert home.launch().wait(30) == 1
        failure = msgspec.json.decode(home.paths.failed.read_bytes(), type=Failure)
        assert says in failure.text
        assert "--socket" in failure.remedy
