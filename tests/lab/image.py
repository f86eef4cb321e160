"""The guests' kernel with its initial RAM disk, built from Debian's packages, kept in a cache.

A guest is a real Linux of about 5 MB that is up two seconds after power-on under software emulation: serial shell,
ACPI shutdown, virtio disk, network, balloon, panic device, QEMU guest agent. What it does is said by words on the
kernel's command line, see `WORDS`.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import LabError, run

#: What a guest understands on its kernel's command line.
WORDS = {
    "name": "its host name",
    "addr": "its address in the lab's network, as 198.51.100.N",
    "ping": "an address to ping five times a second, for network figures",
    "dirty": "megabytes to rewrite without pause: a migration that has work to do",
    "rest": "seconds to rest before each of these rewrites",
    "busy": "about this many per cent of one CPU to burn",
    "write": "megabytes to write to /dev/vda again and again, once a second",
    "hang": "1: ignores ACPI shutdown",
    "crash": "seconds after which the kernel panics",
}
#: Kernel modules, each after those it needs.
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_balloon"),
    *("virtio_blk", "virtio_console", "failover", "net_failover", "virtio_net", "button", "evdev", "rng-core"),
    *("virtio-rng", "pvpanic", "pvpanic-mmio"),
)
_VAR = ("var/log", "var/run")  # acpid gives up without the first, the agent without the second
FOLDERS = ("bin", "sbin", "lib/modules", "lib64", "proc", "sys", "dev", "run", "tmp", "etc/acpi/PWRF", *_VAR)
POWER_BUTTON = """\
#!/bin/busybox sh
poweroff -f
"""
SHUTDOWN = """\
#!/bin/busybox sh
case "$*" in *-r*) exec /bin/busybox reboot -f ;; *) exec /bin/busybox poweroff -f ;; esac
"""
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts; mount -t devpts pts /dev/pts; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
for m in @MODULES@; do insmod /lib/modules/$m.ko 2>/dev/null; done
arg() { for a in $(cat /proc/cmdline); do case $a in $1=*) echo ${a#*=} ;; esac; done; }
[ "$(arg hang)" = 1 ] || acpid 2>/dev/null
n=$(arg name); hostname "${n:-guest}"
ip link set lo up; ip link set eth0 up 2>/dev/null
a=$(arg addr); [ -n "$a" ] && ip addr add "$a/24" dev eth0
p=$(arg ping); [ -n "$p" ] && ping -i 0.2 -s 1000 "$p" >/dev/null 2>&1 &
for p in /sys/class/virtio-ports/*; do
  [ "$(cat $p/name 2>/dev/null)" = org.qemu.guest_agent.0 ] &&
    qemu-ga -d -p /dev/$(basename $p) -m virtio-serial -t /run 2>/dev/null
done
d=$(arg dirty); r=$(arg rest); [ -n "$d" ] && (
  while :; do sleep ${r:-0}; dd if=/dev/urandom of=/tmp/dirty bs=1M count=$d 2>/dev/null; done
) &
w=$(arg write); [ -n "$w" ] && (
  while :; do dd if=/dev/zero of=/dev/vda bs=1M count=$w conv=fsync 2>/dev/null; sleep 1; done
) &
b=$(arg busy); [ -n "$b" ] && (
  while :; do
    i=0; while [ $i -lt $((b * 50)) ]; do i=$((i + 1)); done
    [ $b -ge 100 ] || usleep $(((100 - b) * 500))
  done
) &
c=$(arg crash); [ -n "$c" ] && (sleep $c; echo c >/proc/sysrq-trigger) &
echo "guest ready $(cat /proc/uptime)" >/dev/console
while :; do setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'; sleep 1; done
""".replace("@MODULES@", " ".join(MODULES))


@dataclass(frozen=True)
class Image:
    """A folder of the cache that holds `vmlinuz` with `initrd`."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"


def cache_dir() -> Path:
    """Where built images stay: $XDG_CACHE_HOME/kvmtui-lab, else /var/tmp/kvmtui-lab-cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home) / "kvmtui-lab" if home else Path("/var/tmp/kvmtui-lab-cache")


def guest_image(cache: Path) -> Image:
    """The image for this recipe, built if the cache has none; several labs may ask at once.

    Raises LabError when the packages cannot be had.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    built = sorted(cache.glob(f"guest-*-{recipe}"), key=lambda path: path.stat().st_mtime)
    return Image(built[-1]) if built else _build(cache, recipe)


def _build(cache: Path, recipe: str) -> Image:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as name:
        work = Path(name)
        kernel = _download(work)
        image = Image(work / "image")
        image.folder.mkdir()
        version = kernel.removeprefix("linux-image-")
        shutil.copy(work / "root/boot" / f"vmlinuz-{version}", image.kernel)
        _pack(_tree(work), image.initrd)
        image.folder.chmod(0o755)
        final = cache / f"guest-{version}-{recipe}"
        try:
            image.folder.rename(final)
        except OSError as error:  # another lab was quicker, with the same result
            if not final.is_dir():
                raise LabError(f"cannot keep the guests' image in {final}: {error}") from error
        return Image(final)


def _download(work: Path) -> str:
    """Unpack kernel, busybox with the agent into `work`/root; gives the kernel package's name."""
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    depends = run(["apt-cache", "depends", "linux-image-cloud-amd64"], check=False).stdout
    if not (found := re.search(r"Depends: (linux-image-\S+)", depends)):
        run([*apt, "update"], timeout_s=180)
        depends = run(["apt-cache", "depends", "linux-image-cloud-amd64"]).stdout
        if not (found := re.search(r"Depends: (linux-image-\S+)", depends)):
            raise LabError("apt knows no linux-image-cloud-amd64: the lab's guests are built from Debian's packages")
    packages = [found[1], "busybox-static", "qemu-guest-agent"]
    try:
        run([*apt, "download", *packages], timeout_s=180, cwd=work)
    except LabError:  # package lists older than the archive
        run([*apt, "update"], timeout_s=180)
        run([*apt, "download", *packages], timeout_s=180, cwd=work)
    for package in work.glob("*.deb"):
        run(["dpkg", "-x", package, work / "root"], timeout_s=60)
    return found[1]


def _tree(work: Path) -> Path:
    root, tree = work / "root", work / "tree"
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    agent = _unpacked(root, "qemu-ga")
    shutil.copy(_unpacked(root, "busybox"), tree / "bin/busybox")
    shutil.copy(agent, tree / "bin/qemu-ga")
    for library in _libraries(agent):
        (tree / library.relative_to("/").parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(library, tree / library.relative_to("/"))
    for module in MODULES:
        for file in root.rglob(f"{module}.ko*"):  # some are part of the kernel itself, others of later ones only
            packed = file.read_bytes()
            code = lzma.decompress(packed) if file.suffix == ".xz" else packed
            (tree / "lib/modules" / f"{module}.ko").write_bytes(code)
    for path, text in (("etc/acpi/PWRF/00000080", POWER_BUTTON), ("sbin/shutdown", SHUTDOWN), ("init", INIT)):
        (tree / path).write_text(text)
        (tree / path).chmod(0o755)
    return tree


def _unpacked(root: Path, program: str) -> Path:
    """Where a package keeps a program: Debian 13 has all under /usr, Debian 12 not yet."""
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin"):
        if (root / folder / program).is_file():
            return root / folder / program
    raise LabError(f"Debian's packages hold no {program}")


def _libraries(program: Path) -> list[Path]:
    listed = run(["ldd", program]).stdout
    if "not found" in listed:
        raise LabError(f"libraries of the guest agent are missing on this machine: {listed}")
    return [Path(path) for path in re.findall(r"(?:=> |^\s*)(/\S+) \(", listed, flags=re.MULTILINE)]


def _pack(tree: Path, target: Path) -> None:
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    # not compressed: emulated CPUs need longer to unpack 9 MB than QEMU to read them
    run(["cpio", "-o", "-H", "newc", "--quiet", "-O", target], stdin=names + "\n", cwd=tree, timeout_s=60)
