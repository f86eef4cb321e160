"""One host of the lab: namespaces of its own with libvirtd, sshd, QEMU guests in them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.lab import host_files
from tests.lab.commands import LabError, run
from tests.lab.layout import Layout, host_address, slow_address
from tests.lab.process import Process, end_all, in_network, in_pid_namespace, wait_gone

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Options:
    """How a host's daemons are set up; kept on its disk, so that they are the same after a power cut."""

    modular: bool = False
    sshd: Mapping[str, str] = field(default_factory=dict)
    key: str = "host_key"


class Host:
    """Host `number` of a lab. Its methods break it, mend it, look at it; each returns once that is done."""

    def __init__(self, layout: Layout, number: int) -> None:
        self.layout = layout
        self.number = number
        self.name = f"kvm{number}"
        self.address = host_address(number)
        self.dir = layout.host_dir(number)
        self.namespace = layout.host_namespace(number)

    def __repr__(self) -> str:
        return f"Host({self.layout.name}, {self.number})"

    # what it is made of

    def create(self, boot_folder: Path, qemu_cache: Path) -> None:
        """Lay down the disk of a new host, add its key to the operator's known hosts. Nothing runs yet."""
        if self.dir.is_dir():
            return
        host_files.write_host(self.layout, self.number, boot_folder, qemu_cache)
        key = host_files.new_key(self.dir / "ssh/host_key")
        with self.layout.known_hosts.open("a") as known:
            known.write(f"{self.name},{self.address},{slow_address(self.number)} {key}\n")
        self._configure(Options())

    def boot(self) -> None:
        """Power on. Raises LabError with its log when it is not up after `BOOT_TIMEOUT_S`."""
        if self.up:
            return
        for left in ("init.pid", "ready"):
            (self.dir / left).unlink(missing_ok=True)
        self._plug_in()
        with (self.dir / "init.log").open("w") as log:
            inside = ["unshare", "--mount", "--uts", "--pid", "--ipc", "--fork", "--kill-child"]
            subprocess.run(
                ["setsid", "--fork", "ip", "netns", "exec", self.namespace, *inside, "bash", str(self.dir / "init")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C"},
                cwd="/",
                check=True,
                timeout=BOOT_TIMEOUT_S,
            )
        self._await_boot()

    def _plug_in(self) -> None:
        """Give the host its network card with a cable to the seat's bridge, both new."""
        seat, cable = self.layout.seat, f"v{self.number}"
        self._unplug()
        run(["ip", "netns", "add", self.namespace])
        mac = f"52:54:00:00:01:{self.number:02x}"  # fixed, so that nobody's neighbour table is wrong after a boot
        run(["ip", "-n", seat, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace])
        run(["ip", "-n", seat, "link", "set", cable, "master", "br0", "up"])
        run(
            ["ip", "-n", self.namespace, "-batch", "-"],
            stdin=f"""\
link set lo up
link add br0 address {mac} type bridge
link set eth0 master br0 up
addr add {self.address}/24 dev br0
link set br0 up
""",
        )

    def _unplug(self) -> None:
        run(["ip", "-n", self.layout.seat, "link", "del", f"v{self.number}"], check=False)
        run(["ip", "netns", "del", self.namespace], check=False)

    def _await_boot(self) -> None:
        began = time.monotonic()
        while not (self.dir / "ready").exists():
            waited_s = time.monotonic() - began
            if waited_s > BOOT_TIMEOUT_S or not self._booting(waited_s):
                log = (self.dir / "init.log").read_text()[-2000:]
                raise LabError(f"{self.name} did not come up: {log or 'it said nothing'}")
            time.sleep(0.02)

    def _booting(self, waited_s: float) -> bool:
        """Whether there is something that can still become this host."""
        if first := self._first_process():
            return first.alive()
        return waited_s < 1 or bool(in_network(self.namespace))

    # state

    def _first_process(self) -> Process | None:
        try:
            return Process.parse((self.dir / "init.pid").read_text())
        except FileNotFoundError:
            return None

    @property
    def init(self) -> Process:
        """Its first process. Raises LabError when the host is off."""
        first = self._first_process()
        if first is None or not first.alive():
            raise LabError(f"{self.name} is off")
        return first

    @property
    def up(self) -> bool:
        """Whether it has power."""
        first = self._first_process()
        return first is not None and first.alive()

    def processes(self, name: str = "") -> list[Process]:
        """Its processes as the machine numbers them, only those called `name` if given."""
        return [p for p in in_pid_namespace(self.init) if name in ("", p.name())]

    def path(self, inside: str | Path) -> Path:
        """Where the machine sees a file of this host, while it is up."""
        return Path(f"/proc/{self.init.pid}/root") / str(inside).lstrip("/")

    def uri(self, user: str = "root") -> str:
        """Its libvirt URI at the operator's seat."""
        return f"qemu+ssh://{user}@{self.name}/system"

    # what runs on it

    def argv(self, command: Sequence[str | Path], user: str = "root") -> list[str]:
        """The command line that runs `command` inside this host."""
        enter = ["nsenter", "-t", str(self.init.pid), "-a", "-r", "--"]
        become = [] if user == "root" else ["runuser", "-u", user, "--"]
        home = "/root" if user == "root" else f"/home/{user}"
        env = ["env", "-i", "-C", "/", f"PATH={PATH}", "LC_ALL=C", f"HOME={home}", f"USER={user}", f"LOGNAME={user}"]
        return [*enter, *become, *env, *(str(word) for word in command)]

    def run(
        self,
        *command: str | Path,
        timeout_s: float = 30.0,
        check: bool = True,
        stdin: str | None = None,
        user: str = "root",
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` inside this host. Raises LabError as `commands.run` does."""
        limited = ["timeout", "--kill-after=1", f"{timeout_s:g}", *command]
        done = run(self.argv(limited, user), timeout_s=timeout_s + 5, check=False, stdin=stdin)
        words = " ".join(str(word) for word in command)
        if done.returncode in (124, 137):
            raise LabError(f"{self.name}: {words}: no end after {timeout_s:g} s")
        if check and done.returncode != 0:
            raise LabError(f"{self.name}: {words}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done

    def virsh(self, *words: str | Path, timeout_s: float = 30.0, check: bool = True) -> str:
        """What virsh prints when it is run inside this host: the second opinion on everything kvmtui says."""
        socket = "?socket=/run/libvirt/virtqemud-sock" if self._options().modular else ""
        done = self.run("virsh", "-q", "-c", f"qemu:///system{socket}", *words, timeout_s=timeout_s, check=check)
        return done.stdout.strip("\n")

    # network

    def cut(self) -> None:
        """Pull the network cable."""
        run(["ip", "-n", self.layout.seat, "link", "set", f"v{self.number}", "down"])

    def heal(self) -> None:
        """Put the network cable back."""
        run(["ip", "-n", self.layout.seat, "link", "set", f"v{self.number}", "up"])

    # power

    def kill(self) -> None:
        """Cut the power: all that runs dies at once, nothing is flushed, no connection is closed."""
        first = self.init
        self.cut()
        everything = self.processes()
        first.signal(signal.SIGKILL)
        if not wait_gone(everything, 10.0):
            raise LabError(f"{self.name} does not die")
        self._unplug()

    def remove(self) -> None:
        """Leave no process and no namespace of this host, however far its boot came."""
        if first := self._first_process():
            first.signal(signal.SIGKILL)
            wait_gone([first], 10.0)
        end_all(in_network(self.namespace), grace_s=0.2)
        self._unplug()

    # libvirt

    def freeze(self) -> None:
        """Stop libvirtd where it is: it still has its sockets, and answers nothing."""
        for daemon in self.processes("libvirtd"):
            daemon.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let everything go on that was stopped on this host, libvirtd as well as QEMUs."""
        for process in self.processes():
            process.signal(signal.SIGCONT)

    def stop_libvirt(self) -> None:
        """A host without libvirt: no daemon, no socket. Its guests run on."""
        end_all(self.processes("libvirtd"), grace_s=5.0)
        for kind in ("libvirt", "virtqemud"):
            for end in ("", "-ro"):
                self.path(f"/run/libvirt/{kind}-sock{end}").unlink(missing_ok=True)

    def start_libvirt(self, *, modular: bool = False) -> None:
        """Start libvirtd, with its sockets where modular daemons have them if `modular`; restarts one that runs."""
        self.stop_libvirt()
        self._configure(replace(self._options(), modular=modular))
        self.run("bash", self.dir / "start-libvirt")

    # sshd

    def sshd(self, **options: str) -> None:
        """Restart sshd with these options, as sshd_config(5) spells them, in place of those of before.

        Connections that stand are closed: a client sees the change at once.
        """
        self._configure(replace(self._options(), sshd=options))
        self._restart_sshd()

    def rekey(self, *, restore: bool = False) -> None:
        """Show another host key than the known one, as a reinstalled host does; with `restore` the old one again."""
        key = "host_key" if restore else f"host_key_{time.monotonic_ns()}"
        if not restore:
            host_files.new_key(self.dir / "ssh" / key)
        self._configure(replace(self._options(), key=key))
        self._restart_sshd()

    def public_key(self) -> str:
        """The host key it shows now: type, then base64."""
        return " ".join((self.dir / "ssh" / f"{self._options().key}.pub").read_text().split()[:2])

    def mute(self) -> None:
        """Stop sshd where it is: the host accepts connections, and never says a word. `thaw()` ends it."""
        for process in self.processes("sshd"):
            process.signal(signal.SIGSTOP)

    def _restart_sshd(self) -> None:
        end_all(self.processes("sshd"))
        self.run("bash", self.dir / "start-sshd")

    # back to a healthy host

    def mend(self) -> None:
        """Undo whatever the methods above did. Quick when there is nothing to undo."""
        options = self._options()
        if options != Options():
            self._configure(Options())
        if not self.up:
            return self.boot()
        self.heal()
        self.thaw()
        names = {process.name() for process in self.processes()}
        if "libvirtd" not in names or options.modular:
            self.start_libvirt()
        if "sshd" not in names or options != Options():
            self._restart_sshd()
        try:
            self.virsh("list", "--name", timeout_s=10)
        except LabError:  # nothing gentler is left
            self.kill()
            self.boot()

    def _options(self) -> Options:
        return Options(**json.loads((self.dir / "options.json").read_text()))

    def _configure(self, options: Options) -> None:
        (self.dir / "options.json").write_text(json.dumps(asdict(options)))
        host_files.write_sshd(self.dir, self.dir / "ssh" / options.key, options.sshd)
        host_files.write_libvirt(self.dir, modular=options.modular)
