"""The files a host boots from: its /etc/libvirt, accounts, sshd configuration, scripts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import run
from tests.lab.layout import Layout
from tests.lab.spec import BOOT_DIR, FULL_DIR, IMAGES_DIR, NETWORK, SHARED_DIR

SOCKETS = Path("/run/libvirt")


@dataclass(frozen=True)
class Account:
    """A user that every host has beside root; all of them log in with the operator's key."""

    name: str
    uid: int
    shell: str
    in_libvirt: bool


#: `oper` may do all with libvirt, `noshell` too but can run nothing, `visitor` may only use the read-only socket.
ACCOUNTS = (
    Account("oper", 61101, "/bin/bash", in_libvirt=True),
    Account("noshell", 61102, "/usr/sbin/nologin", in_libvirt=True),
    Account("visitor", 61103, "/bin/bash", in_libvirt=False),
)
LIBVIRTD_CONF = """\
host_uuid = "{uuid}"
unix_sock_group = "libvirt"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
"""
SSHD_CONFIG = """\
{options}
HostKey {key}
AuthorizedKeysFile {authorized}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
"""
#: bash stays the first process: it must reap, or every QEMU that ends is a zombie and libvirt waits 40 s for it.
INIT = """\
set -e
# /proc is still the machine's: the first process as seen from outside, with its start time
read -r seen </proc/self/stat
set -- ${{seen%% *}} ${{seen##*) }}
echo "$1 ${{21}}" >{dir}/init.pid.new
mv {dir}/init.pid.new {dir}/init.pid
mount -t proc proc /proc
hostname {host}
for file in passwd group shadow; do mount --bind {dir}/accounts/$file /etc/$file; done
# a shell over ssh shall not begin what this machine's own do: cut off with the host, that leaves its locks behind
for file in /root/.bashrc /root/.bash_profile /root/.bash_login /root/.profile; do
  [ ! -e $file ] || mount --bind /dev/null $file
done
mount --bind {hosts} /etc/hosts
mount --bind {dir}/home /home
mount --bind {dir}/etc /etc/libvirt
mount --bind {dir}/lib /var/lib/libvirt
mount --bind {dir}/log /var/log/libvirt
mount --bind {qemu_cache} /var/cache/libvirt
mount --bind {boot} {boot_dir}
mount --bind {shared} {shared_dir}
mount -t tmpfs -o size=1m full {full_dir}
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/libvirt /run/lock
rm -f /var/lib/libvirt/qemu/*.pid   # a power cut left these behind
bash {dir}/start-sshd
virtlogd -d
if command -v virtlockd >/dev/null; then virtlockd -d; fi   # a package of its own from Debian 13 on
bash {dir}/start-libvirt
echo ready >{dir}/ready
while :; do sleep infinity; done
"""


def write_host(layout: Layout, number: int, boot_folder: Path, qemu_cache: Path) -> None:
    """Everything host `number` has on its disk when it is new."""
    here = layout.host_dir(number)
    for folder in ("etc/qemu/networks/autostart", "etc/storage/autostart", "log/qemu", "ssh", "accounts", "home"):
        (here / folder).mkdir(parents=True)
    for path in (BOOT_DIR, SHARED_DIR, FULL_DIR, IMAGES_DIR):
        (here / "lib" / path.relative_to("/var/lib/libvirt")).mkdir(parents=True)
    uuid = f"{number:08d}-1111-4222-8333-444444444444"
    (here / "etc/libvirtd.conf").write_text(LIBVIRTD_CONF.format(uuid=uuid))
    (here / "etc/qemu.conf").write_text(QEMU_CONF)
    bridge = f'<network><name>{NETWORK}</name><forward mode="bridge"/><bridge name="br0"/></network>'
    _autostarted(here / "etc", "qemu/networks", NETWORK, bridge)
    for name, path in (("images", IMAGES_DIR), ("shared", SHARED_DIR)):
        pool = f'<pool type="dir"><name>{name}</name><target><path>{path}</path></target></pool>'
        _autostarted(here / "etc", "storage", name, pool)
    _write_accounts(here)
    shutil.copy(layout.identity.with_suffix(".pub"), here / "ssh/authorized_keys")
    init = INIT.format(
        dir=here,
        host=f"kvm{number}",
        hosts=layout.hosts_file,
        qemu_cache=qemu_cache,
        boot=boot_folder,
        boot_dir=BOOT_DIR,
        shared=layout.shared,
        shared_dir=SHARED_DIR,
        full_dir=FULL_DIR,
    )
    (here / "init").write_text(init)


def write_sshd(here: Path, key: Path, options: Mapping[str, str]) -> None:
    """The sshd of a host, to be started with `start-sshd`; of an option given twice sshd takes the first."""
    text = SSHD_CONFIG.format(
        options="\n".join(f"{name} {value}" for name, value in options.items()),
        key=key,
        authorized=here / "ssh/authorized_keys",
    )
    (here / "ssh/sshd_config").write_text(text)
    (here / "start-sshd").write_text(f"/usr/sbin/sshd -f {here}/ssh/sshd_config -E {here}/log/sshd.log\n")


def write_libvirt(here: Path, *, modular: bool) -> None:
    """The script that starts libvirtd, which says nothing and returns once its sockets are there.

    `modular` leaves its sockets where virtqemud has them. Debian 12 has no modular daemons, and a client that comes
    through the socket cannot tell the difference: it is the same driver behind the same protocol.
    """
    lines = ["set -e", "libvirtd -d"]
    if modular:
        lines += [f"mv {SOCKETS}/libvirt-sock{end} {SOCKETS}/virtqemud-sock{end}" for end in ("", "-ro")]
    (here / "start-libvirt").write_text("\n".join(lines) + "\n")


def new_key(path: Path) -> str:
    """Make an SSH key without a passphrase; gives its public half as known_hosts has it: type, then base64."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path])
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def _autostarted(etc: Path, kind: str, name: str, xml: str) -> None:
    (etc / kind / f"{name}.xml").write_text(xml + "\n")
    (etc / kind / "autostart" / f"{name}.xml").symlink_to(f"/etc/libvirt/{kind}/{name}.xml")


def _write_accounts(here: Path) -> None:
    """Private copies of the machine's accounts, which are mounted over its own inside the host only."""
    files = {name: Path("/etc", name).read_text().splitlines() for name in ("passwd", "group", "shadow")}
    for account in ACCOUNTS:
        files["passwd"].append(f"{account.name}:x:{account.uid}:{account.uid}::/home/{account.name}:{account.shell}")
        files["shadow"].append(f"{account.name}:*:19000:0:99999:7:::")
        files["group"].append(f"{account.name}:x:{account.uid}:")
        home = here / "home" / account.name
        home.mkdir()
        shutil.chown(home, account.uid, account.uid)
    members = ",".join(account.name for account in ACCOUNTS if account.in_libvirt)
    files["group"] = [_with_members(line, members) if line.startswith("libvirt:") else line for line in files["group"]]
    for name, lines in files.items():
        target = here / "accounts" / name
        target.write_text("\n".join(lines) + "\n")
        target.chmod(0o640 if name == "shadow" else 0o644)


def _with_members(line: str, members: str) -> str:
    name, password, number, _ = line.split(":")
    return f"{name}:{password}:{number}:{members}"
