"""A real libvirtd with real QEMUs keeps to the contract of the hypervisor."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.hypervisor import HypervisorContract, World, world_at
from tests.lab.cluster import Cluster
from tests.lab.conftest import GuestFactory


class TestARealHost(HypervisorContract):
    """Through its own socket, without a link."""

    @pytest.fixture
    async def world(self, lab: Cluster, guests: GuestFactory) -> AsyncIterator[World]:
        """A guest that runs, and one more that is off."""
        host = lab.host(1)
        guests(host, "bystander", start=False)
        vm = guests(host, "vm", wait=False, memory_mib=64)
        async with world_at(f"qemu+unix:///system?socket={host.path('/run/libvirt/libvirt-sock')}", vm.uuid) as world:
            yield world
