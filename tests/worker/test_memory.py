"""The last known fleet on its way to its file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kvmtui.fleet import saved
from kvmtui.worker.memory import Memory
from tests.unit.fleet_world import World, listed


async def test_it_is_written_by_one_at_a_time(tmp_path: Path) -> None:
    """The worker leaves while it writes: who comes second waits, and finds that nothing has changed since."""
    world = World("kvm1")
    asked: list[float] = []

    def clock() -> float:
        asked.append(world.now)
        return world.now

    memory = Memory(tmp_path / "fleet.json", world.fleet, clock)
    world.up("kvm1", listed(1))
    await asyncio.gather(*(memory.keep() for _ in range(5)))
    assert len(asked) == 1
    found = saved.read(tmp_path / "fleet.json", world.now)
    assert found is not None
    assert [host.name for host, _ in found.hosts] == ["kvm1"]


async def test_a_demo_fleet_begins_anew_with_its_worker() -> None:
    """Nothing of it is written, and nothing recalled: it cannot have changed while nobody watched."""
    world = World("kvm1")
    memory = Memory(None, world.fleet, lambda: world.now)
    memory.recall(world.now)
    world.up("kvm1", listed(1))
    await memory.keep()
    assert next(iter(world.fleet.events.rows.values())).text == "kvmtui's worker began to watch"
