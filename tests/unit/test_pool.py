"""The pool of hosts, over libvirt's test driver, over sockets that never answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from kvmtui.actions import VERBS, Lane
from kvmtui.config import Config, HostConfig, Periods
from kvmtui.errors import LibvirtError, LinkError, RefusedError
from kvmtui.fleet.fleet import Fleet
from kvmtui.hosts.pool import HostPool
from kvmtui.hosts.reports import Counters, Happened, Identity, LinkReport, Listing, Report, Sampling, Surveyed, Vitals
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from tests.contract.sshd import Sshd

R = TypeVar("R", bound=Report)

DOMAIN = """
<domain type="test"><name>{name}</name><uuid>{uuid}</uuid><memory>1048576</memory><vcpu>2</vcpu>
<os><type>hvm</type></os></domain>
"""
UUIDS = tuple(f"{number:08d}-1111-4222-8333-444444444444" for number in range(1, 4))


class Heard:
    """What a pool delivers, from its thread to the test's loop."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def __call__(self, report: Report) -> None:
        self._loop.call_soon_threadsafe(self._take, report)

    def _take(self, report: Report) -> None:
        self.reports.append(report)
        self._news.set()

    async def first(self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True, *, since: int = 0) -> R:
        """The first report of a kind that is wanted; waits for it (the test's time-out bounds that)."""
        while True:
            for report in self.reports[since:]:
                if isinstance(report, kind) and wanted(report):
                    return report
            self._news.clear()
            await self._news.wait()


def world(folder: Path, name: str) -> str:
    """A host of the test driver with three VMs, which are off."""
    path = folder / f"{name}.xml"
    domains = "".join(DOMAIN.format(name=f"{name}-{number}", uuid=uuid) for number, uuid in enumerate(UUIDS))
    path.write_text(f"<node>{domains}</node>")
    return f"test://{path}"


def config_of(*hosts: HostConfig, demo: bool = False) -> Config:
    return Config(name="test", hosts=hosts, demo=demo, periods=Periods(state_s=0.5, watched_s=0.5, others_s=0.5))


@contextlib.asynccontextmanager
async def running(config: Config, folder: Path, **more: Callable[[], float]) -> AsyncIterator[tuple[HostPool, Heard]]:
    heard = Heard()
    pool = HostPool(config, folder / "r", folder / "known_hosts", heard, **more)
    pool.start()
    try:
        yield pool, heard
    finally:
        await pool.stop()


def in_state(uuid: str, state: VmState) -> Callable[[Listing], bool]:
    return lambda listing: any(vm.uuid == uuid and vm.state is state for vm in listing.vms)


async def test_a_host_is_up_listed_identified(tmp_path: Path) -> None:
    """The first thing a host tells after its link is all of its VMs; its figures are not invented unless asked for."""
    config = config_of(HostConfig(name="a", uri=world(tmp_path, "a")))
    async with running(config, tmp_path, clock=lambda: 77.0) as (_, heard):
        identity = await heard.first(Identity)
        assert (identity.hypervisor, identity.invented, identity.host_uuid) == ("test driver", False, "")
        kinds = [type(report) for report in heard.reports[:3]]
        assert kinds == [LinkReport, LinkReport, Listing]
        listing = await heard.first(Listing)
        assert {vm.name for vm in listing.vms} == {"a-0", "a-1", "a-2"}
        assert {report.at for report in heard.reports} == {77.0}
        await heard.first(Sampling)


def of_vm(uuid: str) -> Callable[[Surveyed], bool]:
    return lambda report: [vm.uuid for vm in report.vms] == [uuid]


async def test_each_definition_is_read_once_and_again_when_it_may_be_another(tmp_path: Path) -> None:
    """One by one, after the listing; a start is a reason to read anew."""
    config = config_of(HostConfig(name="a", uri=world(tmp_path, "a")))
    async with running(config, tmp_path) as (pool, heard):
        for uuid in UUIDS:
            report = await heard.first(Surveyed, of_vm(uuid))
            assert [vm.owner for vm in report.vms] == [""]
        read = [vm.uuid for report in heard.reports if isinstance(report, Surveyed) for vm in report.vms]
        assert sorted(read) == sorted(UUIDS)
        since, verb = len(heard.reports), VERBS["off"]
        await pool.act("a", UUIDS[1], verb.call, verb.args, verb.lane, verb.deadline_s)
        again = await heard.first(Surveyed, since=since)
        assert [vm.uuid for vm in again.vms] == [UUIDS[1]]


async def test_verbs_do_what_they_say_and_events_tell_it(tmp_path: Path) -> None:
    """Start, pause, resume, reboot, force off: seen in the listing, in a look, and told by libvirt itself."""
    config = config_of(HostConfig(name="a", uri=world(tmp_path, "a")))
    async with running(config, tmp_path) as (pool, heard):
        await heard.first(Listing, lambda listing: bool(listing.vms))
        uuid = UUIDS[0]
        steps = (
            ("off", "stopped", VmState.OFF),
            ("start", "started", VmState.RUNNING),
            ("pause", "paused", VmState.PAUSED),
            ("resume", "resumed", VmState.RUNNING),
        )
        for verb_id, kind, state in steps:
            verb, since = VERBS[verb_id], len(heard.reports)
            await pool.act("a", uuid, verb.call, verb.args, verb.lane, verb.deadline_s)
            event = await heard.first(Happened, lambda event: event.uuid == uuid, since=since)
            assert (event.kind, event.state) == (kind, state)
            await heard.first(Listing, in_state(uuid, state), since=since)
            seen = await pool.look("a", uuid)
            assert (seen.exists, seen.state, seen.name) == (True, state, "a-0")
        assert uuid in await pool.xml("a", uuid)
        with pytest.raises(LibvirtError) as refused:
            await pool.act("a", uuid, "create", (), Lane.ACTION, 5)
        assert refused.value.where == "a"


async def test_what_is_no_verb_never_reaches_a_host(tmp_path: Path) -> None:
    """Only the calls that verbs declare can be made, on hosts that are in the config and up."""
    hosts = (HostConfig(name="a", uri=world(tmp_path, "a")), HostConfig(name="gone", uri="test:///nowhere.xml"))
    async with running(config_of(*hosts), tmp_path) as (pool, heard):
        await heard.first(Listing)
        with pytest.raises(RefusedError):
            await pool.act("a", UUIDS[0], "undefine", (), Lane.ACTION, 5)
        lost = await heard.first(LinkReport, lambda report: report.state is LinkState.NO_LIBVIRT)
        assert lost.host == "gone"
        assert lost.reason
        with pytest.raises(LinkError) as unsent:
            await pool.act("gone", UUIDS[0], "destroy", (), Lane.CONTROL, 5)
        assert unsent.value.state is LinkState.NO_LIBVIRT
        assert not (await pool.look("a", "00000000-0000-0000-0000-000000000000")).exists


async def test_demo_figures_are_invented_and_say_so(tmp_path: Path) -> None:
    """The test driver knows states only; in the demo its VMs have figures nevertheless, and so has the host."""
    async with running(config_of(HostConfig(name="a", uri=world(tmp_path, "a")), demo=True), tmp_path) as (_, heard):
        assert (await heard.first(Identity)).invented

        def known(counters: Counters) -> bool:
            return counters.cpu_ns is not None and counters.mem_max_bytes == 1 << 30 and counters.vcpus == 2

        sampling = await heard.first(Sampling, lambda sampling: len(sampling.vms) == 3)
        assert all(map(known, sampling.vms))
        assert (await heard.first(Vitals, lambda vitals: vitals.total_ticks is not None)).mem_total_bytes


async def test_what_is_done_in_the_demo_is_told_once(tmp_path: Path) -> None:
    """Figures made up between an event and the next listing do not bring back the state from before."""
    host = HostConfig(name="a", uri=world(tmp_path, "a"))
    quick = Config(name="test", hosts=(host,), demo=True, periods=Periods(state_s=0.5, watched_s=0.01, others_s=0.01))
    async with running(quick, tmp_path) as (pool, heard):
        listing = await heard.first(Listing)
        pool.watch({"a": frozenset(UUIDS)})
        acts = [
            ("off", VmState.OFF),
            ("start", VmState.RUNNING),
            *[("pause", VmState.PAUSED), ("resume", VmState.RUNNING)] * 3,
        ]
        for verb_id, state in acts:
            verb, since = VERBS[verb_id], len(heard.reports)
            for uuid in UUIDS:
                await pool.act("a", uuid, verb.call, verb.args, verb.lane, verb.deadline_s)
            for uuid in UUIDS:
                await heard.first(Happened, lambda event, uuid=uuid: event.uuid == uuid, since=since)  # type: ignore[misc]
                await heard.first(Listing, in_state(uuid, state), since=since)
    fleet = Fleet((host,))
    for report in heard.reports:
        if report.at <= listing.at or not isinstance(report, Vitals):
            fleet.reduce(report)
    told = [event for event in fleet.events.rows.values() if event.uuid == UUIDS[0]]
    assert len(told) == len(acts), [event.text for event in told]


async def test_apply_touches_only_what_changed(tmp_path: Path) -> None:
    """A host that stays as it is keeps its connection; one that is new is connected; one that is gone is silent."""
    first, second = (HostConfig(name=name, uri=world(tmp_path, name)) for name in "ab")
    async with running(config_of(first), tmp_path) as (pool, heard):
        await heard.first(Listing)
        await pool.act("a", UUIDS[0], "suspend", (), Lane.ACTION, 5)
        pool.apply(config_of(first, second))
        await heard.first(Listing, lambda listing: listing.host == "b")
        seen = await pool.look("a", UUIDS[0])
        assert seen.state is VmState.PAUSED  # each connection to the test driver is a world of its own: it is the same
        pool.apply(config_of(second))
        with pytest.raises(Exception, match="no such host"):
            await pool.look("a", UUIDS[0])
        assert (await pool.look("b", UUIDS[0])).exists


async def test_watched_vms_are_asked_alone(tmp_path: Path) -> None:
    """What is on a screen has its own samples."""
    async with running(config_of(HostConfig(name="a", uri=world(tmp_path, "a"))), tmp_path) as (pool, heard):
        await heard.first(Sampling)
        pool.watch({"a": frozenset({UUIDS[1]})})
        since = len(heard.reports)
        await heard.first(Sampling, lambda sampling: [vm.uuid for vm in sampling.vms] == [UUIDS[1]], since=since)


class SilentSockets:
    """Sockets that accept and never answer."""

    def __init__(self, folder: Path, count: int) -> None:
        self.paths = [folder / f"s{number}" for number in range(count)]
        self._sockets = [socket.socket(socket.AF_UNIX) for _ in self.paths]
        for path, each in zip(self.paths, self._sockets, strict=True):
            each.bind(str(path))
            each.listen(8)

        self._callers: list[socket.socket] = []

    def close(self) -> None:
        for each in self._sockets + self._callers:
            each.close()

    def await_callers(self) -> None:
        """Wait until each of them has been asked something."""
        for each in self._sockets:
            caller, _ = each.accept()
            self._callers.append(caller)
            assert caller.recv(1)

    def hosts(self) -> tuple[HostConfig, ...]:
        return tuple(HostConfig(name=path.name, uri=f"qemu+unix:///system?socket={path}") for path in self.paths)


async def test_stop_is_quick_whatever_hosts_do(tmp_path: Path) -> None:
    """Eight hosts that hang in open(), and the pool is gone within a second; no thread of theirs stays."""
    silent = SilentSockets(tmp_path, 8)
    heard = Heard()
    pool = HostPool(config_of(*silent.hosts()), tmp_path / "r", tmp_path / "known_hosts", heard)
    pool.start()
    await asyncio.to_thread(silent.await_callers)
    began = time.monotonic()
    await pool.stop()
    assert time.monotonic() - began < 1.0
    for thread in threading.enumerate():
        if thread.name.startswith(("lane-", "hosts")):
            await asyncio.to_thread(thread.join)
    with pytest.raises(LinkError):
        await pool.look("s0", UUIDS[0])
    silent.close()


async def test_hosts_that_hang_do_not_touch_the_others(tmp_path: Path) -> None:
    """Seven silent hosts beside one that answers: it is listed all the same, and again."""
    silent = SilentSockets(tmp_path, 7)
    config = config_of(*silent.hosts(), HostConfig(name="a", uri=world(tmp_path, "a")))
    async with running(config, tmp_path) as (_, heard):
        await heard.first(Listing)
        await heard.first(Listing, since=len(heard.reports))
        assert not any(report.host != "a" and not isinstance(report, LinkReport) for report in heard.reports)
    silent.close()


async def test_a_machine_that_slept_connects_again_without_a_word_of_loss(tmp_path: Path) -> None:
    """Its hosts read connecting, with the reason, never lost; those without a way to go are left alone."""
    silent = SilentSockets(tmp_path, 1)
    asleep_s = [0.0]
    config = config_of(*silent.hosts(), HostConfig(name="a", uri=world(tmp_path, "a")))
    async with running(config, tmp_path, awake=lambda: time.monotonic() + asleep_s[0]) as (_, heard):
        await heard.first(Listing)
        asleep_s[0] = 7200.0
        report = await heard.first(LinkReport, lambda report: report.host == "s0" and "slept" in report.reason)
        assert (report.state, report.reason) == (LinkState.CONNECTING, "this machine slept for 2h")
        assert [r.state for r in heard.reports if isinstance(r, LinkReport) and r.host == "a"] == [
            LinkState.CONNECTING,
            LinkState.UP,
        ]
    silent.close()


async def test_what_another_worker_was_told_to_trust_counts_at_once(tmp_path: Path) -> None:
    """A host whose key is unknown is tried again when the file says otherwise, not minutes later."""
    nothing = tmp_path / "nothing"
    nothing.touch()
    async with Sshd(tmp_path).serving() as sshd:
        key = sshd.known_hosts.read_text()
        sshd.known_hosts.unlink()
        host = HostConfig(
            name="a", uri=f"{sshd.uri}/system", identity_file=str(sshd.identity), known_hosts=str(nothing)
        )
        async with running(config_of(host), tmp_path) as (_, heard):
            await heard.first(LinkReport, lambda report: report.state is LinkState.NEEDS_YOU)
            (tmp_path / "known_hosts").write_text(key + "\n")
            await heard.first(LinkReport, lambda report: report.state in {LinkState.UP, LinkState.NO_LIBVIRT})


async def test_a_vm_whose_name_shows_nothing_is_told_by_its_uuid(tmp_path: Path) -> None:
    """A name of marks alone: listing, event, look give one that can be told apart."""
    domain, uuid = DOMAIN.format(name="\u202e\u2066\u200b", uuid=UUIDS[0]), UUIDS[0]
    (tmp_path / "a.xml").write_text(f"<node>{domain}</node>")
    async with running(config_of(HostConfig(name="a", uri=f"test://{tmp_path}/a.xml")), tmp_path) as (pool, heard):
        listing = await heard.first(Listing)
        assert [vm.name for vm in listing.vms] == [uuid]
        assert (await pool.look("a", uuid)).name == uuid
        await pool.act("a", uuid, "suspend", (), Lane.ACTION, 5)
        assert (await heard.first(Happened)).name == uuid
