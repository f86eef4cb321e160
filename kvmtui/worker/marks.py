"""The VMs that each client has marked, by UUID, wherever they run now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from kvmtui.errors import UsageError
from kvmtui.model.job import HIDDEN_MARK, Skip, Target
from kvmtui.model.vm import VmState
from kvmtui.text import clean
from kvmtui.wire.messages import Selected
from kvmtui.worker.views import WindowView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.fleet.fleet import Fleet
    from kvmtui.model.vm import Vm
    from kvmtui.wire.connection import Connection
    from kvmtui.wire.messages import Mark, Select

MARKS_MAX = 100_000
"""VMs that one client may mark, and rows of one answer to Select: their keys fit into a line."""
_UUID_MAX = 36
_STIRRED = frozenset({"vms", "jobs"})
"""Topics of the windows that count marks: steps are told of with their jobs."""


class Aimed(NamedTuple):
    """Where the VMs of some marks are."""

    targets: tuple[tuple[str, str], ...]
    """(host, UUID) of those that may be touched."""
    hidden: int
    """Marks whose VMs are not in the list that their owner sees."""
    skipped: tuple[Skip, ...]
    """What is left out, and why: hidden ones, those that are gone, those that are on several hosts."""


class Marks:
    """The marks of all clients."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._marks: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()

    def of(self, connection: Connection) -> set[str]:
        """Return the UUIDs that a client has marked; the set stays the same object."""
        return self._marks.setdefault(connection, set())

    async def on_mark(self, request: Mark, connection: Connection) -> None:
        """Take over what a client has marked. Raises UsageError."""
        marks = self.of(connection)
        if request.mode not in {"add", "drop", "only"}:
            raise UsageError(f"no way to mark: {clean(request.mode, 20)!r}", remedy="add, drop, only")
        if any(len(uuid) > _UUID_MAX for uuid in request.uuids):
            raise UsageError("marks are UUIDs")
        if request.mode == "only":
            marks.clear()
        if request.mode == "drop":
            marks.difference_update(request.uuids)
        else:
            if len(marks) + len(request.uuids) > MARKS_MAX:
                raise UsageError(f"at most {MARKS_MAX:,} VMs can be marked")
            marks.update(request.uuids)
        connection.stir(_STIRRED)

    async def on_select(self, request: Select, connection: Connection) -> Selected:
        """Return the keys of the rows that a window's list has. Raises UsageError."""
        view = connection.views.get(request.window)
        if not isinstance(view, WindowView):
            raise UsageError("there is no such window")
        keys = view.keys(request.first, request.last)
        if len(keys) > MARKS_MAX:
            raise UsageError(f"at most {MARKS_MAX:,} VMs can be marked", remedy="narrow the list with a filter")
        return Selected(keys=keys)

    def aim(self, uuids: Sequence[str], window: int, connection: Connection, *, hidden: bool) -> Aimed:
        """Return where the VMs of some marks are now; those not in ``window``'s list are left out unless ``hidden``."""
        view = connection.views.get(window)
        shown = view if isinstance(view, WindowView) else None
        targets: list[tuple[str, str]] = []
        skipped: list[Skip] = []
        covered = 0
        for uuid in dict.fromkeys(uuids):
            places = self._places(uuid)
            if not places:
                gone = Target("", clean(uuid, _UUID_MAX), clean(uuid, _UUID_MAX), VmState.UNKNOWN)
                skipped.append(Skip(gone, "marked, and gone since"))
                continue
            is_shown = shown is None or any(shown.has(vm.host, uuid) for vm in places)
            covered += not is_shown
            if not is_shown and not hidden:
                skipped.append(Skip(_target(places[0]), HIDDEN_MARK))
            elif len(places) > 1:
                where = " and ".join(vm.host for vm in places)
                skipped.append(Skip(_target(places[0]), f"its UUID is on {where}: act on one of them by itself"))
            else:
                targets.append((places[0].host, uuid))
        return Aimed(tuple(targets), covered, tuple(skipped))

    def _places(self, uuid: str) -> list[Vm]:
        """Return the VMs of a UUID, one for a host that the config names twice."""
        return [vm for vm in self._fleet.namesakes(uuid) if not self._fleet.same_as(vm.host)]


def _target(vm: Vm) -> Target:
    return Target(vm.host, vm.uuid, vm.name, vm.state)
