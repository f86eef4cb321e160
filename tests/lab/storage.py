"""Storage that every host reaches: NBD exports at the operator's seat, files in the shared directory."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tests.lab.commands import LabError, run
from tests.lab.layout import SEAT_ADDRESS
from tests.lab.process import end_all, in_network
from tests.lab.seat import Seat
from tests.lab.spec import FULL_DIR, SHARED_DIR, FileDisk, NbdDisk

FIRST_PORT = 10809
#: Clients an export serves at once: both ends of a migration, with room for a few more.
CLIENTS = 20


class Storage:
    """The lab's shared storage."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._layout = seat.layout

    def nbd(self, name: str, size_mib: int = 16) -> NbdDisk:
        """Export a new, empty disk. libvirt takes it for shared without any flag, so a guest on it can migrate."""
        _checked(name)
        self._layout.exports.mkdir(exist_ok=True)
        port = FIRST_PORT + len(list(self._layout.exports.glob("*.raw")))
        disk = NbdDisk(name, SEAT_ADDRESS, port)
        file = self._layout.exports / f"{name}.raw"
        _sparse(file, size_mib)
        words = ["-t", "-e", str(CLIENTS), "-f", "raw", "-b", SEAT_ADDRESS, "-p", str(port), "-x", name]
        self._seat.spawn(file.with_suffix(".log"), "qemu-nbd", *words, file)
        self._await_port(disk, file.with_suffix(".log"))
        return disk

    def stop_nbd(self, disk: NbdDisk) -> None:
        """Take an export away: its guests' reads and writes wait for it."""
        wanted = f"-x\0{disk.export}\0"
        end_all(p for p in in_network(self._layout.seat) if p.name() == "qemu-nbd" and wanted in p.command_line())

    def shared_file(self, name: str, size_mib: int = 16, cache: str = "none") -> FileDisk:
        """Make an empty disk in the directory that all hosts mount at the same path.

        libvirt does not know that the hosts share it, and refuses to migrate a guest on it as unsafe.
        """
        _sparse(self._layout.shared / _checked(name), size_mib)
        return FileDisk(SHARED_DIR / name, cache)

    def qcow2(self, name: str, size_mib: int = 16) -> FileDisk:
        """Make an empty disk there that can hold snapshots."""
        run(["qemu-img", "create", "-q", "-f", "qcow2", str(self._layout.shared / _checked(name)), f"{size_mib}M"])
        return FileDisk(SHARED_DIR / name, format="qcow2")

    def full_file(self, name: str, host_dir: Path, size_mib: int = 16) -> FileDisk:
        """Make a disk on a file system of that host with less room than it: a guest that writes it all is paused.

        `host_dir` is where the machine sees the host's root. The disk is gone after a power cut.
        """
        _sparse(host_dir / str(FULL_DIR / _checked(name)).lstrip("/"), size_mib)
        return FileDisk(FULL_DIR / name, cache="writeback")  # tmpfs knows no direct I/O

    def _await_port(self, disk: NbdDisk, log: Path, timeout_s: float = 10.0) -> None:
        end = time.monotonic() + timeout_s
        listening = f"{disk.address}:{disk.port}"
        while listening not in run(self._seat.argv(["ss", "-Hltn"])).stdout:
            if time.monotonic() >= end:
                raise LabError(f"qemu-nbd does not serve {disk.export}: {log.read_text()[-500:]}")
            time.sleep(0.02)


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise LabError(f"a disk's name is letters, digits, dots and dashes: not {name!r}")
    return name


def _sparse(path: Path, size_mib: int) -> None:
    with path.open("xb") as file:
        os.truncate(file.fileno(), size_mib * 1024 * 1024)
