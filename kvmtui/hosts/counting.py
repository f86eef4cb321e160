"""libvirt's statistics of a domain turned into counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kvmtui.hosts import reasons
from kvmtui.hosts.reports import Counters
from kvmtui.model.vm import VmState

MOST = 1_024
"""Disks, interfaces or vCPUs of a domain that are looked at."""

_delays: list[str] = []
_disks: list[tuple[str, str, tuple[str, str, str], tuple[str, str, str]]] = []
_nics: list[tuple[str, str]] = []
"""Names of fields by number, made once: making them anew for each domain costs more than the rest."""


def _name_up_to(count: int) -> None:
    for n in range(len(_delays), min(count, MOST)):
        _delays.append(f"vcpu.{n}.delay")
        disk = f"block.{n}."
        requests = (f"{disk}rd.reqs", f"{disk}wr.reqs", f"{disk}fl.reqs")
        times = (f"{disk}rd.times", f"{disk}wr.times", f"{disk}fl.times")
        _disks.append((f"{disk}rd.bytes", f"{disk}wr.bytes", requests, times))
        _nics.append((f"net.{n}.rx.bytes", f"net.{n}.tx.bytes"))


_name_up_to(16)


def counters(uuid: str, stats: Mapping[str, Any]) -> Counters:
    """Return what ``stats`` (of virConnectGetAllDomainStats) say; a figure that they leave out is None.

    Disks and interfaces are summed over those that tell; none at all is 0, unless libvirt said nothing about them.
    Memory comes in KiB, times in nanoseconds.
    """
    get = stats.get
    number = get("state.state", 0)
    vcpus = get("vcpu.current")
    vcpu_max, disks, nics = get("vcpu.maximum", 0), get("block.count"), get("net.count")
    if (most := max(vcpu_max, disks or 0, nics or 0)) > len(_delays):
        _name_up_to(most)

    delay: int | None = None
    for key in _delays[:vcpu_max]:
        if (value := get(key)) is not None:
            delay = value if delay is None else delay + value

    read = written = requests = spent = None if disks != 0 else 0
    for read_key, write_key, request_keys, time_keys in _disks[: disks or 0]:
        if (value := get(read_key)) is None:
            continue
        read = (read or 0) + value
        written = (written or 0) + get(write_key, 0)
        a, b, c = request_keys
        requests = (requests or 0) + get(a, 0) + get(b, 0) + get(c, 0)
        a, b, c = time_keys
        spent = (spent or 0) + get(a, 0) + get(b, 0) + get(c, 0)

    received = sent = None if nics != 0 else 0
    for rx_key, tx_key in _nics[: nics or 0]:
        if (value := get(rx_key)) is not None:
            received = (received or 0) + value
            sent = (sent or 0) + get(tx_key, 0)

    maximum, available, usable = get("balloon.maximum"), get("balloon.available"), get("balloon.usable")
    return Counters(
        uuid=uuid,
        state=reasons.STATES.get(number, VmState.UNKNOWN),
        reason=reasons.reason(number, get("state.reason", 0)),
        vcpus=vcpus,
        cpu_ns=get("cpu.time"),
        delay_ns=delay,
        mem_max_bytes=None if maximum is None else maximum * 1024,
        mem_available_bytes=None if available is None else available * 1024,
        mem_usable_bytes=None if usable is None else usable * 1024,
        mem_reported=get("balloon.last-update") or None,
        read_bytes=read,
        write_bytes=written,
        requests=requests,
        request_ns=spent,
        rx_bytes=received,
        tx_bytes=sent,
    )
