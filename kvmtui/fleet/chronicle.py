"""Changes of rows as events, each told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.fleet import tale
from kvmtui.fleet.tale import Step
from kvmtui.fleet.trouble import WRONG
from kvmtui.model.event import EventKind
from kvmtui.model.host import LinkState
from kvmtui.model.vm import ACTIVE, Vm, VmState
from kvmtui.text import duration, plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.fleet.events import EventLog
    from kvmtui.fleet.trouble import Twin
    from kvmtui.hosts.reports import Happened
    from kvmtui.model.host import Host

LINGER_S = 30.0
"""How long a trouble must have been over before that is told, for a figure at its limit comes and goes; how long a step
of something under way must last before it is told by itself."""
LEFT_MAX = 1_000
"""VMs that went away of which it is kept where they were."""

_ARRIVED = frozenset({"migrated", "post-copy"})
_LINKS = {
    LinkState.UP: EventKind.LINK_UP,
    LinkState.LOST: EventKind.LINK_LOST,
    LinkState.NEEDS_YOU: EventKind.NEEDS_YOU,
    LinkState.NO_LIBVIRT: EventKind.NO_LIBVIRT,
}
_NOTICE = 1
_SERIOUS = 3


class _Told(NamedTuple):
    """A trouble that was told."""

    row: Vm | Host
    over: float | None = None
    """Since when it is over, which is not told yet."""


class Chronicle:
    """Writes the log while rows change. Figures are nothing to it: only states, links and what is wrong.

    ``twins`` says of (host, UUID) where else that UUID is; ``same_as`` says of a host by which name it stands in
    the config before: under that all of it is told.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Callable[[], float],
        twins: Callable[[str, str], tuple[Twin, ...]],
        same_as: Callable[[str], str],
    ) -> None:
        self._log = log
        self._clock = clock
        self._twins = twins
        self._same_as = same_as
        self._began = clock()
        """What was last seen before that, an earlier worker saw."""
        self._left: dict[str, str] = {}
        """UUID -> host it was last seen to leave."""
        self._troubles: dict[str, _Told] = {}
        """Key of a row -> its trouble that was told and is not told to be over."""
        self._steps: dict[str, Step] = {}
        """Key of a VM -> the step it is in, which was not told."""
        self._links: dict[str, tuple[LinkState, float]] = {}
        """Host -> its link as told last, with the time of it."""

    # --- VMs ---------------------------------------------------------------------------------------------------

    def first_seen(self, vm: Vm) -> None:
        """A VM was found at the first contact with its host: that is no event, nor is what is wrong with it."""
        if vm.severity >= WRONG:
            self._troubles[vm.key] = _Told(vm)

    def appeared(self, vm: Vm, at: float, *, by_event: bool) -> None:
        """A VM is there that was not."""
        self.first_seen(vm)
        is_running = vm.state is VmState.RUNNING
        is_here_now = self._left.get(vm.uuid, vm.host) != vm.host and not self._twins(vm.host, vm.uuid)
        if (is_running and vm.state_reason in _ARRIVED) or is_here_now:
            self._moved(vm, at)
        elif tale.is_step(vm):
            self._steps[vm.key] = Step(None, vm, at)
        else:
            self._tell_new(vm, at, is_start=by_event and is_running)

    def changed(self, before: Vm, vm: Vm, at: float) -> None:
        """A VM is in another state, or something else is wrong with it."""
        if vm.state is VmState.UNKNOWN:
            return
        is_back = before.state is VmState.UNKNOWN
        was_watched = not is_back or before.since is None or before.since >= self._began
        is_same = (before.was if is_back else before.state) is vm.state
        if not is_same and tale.is_step(vm):
            self._step(before, vm, at)
        elif not is_same:
            self._enters(before, vm, at, was_watched=was_watched)
            return
        if was_watched:
            self._judge(vm)
        else:
            self.first_seen(vm)

    def _step(self, before: Vm, vm: Vm, at: float) -> None:
        """A VM is in a step of something, from another state or from another step."""
        last = self._steps.pop(vm.key, None)
        origin = before if last is None else last.before
        if origin is None or (origin.was or origin.state) is not vm.state:
            self._steps[vm.key] = Step(origin, vm, at)

    def _enters(self, before: Vm, vm: Vm, at: float, *, was_watched: bool) -> None:
        step = self._steps.pop(vm.key, None)
        self._troubles.pop(vm.key, None)
        self.first_seen(vm)
        if vm.state not in ACTIVE and vm.state_reason == "migrated":
            self._leaves(vm)
        if vm.state is VmState.RUNNING and vm.state_reason in _ARRIVED:
            self._moved(vm, at)
        elif step is not None and step.before is None and vm.state in ACTIVE:
            self._tell_new(vm, at, is_start=vm.state is VmState.RUNNING)
        elif vm.state_reason != "migrated" or not self._runs_elsewhere(vm):
            origin = step.before if step is not None and step.before is not None else before
            unseen = ""
            if before.state is VmState.UNKNOWN:
                unseen = f", while {vm.host} was out of sight" if was_watched else ", while nobody watched"
            gone = "" if vm.persistent or vm.state in ACTIVE else ", and gone: it was transient"
            told = f"{tale.words(origin, vm, step, at)}{unseen}{gone}{self._elsewhere(vm)}"
            self._tell(vm, at, tale.kind(origin, vm), told, vm.severity)

    def _tell_new(self, vm: Vm, at: float, *, is_start: bool) -> None:
        kind = EventKind.STARTED if is_start else EventKind.APPEARED
        self._tell(vm, at, kind, f"new here, {tale.in_words(vm, is_plain=True)}{self._elsewhere(vm)}", vm.severity)

    def _tell_steps(self, now: float) -> None:
        """Tell the steps that go on for so long that nobody would take them for one."""
        for key, (before, vm, at) in list(self._steps.items()):
            if not at <= now < at + LINGER_S:
                del self._steps[key]
                if before is None:
                    self._tell_new(vm, at, is_start=False)
                else:
                    self._tell(vm, at, tale.kind(before, vm), tale.words(before, vm), vm.severity)

    def stopped(self, vm: Vm, last: Vm, at: float) -> None:
        """A transient VM ended as ``last`` says, and is gone with that."""
        self.changed(vm, last, at)
        self.forget(vm)

    def vanished(self, vm: Vm, at: float, kind: EventKind = EventKind.VANISHED) -> None:
        """A VM is there no longer."""
        self.forget(vm)
        self._leaves(vm)
        if self._runs_elsewhere(vm) and vm.state is not VmState.UNKNOWN:
            return
        was = f"was {(vm.was or vm.state).value}"
        if vm.state is VmState.UNKNOWN and vm.since is not None:
            was += f" {duration(at - vm.since)} ago"
        worth = _NOTICE if kind is EventKind.VANISHED else 0
        self._tell(vm, at, kind, f"{was}{self._elsewhere(vm)}", worth)

    def happened(self, vm: Vm, event: Happened) -> None:
        """Something happened to a VM that is no change of its state."""
        match event.kind:
            case "rebooted":
                self._tell(vm, event.at, EventKind.REBOOTED, "rebooted")
            case "ioerror":
                self._tell(vm, event.at, EventKind.IOERROR, f"I/O error {event.detail}".rstrip(), _SERIOUS)
            case "watchdog":
                done = f", {event.detail}" if event.detail else ""
                self._tell(vm, event.at, EventKind.WATCHDOG, f"its watchdog was not fed{done}", _SERIOUS)
            case "defined" if event.name != vm.name:
                self._tell(vm, event.at, EventKind.DEFINED, f"renamed: {vm.name} → {event.name}")
            case "defined":
                self._tell(vm, event.at, EventKind.DEFINED, f"definition {event.detail or 'written'}")
            case "undefined" if vm.state in ACTIVE:
                self._tell(vm, event.at, EventKind.UNDEFINED, "definition removed; gone when it stops")

    def forget(self, vm: Vm) -> None:
        """A VM is not looked at any longer: it is gone, or its host left the config."""
        self._troubles.pop(vm.key, None)
        self._steps.pop(vm.key, None)

    def _moved(self, vm: Vm, at: float) -> None:
        runs = [twin.host for twin in self._twins(vm.host, vm.uuid) if (twin.was or twin.state) in ACTIVE]
        source = runs[0] if runs else self._left.get(vm.uuid, "")
        where = f"{source} → {vm.host}" if source and source != vm.host else f"arrived on {vm.host} by migration"
        state = "" if vm.state is VmState.RUNNING else f", {vm.state.value}"
        self._left[vm.uuid] = vm.host
        self._tell(vm, at, EventKind.MOVED, f"{where}{state}", vm.severity)

    def _leaves(self, vm: Vm) -> None:
        if self._left.get(vm.uuid) == vm.host or self._runs_elsewhere(vm):
            return
        self._left.pop(vm.uuid, None)
        self._left[vm.uuid] = vm.host
        if len(self._left) > LEFT_MAX:
            del self._left[next(iter(self._left))]

    def _runs_elsewhere(self, vm: Vm) -> bool:
        return any(twin.state in ACTIVE for twin in self._twins(vm.host, vm.uuid))

    def _elsewhere(self, vm: Vm) -> str:
        said = [
            f"runs on {twin.host}" if twin.state in ACTIVE else f"ran on {twin.host}, which does not answer"
            for twin in self._twins(vm.host, vm.uuid)
            if twin.state in ACTIVE or twin.was in ACTIVE
        ]
        return "".join(f" · {words}" for words in said)

    # --- what is wrong -----------------------------------------------------------------------------------------

    def _judge(self, row: Vm | Host) -> None:
        """Tell a trouble that begins or grows; note one that may be over."""
        told = self._troubles.get(row.key)
        if row.severity >= WRONG:
            self._troubles[row.key] = _Told(row)
            if told is None or row.severity > told.row.severity:
                self._tell(row, self._clock(), EventKind.TROUBLE, row.trouble, row.severity)
        elif told is not None and told.over is None:
            self._troubles[row.key] = told._replace(over=self._clock())

    def tick(self, now: float) -> None:
        """Tell what has lasted for long enough: a step, the end of a trouble."""
        self._tell_steps(now)
        for key, (row, over) in list(self._troubles.items()):
            if over is not None and not over <= now < over + LINGER_S:
                del self._troubles[key]
                self._tell(row, over, EventKind.OVER, f"no longer: {row.trouble}")

    # --- hosts -------------------------------------------------------------------------------------------------

    def link(self, host: Host, at: float, running: int) -> None:
        """The link of a host is another one; ``running`` is how many VMs of it are out of sight with it."""
        kind = _LINKS.get(host.link)
        last, since = self._links.get(host.name, (None, at))
        if kind is None or host.link is last:
            return
        self._links[host.name] = (host.link, at)
        self._troubles.pop(host.key, None)
        if host.link is LinkState.UP:
            words = "answers" if last is None else f"answers again, after {duration(at - since)}"
        else:
            words = f"{host.link.value}: {host.link_reason}" if host.link_reason else host.link.value
            if running:
                words += f" · {plural(running, 'running VM')} out of sight"
        self._tell(host, at, kind, words, host.severity)

    def judged(self, host: Host) -> None:
        """Something else is wrong with a host, or nothing any more."""
        if host.link is LinkState.UP:
            self._judge(host)

    def begins(self, at: float, last: float | None) -> None:
        """A worker began to watch; ``last`` is when an earlier one last did, None: none ever did."""
        self._began = at
        gap = f"; nothing was watched for {duration(at - last)} before" if last is not None and at - last >= 1 else ""
        self._log.since = min(self._log.since, at)
        self._log.add(at, "", EventKind.WATCHING, f"kvmtui's worker began to watch{gap}")

    def configured(self, host: str, *, is_there: bool) -> None:
        """A host came into the config, or left it."""
        if not is_there:
            self._links.pop(host, None)
            self._troubles.pop(host, None)
        kind = EventKind.APPEARED if is_there else EventKind.VANISHED
        self._log.add(self._clock(), host, kind, "in the config now" if is_there else "in the config no longer")

    def _tell(self, row: Vm | Host, at: float, kind: EventKind, text: str, severity: int = 0) -> None:
        host, uuid = (row.host, row.uuid) if isinstance(row, Vm) else (row.name, "")
        if not self._same_as(host):
            self._log.add(at, host, kind, text, uuid=uuid, name=row.name, severity=severity)
