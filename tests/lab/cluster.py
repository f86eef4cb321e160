"""A lab as a whole: hosts around an operator's seat."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import guest
from tests.lab.commands import LabError, run
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.image import cache_dir, guest_image
from tests.lab.layout import MOST_HOSTS, Layout, guest_address
from tests.lab.process import Process, boot_id, end_all, in_network
from tests.lab.seat import Seat
from tests.lab.spec import GuestSpec
from tests.lab.storage import Storage

#: Tools of the lab, each with Debian's package that has it.
TOOLS = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-nbd": "qemu-utils",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "cpio": "cpio",
}


def obstacle() -> str:
    """Why no lab can be had on this machine, in one line; empty when one can."""
    if os.geteuid() != 0:
        return "the lab needs root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)})
    return f"the lab needs {' '.join(missing)} (make lab installs them)" if missing else ""


@dataclass(frozen=True)
class Record:
    """What makes a directory a lab's."""

    name: str
    hosts: int
    boot: str
    owner: str

    @classmethod
    def read(cls, file: Path) -> Record | None:
        """The record in `file`, if there is one."""
        try:
            return cls(**json.loads(file.read_text()))
        except FileNotFoundError:
            return None

    def write(self, file: Path) -> None:
        """Put it in the place of the one before, whole or not at all."""
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(file)

    @property
    def orphaned(self) -> bool:
        """Whether the process it was made for has died."""
        owner = Process.parse(self.owner)
        return owner is not None and not (self.boot == boot_id() and owner.alive())


class Cluster:
    """A lab. `up()` starts it or what is missing of it; `down()` leaves nothing, however far `up()` came."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.seat = Seat(layout)
        self.storage = Storage(self.seat)

    @property
    def hosts(self) -> list[Host]:
        """Its hosts, kvm1 first; none while it is down."""
        record = Record.read(self.layout.record)
        return [Host(self.layout, number) for number in range(1, record.hosts + 1)] if record else []

    def host(self, number: int) -> Host:
        """Host kvm`number`. Raises LabError when there is none."""
        if not 1 <= number <= len(self.hosts):
            raise LabError(f"lab {self.layout.name} has no kvm{number}")
        return self.hosts[number - 1]

    def up(self, count: int = 3, owner: Process | None = None) -> None:
        """Start hosts kvm1..kvm`count` with their seat; what runs already stays as it is.

        `owner` is a process whose end makes the lab an orphan, for `reap()`. Raises LabError.
        """
        if why := obstacle():
            raise LabError(why)
        if not 1 <= count <= MOST_HOSTS:
            raise LabError(f"1 to {MOST_HOSTS} hosts, not {count}")
        self._recover()
        image = guest_image(cache_dir())
        qemu_cache = cache_dir() / "libvirt"  # what libvirt learns by asking QEMU; it checks itself that it is current
        qemu_cache.mkdir(parents=True, exist_ok=True)
        with self._alone():
            record = Record(self.layout.name, max(count, len(self.hosts)), boot_id(), str(owner or ""))
            record.write(self.layout.record)
            self.layout.shared.mkdir(exist_ok=True)
            hosts = self.hosts
            self.seat.create(hosts)
            for host in hosts:
                host.create(image.folder, qemu_cache)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Host.boot, hosts))

    def down(self) -> None:
        """Stop everything of this lab and remove it. Nothing happens when there is none. Raises LabError."""
        record = Record.read(self.layout.record)
        if record and record.name != self.layout.name:
            raise LabError(f"{self.layout.dir} belongs to the lab {record.name}")
        if record and record.boot == boot_id():  # after a restart of the machine its numbers are other processes'
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Host.remove, self.hosts))
        self.seat.remove()
        for namespace in Path("/run/netns").glob("*"):
            if self.layout.owns_namespace(namespace.name):
                end_all(in_network(namespace.name))
                run(["ip", "netns", "del", namespace.name], check=False)
        if record:
            shutil.rmtree(self.layout.dir)

    def mend(self) -> None:
        """Undo every fault: cables in, power on, daemons running as they first were, no relay.

        Guests that a fault ended stay off. Quick when nothing is broken.
        """
        self.seat.undelay(self.hosts)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Host.mend, self.hosts))

    def guests(self, count: int, memory_mib: int = 128) -> list[Guest]:
        """Define guests vm01..vm`count` over the hosts in turn; all are off."""
        hosts = self.hosts
        made = []
        for number in range(count):
            spec = GuestSpec(f"vm{number + 1:02d}", memory_mib, words={"addr": guest_address(number)})
            made.append(guest.define(hosts[number % len(hosts)], spec))
        return made

    def _recover(self) -> None:
        """Clear away what a machine's restart left of this lab; refuse a directory that is something else."""
        here = self.layout.dir
        record = Record.read(self.layout.record)
        if record and record.boot != boot_id():
            self.down()
        elif record and record.name != self.layout.name:
            raise LabError(f"{here} belongs to the lab {record.name}")
        elif not record and here.is_dir() and any(path.name != "lock" for path in here.iterdir()):
            raise LabError(f"{here} is not empty and not a lab")
        here.mkdir(mode=0o755, parents=True, exist_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.layout.dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def reap(base: Path = Path("/var/tmp")) -> list[str]:
    """Take down the labs whose owner has died; gives their names."""
    gone = []
    for file in base.glob("kvmtui-lab-*/lab.json"):
        if (record := Record.read(file)) and record.orphaned:
            Cluster(Layout(record.name, file.parent)).down()
            gone.append(record.name)
    return gone
