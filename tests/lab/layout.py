"""Names with paths that follow from a lab's name, so that two labs never meet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import LabError

#: Documentation range (RFC 5737), seen inside the lab's namespaces only, hence the same in every lab.
NET = "198.51.100"
SEAT_ADDRESS = f"{NET}.1"
MOST_HOSTS = 40


@dataclass(frozen=True)
class Layout:
    """Where a lab keeps what. `name` names its network namespaces, `dir` holds everything else of it."""

    name: str
    dir: Path

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", self.name):
            raise LabError(f"a lab's name is 1 to 31 of a-z 0-9 -, a letter first: not {self.name!r}")

    @classmethod
    def named(cls, name: str, directory: str | Path | None = None) -> Layout:
        """The lab `name`, in /var/tmp/kvmtui-lab-NAME unless a directory is given."""
        return cls(name, Path(directory).absolute() if directory else Path(f"/var/tmp/kvmtui-lab-{name}"))

    @property
    def seat(self) -> str:
        """The network namespace of the operator's seat."""
        return f"{self.name}-seat"

    def host_namespace(self, number: int) -> str:
        """The network namespace of host `number`."""
        return f"{self.name}-kvm{number}"

    def owns_namespace(self, namespace: str) -> bool:
        """Whether a network namespace with this name belongs to this lab."""
        return re.fullmatch(rf"{re.escape(self.name)}-(seat|kvm\d+)", namespace) is not None

    @property
    def record(self) -> Path:
        return self.dir / "lab.json"

    @property
    def ssh(self) -> Path:
        return self.dir / "ssh"

    @property
    def identity(self) -> Path:
        """The operator's private key."""
        return self.ssh / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.ssh / "known_hosts"

    @property
    def home(self) -> Path:
        """The operator's home directory; everything a program keeps for its user stays in it."""
        return self.dir / "home"

    @property
    def shared(self) -> Path:
        """The directory that every host mounts at the same path."""
        return self.dir / "shared"

    @property
    def exports(self) -> Path:
        """The files behind the NBD exports."""
        return self.dir / "exports"

    @property
    def hosts_file(self) -> Path:
        """/etc/hosts as the hosts see it."""
        return self.dir / "hosts"

    @property
    def seat_etc(self) -> Path:
        """What `ip netns exec` puts over /etc at the seat."""
        return Path("/etc/netns") / self.seat

    def host_dir(self, number: int) -> Path:
        return self.dir / f"kvm{number}"


def host_address(number: int) -> str:
    """Host `number`'s address."""
    return f"{NET}.{10 + number}"


def slow_address(number: int) -> str:
    """The seat's address behind which the delaying relay to host `number` listens."""
    return f"{NET}.{100 + number}"


def guest_address(number: int) -> str:
    """An address for the guest with this number (0 to 99)."""
    return f"{NET}.{150 + number % 100}"
