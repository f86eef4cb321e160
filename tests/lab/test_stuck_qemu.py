"""Stopped QEMUs hold calls to libvirtd; kvmtui, polling on, never holds more than two, so virsh still answers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import cycle, pairwise

import pytest

from tests.lab.cluster import Cluster
from tests.lab.conftest import TinyFactory
from tests.lab.guest import Guest
from tests.lab.seat_pool import Line, SeatError, SeatPool, host_config, seat_pool

STUCK = 25
"""More than libvirtd has workers (20)."""
STUCK_S = float(os.environ.get("KVMTUI_STUCK_S", "40"))
SOAK_S = 300.0
VIRSH_S = 5.0
"""Everything virsh is asked answers within this; a libvirtd without free workers never does."""


@pytest.fixture
def pool(lab: Cluster) -> Iterator[SeatPool]:
    """The first host, polled as hard as a console full of its VMs makes it."""
    with seat_pool(lab, host_config(lab, "kvm1", lab.host(1).uri()), others_s=2.0) as pool:
        yield pool


def measured(line: Line) -> set[str]:
    """The VMs of a Sampling whose figures came from their monitors."""
    return {vm["uuid"] for vm in line["vms"] if vm["delay_ns"] is not None}


def ask_virsh(healthy: Guest, until: float) -> None:
    """Put to virsh, inside the host, what needs a worker of libvirtd, again and again. Raises LabError if it hangs."""
    questions = (
        ("list", "--all"),
        ("dominfo", healthy.uuid),
        ("domstats", healthy.uuid),
        ("capabilities",),
        ("dumpxml", healthy.uuid),
        ("qemu-monitor-command", healthy.uuid, '{"execute":"query-status"}'),
    )
    for words in cycle(questions):
        if time.monotonic() > until:
            return
        assert healthy.host.virsh(*words, timeout_s=VIRSH_S)
        time.sleep(0.2)


@pytest.mark.parametrize("stuck_s", [STUCK_S, pytest.param(SOAK_S, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_virsh_answers_for_as_long_as_25_qemus_are_stopped(
    lab: Cluster, tiny: TinyFactory, pool: SeatPool, stuck_s: float
) -> None:
    """The list stays fresh meanwhile, the stuck are named, and when they go on all figures come back by themselves."""
    *stuck, healthy = tiny(lab.host(1), STUCK + 1)
    everyone = {guest.uuid for guest in (*stuck, healthy)}
    watched = [guest.uuid for guest in (*stuck[::3], healthy)]
    pool.await_report("Sampling", "kvm1", lambda line: measured(line) == everyone, timeout_s=30)
    pool.call("watch", {"kvm1": watched})
    pool.await_report("Sampling", "kvm1", lambda line: measured(line) == set(watched), timeout_s=30)
    since = len(pool.reports)
    for guest in stuck:
        guest.stick()
    try:
        ask_virsh(healthy, time.monotonic() + stuck_s)
        held = [guest for guest in stuck if guest.host.virsh("domcontrol", guest.uuid).startswith("occupied")]
        assert 1 <= len(held) <= 2
        with pytest.raises(SeatError, match=r"LinkError.*hold this host's libvirt"):  # a third call is not begun
            pool.call("act", "kvm1", healthy.uuid, "resume", (), "action", 5)
        listings = [line["at"] for line in pool.of("Listing", "kvm1", since=since)]
        # libvirt holds the VM for ten seconds while it kills a QEMU that is stopped: no list from anybody meanwhile
        pool.call("act", "kvm1", stuck[0].uuid, "destroy", (), "control", 50, timeout_s=60)
        assert stuck[0].state() == ""
        everyone.discard(stuck[0].uuid)
    finally:
        for guest in stuck[1:]:
            guest.unstick()
    told = pool.of("LinkReport", "kvm1", since=since)
    assert {line["state"] for line in told} == {"up"}
    assert "stuck VMs hold calls" in told[0]["reason"]
    named = {uuid for line in pool.of("Sampling", "kvm1", since=since) for uuid, why in line["stuck"]}
    assert named
    assert named <= {guest.uuid for guest in stuck}
    assert max(later - earlier for earlier, later in pairwise(listings)) < 10
    pool.call("watch", {})
    pool.await_report(
        "Sampling",
        "kvm1",
        lambda line: measured(line) == everyone and not line["stuck"],
        since=len(pool.reports),
        timeout_s=60,
    )
    assert pool.of("LinkReport", "kvm1")[-1]["reason"] == ""
