"""A worker of a team: what each of those who reach it may do there."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kvmtui.errors import KvmtuiError, RefusedError, WorkerError
from kvmtui.jobs import record
from kvmtui.model.job import Plan, Verdict
from kvmtui.paths import for_config
from kvmtui.wire import spawn
from kvmtui.wire.line import Line, greeting
from kvmtui.wire.messages import (
    Abort,
    Access,
    GetEligible,
    Jobs,
    MakePlan,
    Note,
    Reconnect,
    Stop,
    Submit,
    Trust,
    Unlock,
)
from kvmtui.wire.peer import groups_of, peer_of
from tests.worker.home import RUNNING, Home, rows, settle, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: it connects as other users")

NOBODY = pwd.getpwnam("nobody")
OPERATORS = next(group for group in grp.getgrall() if group.gr_gid not in {0, NOBODY.pw_gid})
ROLES = f"""  roles:
  - {{role: operator, groups: [{OPERATORS.gr_name}]}}
  - {{role: admin, users: [nobody], groups: ["{OPERATORS.gr_name}"], hosts: [b]}}
"""
ROLES_BY_TAG = "  roles:\n  - {role: operator, users: [nobody], tags: [web]}\nvm_tags: {web: 'host~b'}\n"


@contextlib.contextmanager
def as_user(uid: int, groups: Sequence[int]) -> Iterator[None]:
    """This process with another effective user and other groups: a connection keeps those it was made with."""
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(NOBODY.pw_gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


@pytest.fixture
def home() -> Iterator[Home]:
    """A home whose socket others can reach; the group of the socket is root's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        with Home(folder) as home:
            home.paths = home.paths._replace(socket=folder / "s" / "sock", shared=True)
            yield home
    finally:
        shutil.rmtree(folder)


def start(home: Home, guard: str) -> None:
    """Start a worker over hosts a and b, one VM each."""
    home.configure(home.host("a", RUNNING), home.host("b", RUNNING), head=f"guard:\n{guard}" if guard else "")
    home.start("--shared")
    settle(home.line())


def recorded(home: Home) -> list[dict[str, Any]]:
    """What the record has, the oldest first. Fails if it is not sound."""
    assert record.verify(home.paths.journal).is_sound
    return [json.loads(line.record) for line in record.lines(home.paths.journal)]


def connected(home: Home, uid: int, *groups: int, read_only: bool = False) -> Line:
    """A greeted connection of a user who is a member of the socket's group, and of others."""
    with as_user(uid, [home.paths.socket.stat().st_gid, *groups]):
        line = Line(home.paths.socket)
    line.greet(greeting("test", read_only=read_only))
    return line


def planned(line: Line, verb: str, host: str) -> Plan:
    """What a verb would do to the VM of a host."""
    return line.call(MakePlan(verb=verb, filter=f"host:{host}"))


def refusal(line: Line, request: object) -> str:
    """Why a request is refused; "" if it is not."""
    try:
        line.call(request)  # type: ignore[arg-type]
    except RefusedError as error:
        return error.text
    except KvmtuiError:
        return ""
    return ""


CHANGES = (
    Abort(job="none"),
    Stop(mode="idle"),
    Stop(mode="force"),
    Trust(address="h", port=22, fingerprint="SHA256:x"),
    Unlock(for_s=60),
)


def test_who_is_in_its_group_reaches_it_and_nobody_else(home: Home) -> None:
    """The socket is its group's (0660), in a folder that others may only look into."""
    start(home, "")
    assert home.paths.socket.stat().st_mode & 0o777 == 0o660
    with as_user(NOBODY.pw_uid, [OPERATORS.gr_gid]), pytest.raises(WorkerError, match="members of its group"):
        Line(home.paths.socket)
    line = connected(home, NOBODY.pw_uid)
    assert rows(line, "name").total == 2
    assert planned(line, "off", "a").verdict is Verdict.ASKS  # no roles: whoever reaches it is admin
    assert ("only members of group 0" in home.log) is (home.paths.socket.stat().st_gid == 0)
    line.close()


def test_a_client_that_slips_past_the_socket_s_mode_is_turned_away(home: Home) -> None:
    """The kernel tells the groups of whoever connected: a mode that somebody opened lets nobody in."""
    start(home, "")
    home.paths.socket.chmod(0o666)
    with as_user(NOBODY.pw_uid, [OPERATORS.gr_gid]):
        line = Line(home.paths.socket)
    with pytest.raises(WorkerError, match="another user"):
        line.greet(greeting("test"))
    line.close()


def test_who_is_named_nowhere_is_a_viewer(home: Home) -> None:
    """He sees all, and changes nothing: no VM, no job, not the worker."""
    start(home, ROLES)
    line = connected(home, NOBODY.pw_uid - 1)
    assert line.welcome is not None
    assert line.welcome.read_only
    assert line.welcome.read_only_why == "your role here is viewer, it takes operator"
    assert rows(line, "name").total == 2
    plan = planned(line, "pause", "a")
    assert plan.verdict is Verdict.NO
    assert "your role here is viewer" in plan.why
    for request in (*CHANGES, Reconnect(), Submit(plan=plan.id, typed="y")):
        assert refusal(line, request), request
    target = (plan.skipped[0].target.host, plan.skipped[0].target.uuid)
    assert set(line.call(GetEligible(targets=(target,))).why.values()) == {line.welcome.read_only_why}
    line.close()


def test_a_role_comes_from_user_and_groups_and_ends_at_its_scope(home: Home) -> None:
    """Operator by a supplementary group everywhere, admin on one host."""
    start(home, ROLES)
    line = connected(home, NOBODY.pw_uid - 1, OPERATORS.gr_gid)
    assert planned(line, "pause", "a").verdict is Verdict.ASKS
    assert planned(line, "off", "b").verdict is Verdict.ASKS
    refused = planned(line, "off", "a")
    assert (refused.verdict, refused.targets) == (Verdict.NO, ())
    assert "your role here is operator, it takes admin" in refused.why
    assert "your role" in refusal(line, Stop(mode="drain"))
    assert "your role" in refusal(line, Trust(address="h", port=22, fingerprint="SHA256:x"))
    line.close()
    root = home.line()
    assert planned(root, "off", "a").verdict is Verdict.ASKS
    root.close()


def test_a_job_over_more_than_a_scope_does_not_touch_the_rest(home: Home) -> None:
    """What is out of scope is left out, with the reason; by tag as by host."""
    start(home, ROLES_BY_TAG)
    line = connected(home, NOBODY.pw_uid)
    plan = line.call(MakePlan(verb="pause", all=True))
    assert [target.host for target in plan.targets] == ["b"]
    assert [skip.reason for skip in plan.skipped] == ["your role here is viewer, it takes operator"]
    line.close()


def test_read_only_is_unlocked_for_one_session_and_recorded(home: Home) -> None:
    """guard.start: read-only holds for whoever says nothing of it, until he unlocks; never for --read-only."""
    start(home, "  start: read-only\n")
    line, other, careful = connected(home, NOBODY.pw_uid), home.line(), home.line(read_only=True)
    assert planned(line, "pause", "a").verdict is Verdict.NO
    assert "--read-only" in refusal(careful, Unlock(for_s=60))
    assert line.call(Unlock(for_s=900)) == Access(read_only=False, left_s=900)
    assert planned(line, "pause", "a").verdict is Verdict.ASKS
    assert planned(other, "pause", "a").verdict is Verdict.NO
    assert line.call(Unlock(for_s=0)) == Access(read_only=True)
    assert planned(line, "pause", "a").verdict is Verdict.NO
    with pytest.raises(KvmtuiError, match="8h at most"):
        line.call(Unlock(for_s=9 * 3600))
    line.close()
    told = [(each["phase"], each["user"], each.get("parameters")) for each in recorded(home)]
    assert told[1:] == [("unlocked", "nobody", {"for_s": 900}), ("locked", "nobody", None)]


def test_a_session_ends_with_its_connection_and_its_time(home: Home) -> None:
    """The next connection of the same process is locked; what was unlocked for a second is locked after it."""
    start(home, "  start: read-only\n")
    line = home.line()
    line.call(Unlock(for_s=900))
    line.close()
    again = home.line()
    assert planned(again, "pause", "a").verdict is Verdict.NO
    again.call(Unlock(for_s=0.2))
    wait_for(lambda: planned(again, "pause", "a").verdict is Verdict.NO)


def test_a_config_that_begins_otherwise_is_told_to_each_session(home: Home) -> None:
    """As it begins for this client, an unlocking aside: that one passes."""
    start(home, "  start: read-only\n")
    line, viewer = home.line(), connected(home, NOBODY.pw_uid)
    line.call(Unlock(for_s=900))

    def told(of: Line) -> bool | None:
        of.call(Jobs())
        notes = [message for message in of.pushed if isinstance(message, Note) and "applied" in message.text]
        return notes[-1].read_only if notes else None

    hosts = (home.host("a", RUNNING), home.host("b", RUNNING))
    home.configure(*hosts, head="guard:\n  start: read-only\nlimits: {per_host: 1}\n")
    wait_for(lambda: told(line) is True)
    home.configure(*hosts, head=f"guard:\n{ROLES}")
    wait_for(lambda: told(line) is False)
    wait_for(lambda: told(viewer) is False)
    home.configure(*hosts, head="guard:\n  roles:\n  - {role: viewer, users: [nobody]}\n")
    wait_for(lambda: told(viewer) is True)
    assert told(line) is False
    viewer.close()


def test_groups_are_those_of_the_process_that_connected() -> None:
    """As the kernel says; where there are more than it can be asked for, those that the user database has."""
    for groups, expected in (([7, 8], {7, 8}), (list(range(2000, 2300)), set())):
        with as_user(NOBODY.pw_uid, groups):
            here, there = socket.socketpair()
        with here, there:
            listed = set(os.getgrouplist("nobody", NOBODY.pw_gid)) if not expected else set()
            assert groups_of(here, peer_of(here)) == {NOBODY.pw_gid, *expected, *listed}


def test_a_listener_of_another_user_is_believed_only_where_nobody_else_could_listen(home: Home) -> None:
    """In a folder that is his or root's, with nobody else's above it: /run/kvmtui is, a folder open to all is not."""
    folder = home.folder / "s"
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    with as_user(NOBODY.pw_uid, []), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(folder / "sock"))
        listening.listen()
        os.seteuid(0)
        line = Line(folder / "sock")
        assert line.peer.uid == NOBODY.pw_uid
        line.close()
        folder.chmod(0o777)
        with pytest.raises(WorkerError, match=f"uid {NOBODY.pw_uid}, not you"):
            Line(folder / "sock")
        folder.chmod(0o755)
        os.chown(folder, 1, 1)
        with pytest.raises(WorkerError, match="not you"):
            Line(folder / "sock")


def test_a_worker_of_others_is_neither_started_nor_replaced(home: Home) -> None:
    """Who uses it only is told who starts it; his own worker and its state are not touched by that."""
    (home.folder / "s").mkdir()
    (home.folder / "s").chmod(0o755)
    os.chown(home.folder / "s", NOBODY.pw_uid, NOBODY.pw_gid)
    home.configure(home.host("a", RUNNING))
    with home.environment():
        places = for_config(home.config, home.folder / "s" / "sock")
        own = for_config(home.config)
    assert places.shared
    assert places.state != own.state
    with pytest.raises(WorkerError, match="no worker listens there"):
        spawn.attach(places, greeting("test"))
