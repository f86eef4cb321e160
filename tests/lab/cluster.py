"""A lab as a whole: hosts around an operator's seat, up and down in one go."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.lab import guest
from tests.lab.commands import LabError, run
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.image import cache_dir, guest_image
from tests.lab.layout import MOST_HOSTS, Layout, guest_address
from tests.lab.process import Process, boot_id
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


class Cluster:
    """A lab. `up()` starts it or what is missing of it; `down()` leaves nothing, however far `up()` came."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.seat = Seat(layout)
        self.storage = Storage(self.seat)

    @property
    def hosts(self) -> list[Host]:
        """Its hosts, kvm1 first; none while it is down."""
        return [Host(self.layout, number) for number in range(1, self._recorded("hosts") + 1)]

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
            self.layout.shared.mkdir(exist_ok=True)
            self._write_record(max(count, self._recorded("hosts")), owner)
            hosts = self.hosts
            self.seat.create(hosts)
            for host in hosts:
                host.create(image.folder, qemu_cache)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Host.boot, hosts))

    def down(self) -> None:
        """Stop everything of this lab and remove it. Nothing happens when there is none."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Host.remove, self.hosts))
        self.seat.remove()
        for namespace in Path("/run/netns").glob("*"):
            if self.layout.owns_namespace(namespace.name):
                run(["ip", "netns", "del", namespace.name], check=False)
        if self.layout.record.exists():
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

    # the record: what makes a directory a lab

    def _recorded(self, key: str) -> int:
        try:
            return int(json.loads(self.layout.record.read_text())[key])
        except FileNotFoundError:
            return 0

    def _write_record(self, hosts: int, owner: Process | None) -> None:
        record = {"name": self.layout.name, "hosts": hosts, "boot": boot_id(), "owner": str(owner or "")}
        fresh = self.layout.record.with_suffix(".new")
        fresh.write_text(json.dumps(record))
        fresh.replace(self.layout.record)

    def _recover(self) -> None:
        """Clear away what a machine's restart left of this lab; refuse a directory that is something else."""
        here = self.layout.dir
        if self.layout.record.exists():
            record = json.loads(self.layout.record.read_text())
            if record["name"] != self.layout.name:
                raise LabError(f"{here} belongs to the lab {record['name']}")
            if record["boot"] != boot_id():
                self.down()
        elif here.is_dir() and any(here.iterdir()):
            raise LabError(f"{here} is not empty and not a lab")
        here.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.layout.dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def reap(base: Path = Path("/var/tmp")) -> list[str]:
    """Take down the labs whose owner has died; gives their names."""
    gone = []
    for record in base.glob("kvmtui-lab-*/lab.json"):
        kept = json.loads(record.read_text())
        owner = Process.parse(kept["owner"])
        if owner is not None and (not owner.alive() or kept["boot"] != boot_id()):
            Cluster(Layout(kept["name"], record.parent)).down()
            gone.append(kept["name"])
    return gone
