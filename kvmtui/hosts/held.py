"""Calls that we ended and that may still hold a worker of the host's libvirtd.

libvirtd has 20 workers. A call that waits for the monitor of a QEMU which does not answer keeps its worker, whether we
still wait or not: a client that times out and asks again makes libvirtd useless to everybody. So at most MOST such
calls are left behind; who is to blame is found with controlInfo, which never waits for a monitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import libvirt

from kvmtui.hosts.hypervisor import Control
from kvmtui.text import duration

MOST = 2
"""Calls that may be left behind on a host."""
SKIP_S = 40.0
"""How long a VM that blocked a call is left out, from then on (vdsm's figure, lib/vdsm/virt/sampling.py)."""
STUCK_MS = 1_000
"""A monitor that has been occupied for so long when a call was ended is to blame for it."""

_OCCUPIED: int = libvirt.VIR_DOMAIN_CONTROL_OCCUPIED
_WELL = frozenset({libvirt.VIR_DOMAIN_CONTROL_OK, libvirt.VIR_DOMAIN_CONTROL_ERROR})


class _HeldCall:
    """One call that was ended without an answer."""

    def __init__(self, uuids: tuple[str, ...]) -> None:
        self.uuids = uuids
        self.unasked = set(uuids)
        """Still to be asked how their monitor is."""
        self.unclear: set[str] = set()
        """Their monitor was occupied, but not for long; asked once more."""
        self.suspects: dict[str, Control] = {}

    def take(self, answers: Mapping[str, Control | None]) -> None:
        """Take in what controlInfo said of those that were asked."""
        for uuid in tuple(self.unasked or self.suspects):
            if uuid not in answers:
                continue
            control = answers[uuid]
            self.unasked.discard(uuid)
            self.suspects.pop(uuid, None)
            if control is None or control.state in _WELL:
                self.unclear.discard(uuid)
            elif control.ms >= STUCK_MS:
                self.unclear.discard(uuid)
                self.suspects[uuid] = control
            elif uuid in self.unclear:  # it does one thing after the other: that is not what our call waits for
                self.unclear.discard(uuid)
            else:
                self.unclear.add(uuid)
        occupied = {uuid: control for uuid, control in self.suspects.items() if control.state == _OCCUPIED}
        if occupied:  # a job hides how the monitor is, so it is only suspected where nothing plainer is
            self.suspects = occupied
            self.unasked.clear()


class HeldCalls:
    """The calls left behind on one host, with the VMs to leave alone because of them. Times are the loop's."""

    def __init__(self) -> None:
        self._calls: list[_HeldCall] = []
        self._skip: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def full(self) -> bool:
        """No call that could wait for a monitor may be begun."""
        return len(self._calls) >= MOST

    def add(self, uuids: Iterable[str]) -> None:
        """A call about these VMs was ended without an answer."""
        self._calls.append(_HeldCall(tuple(uuids)))

    @property
    def unsure(self) -> bool:
        """Nobody knows yet which VM is to blame for one of the calls."""
        return any(call.unasked for call in self._calls)

    def to_ask(self) -> tuple[str, ...]:
        """The VMs whose controlInfo would tell something: those that a call was about, then its suspects."""
        asked: dict[str, None] = {}
        for call in self._calls:
            asked.update(dict.fromkeys(call.unasked or call.suspects))
        return tuple(asked)

    def learn(self, answers: Mapping[str, Control | None], now: float) -> None:
        """Take in what controlInfo said: suspects are left out, calls that nothing holds any more are forgotten."""
        self._calls = [call for call in self._calls if not self._returned(call, answers, now)]

    def _returned(self, call: _HeldCall, answers: Mapping[str, Control | None], now: float) -> bool:
        searching = bool(call.unasked)
        call.take(answers)
        if call.unasked:
            return False
        if call.suspects:
            if searching:
                self._skip.update(dict.fromkeys(call.suspects, now + SKIP_S))
            return False
        if call.unclear:
            call.unasked = set(call.unclear)
            return False
        if not searching:  # its worker has gone on, maybe to the next monitor that does not answer: ask about all
            call.unasked = set(call.uuids)
            return False
        return True

    def skipped(self, now: float) -> frozenset[str]:
        """The VMs to leave out: those that hold a call, and for SKIP_S those that did."""
        self._skip = {uuid: until for uuid, until in self._skip.items() if until > now}
        return frozenset(self._skip).union(*(call.suspects for call in self._calls))

    def stuck(self, now: float) -> tuple[tuple[str, str], ...]:
        """(UUID, why) of the VMs that are left out."""
        why = dict.fromkeys(self._skip, "left out for a while: it blocked the statistics of this host")
        for call in self._calls:
            for uuid, control in call.suspects.items():
                what = "monitor stuck" if control.state == _OCCUPIED else "busy with a job"
                why[uuid] = f"{what} for {duration(control.ms / 1000)}"
        left_out = self.skipped(now)
        return tuple((uuid, words) for uuid, words in why.items() if uuid in left_out)
