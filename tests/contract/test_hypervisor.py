"""libvirt's test driver keeps to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.hypervisor import HypervisorContract, World, world_at

VM = "00000001-1111-4222-8333-444444444444"
NODE = f"""
<node>
  <domain type="test"><name>a\u202e[bold]</name><uuid>{VM}</uuid><memory>65536</memory><vcpu>1</vcpu>
    <os><type>hvm</type></os></domain>
  <domain type="test"><name>other</name><uuid>{VM[:-1]}5</uuid><memory>65536</memory><vcpu>1</vcpu>
    <os><type>hvm</type></os></domain>
</node>
"""


class TestTheTestDriver(HypervisorContract):
    """In this process, without a host."""

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[World]:
        """A host of its own for each test."""
        path = tmp_path / "node.xml"
        path.write_text(NODE)
        async with world_at(f"test://{path}", VM) as world:
            yield world
