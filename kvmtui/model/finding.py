"""Something that is true of the fleet, which nobody may have noticed."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one check found; the field names are column ids and the JSON names of ``kvmtui ls findings``.

    It is about one VM (``uuid``), several VMs (``count``, ``filter``), a host, or the whole fleet (``host`` is "").
    """

    id: str
    """The same as long as it is true; its address."""
    check: str
    """Id of the check that found it."""
    host: str = ""
    uuid: str = ""
    name: str = ""
    """Of the VM, else of the host; in words where it is about several: "12 VMs"."""
    text: str
    """What is so, in words."""
    remedy: str = ""
    """What to do about it."""
    severity: int = 1
    """1 a notice, 2 a warning, 3 serious. What cannot be told is a notice."""
    known: bool = True
    """No: it says what could not be found out, not what is so."""
    count: int = 1
    """VMs it is about; of the whole fleet: VMs or hosts, as its text says."""
    filter: str = ""
    """Filter of VMs that shows who is meant; "" if it is about none."""

    @property
    def key(self) -> str:
        """The address of the row."""
        return self.id
