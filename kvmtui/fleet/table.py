"""The rows of all VMs, by address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.fleet.blocks import Blocks
from kvmtui.fleet.changes import Changes
from kvmtui.fleet.order import natural
from kvmtui.fleet.trouble import WRONG
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from kvmtui.model.vm import Vm

Address = tuple[str, str]
"""(host, UUID)."""


class VmTable:
    """Every VM of the fleet. A row that did not change stays the same object."""

    def __init__(self) -> None:
        self.rows: dict[Address, Vm] = {}
        self.changes: Changes[Address] = Changes()
        self.names: Blocks[tuple[str, Address]] = Blocks()
        """(key of the name, address) of all of them: every other order begins with this one."""
        self.folded: dict[Address, str] = {}
        """Name of each of them, letters' case taken out: kept beside the rows, which are slow to go through."""
        self.wrong: dict[Address, None] = {}
        """Those with something wrong that is not the silence of their host."""
        self.jobs: dict[Address, str] = {}
        """Verb of the job that works on it."""
        self.shared: dict[str, float] = {}
        """UUIDs on more than one host -> when the state of any of them last changed."""
        self.stirred: set[str] = set()
        """UUIDs of which something changed that rows on other hosts may have to tell; whoever tells them clears it."""
        self._places: dict[str, tuple[str, ...]] = {}

    def put(self, vm: Vm, before: Vm | None, at: float) -> None:
        """Set a row; ``before`` is the one it replaces."""
        address = (vm.host, vm.uuid)
        self.rows[address] = vm
        self.changes.mark(address)
        if before is None or before.name != vm.name:
            if before is not None:
                self.names.remove((natural(before.name), address))
            self.names.add((natural(vm.name), address))
            self.folded[address] = vm.name.casefold()
        if before is None:
            places = self._places.get(vm.uuid, ())
            self._places[vm.uuid] = (*places, vm.host)
            if places:
                self._stir(vm.uuid, at)
        elif before.state is not vm.state and vm.uuid in self.shared:
            self._stir(vm.uuid, at)
        if vm.severity >= WRONG and vm.state is not VmState.UNKNOWN:
            self.wrong[address] = None
        elif before is not None and before.severity >= WRONG:
            self.wrong.pop(address, None)

    def drop(self, vm: Vm) -> None:
        """Take a row out."""
        address = (vm.host, vm.uuid)
        del self.rows[address], self.folded[address]
        self.names.remove((natural(vm.name), address))
        self.wrong.pop(address, None)
        self.changes.mark(address)
        self.changes.prune(self.rows, len(self.rows))
        places = tuple(host for host in self._places[vm.uuid] if host != vm.host)
        if places:
            self._places[vm.uuid] = places
            self.stirred.add(vm.uuid)
        else:
            del self._places[vm.uuid]
        if len(places) < 2:
            self.shared.pop(vm.uuid, None)

    def _stir(self, uuid: str, at: float) -> None:
        self.shared[uuid] = at
        self.stirred.add(uuid)

    def places(self, uuid: str) -> tuple[str, ...]:
        """Return the hosts that have a VM of that UUID."""
        return self._places.get(uuid, ())
