"""Ended calls that may still hold a worker of the host's libvirtd.

libvirtd has 20 workers. A call that waits for the monitor of a QEMU which does not answer keeps its worker, whether we
still wait or not: a client that times out and asks again makes libvirtd useless to everybody. So at most MOST such
calls are left behind; who is to blame is found with controlInfo, which never waits for a monitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeGuard

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
    """One call that was ended without an answer.

    Its worker asks one VM after the other and never goes back. So they are asked here in the same order, and what was
    found well stays behind: the worker is at, or beyond, the first one that has not been asked yet.
    """

    def __init__(self, uuids: tuple[str, ...]) -> None:
        self.uuids = uuids
        self.unasked = list(uuids)
        self.suspects: dict[str, Control] = {}
        self._first_suspect = ""
        self._unclear = ""
        """The first of the unasked had a busy monitor, but not for long: it is asked once more."""

    def take(self, answers: Mapping[str, Control | None]) -> tuple[str, ...]:
        """Take in what controlInfo said; returns new suspects."""
        if self.unasked:
            return self._search(answers)
        for uuid in tuple(self.suspects):
            if uuid in answers:
                control = answers[uuid]
                if _is_stuck(control):
                    self.suspects[uuid] = control
                else:  # well, or busy with something else by now
                    del self.suspects[uuid]
        if not self.suspects:  # the worker has gone on, maybe to the next monitor that does not answer
            self.unasked = list(self.uuids[self.uuids.index(self._first_suspect) + 1 :])
        return ()

    def _search(self, answers: Mapping[str, Control | None]) -> tuple[str, ...]:
        found = []
        while self.unasked and (uuid := self.unasked[0]) in answers:
            control = answers[uuid]
            if _is_stuck(control):
                if not self.suspects:
                    self._first_suspect = uuid
                self.suspects[uuid] = control
                found.append(uuid)
            elif control is not None and control.state not in _WELL and uuid != self._unclear:
                self._unclear = uuid
                break
            self.unasked.pop(0)
        return tuple(found)

    @property
    def returned(self) -> bool:
        """Nothing holds it any more."""
        return not self.unasked and not self.suspects


def _is_stuck(control: Control | None) -> TypeGuard[Control]:
    return control is not None and control.state not in _WELL and control.ms >= STUCK_MS


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
        """A call about these VMs was ended without an answer; they come in the order in which libvirtd asks them."""
        self._calls.append(_HeldCall(tuple(uuids)))

    @property
    def unsure(self) -> bool:
        """Nobody knows yet which VM is to blame for one of the calls."""
        return any(call.unasked for call in self._calls)

    def to_ask(self) -> tuple[str, ...]:
        """The VMs whose controlInfo would tell something, the most urgent first: not all of them may get an answer."""
        asked: dict[str, None] = {}
        for call in self._calls:
            asked.update(dict.fromkeys(call.unasked))
        for call in self._calls:
            asked.update(dict.fromkeys(() if call.unasked else call.suspects))
        return tuple(asked)

    def learn(self, answers: Mapping[str, Control | None], now: float) -> None:
        """Take in what controlInfo said: suspects are left out, calls that nothing holds any more are forgotten."""
        for call in self._calls:
            self._skip.update(dict.fromkeys(call.take(answers), now + SKIP_S))
        self._calls = [call for call in self._calls if not call.returned]

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
