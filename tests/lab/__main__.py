"""The lab's command line: a real KVM cluster on one machine, to be broken at will.

Needs root with Debian's packages of libvirt, QEMU, OpenSSH's server.

    python -m tests.lab up [N]              start N hosts (default 3): kvm1..kvmN, at 198.51.100.11 and on
    python -m tests.lab status              one line a host; exit 1 when there is no lab
    python -m tests.lab run -- CMD          run CMD at the operator's seat: it sees the hosts as kvm1.., its HOME with
                                            all XDG directories is in the lab, ssh kvm1, virsh -c qemu+ssh://... work
    python -m tests.lab on K -- CMD         run CMD on host K as root (--user oper|noshell|visitor: as that user)
    python -m tests.lab cut K | heal K      pull the network cable of host K, put it back
    python -m tests.lab kill K | boot K     cut the power of host K, start it again with the disks it had
    python -m tests.lab freeze K | thaw K   SIGSTOP libvirtd of host K; SIGCONT all that is stopped there
    python -m tests.lab mute K              SIGSTOP sshd of host K: it accepts connections, never answers; thaw ends it
    python -m tests.lab delay K MS          kvmK, as the seat calls it, is MS milliseconds slow each way (0: not)
    python -m tests.lab libvirt K start|stop|modular     its daemon; modular: sockets as virtqemud has them
    python -m tests.lab sshd K [OPTION=VALUE ...]        restart its sshd with these options, as sshd_config(5) has them
    python -m tests.lab rekey K [--restore] show another host key than the known one; show the known one again
    python -m tests.lab mend                undo all of these faults on all hosts
    python -m tests.lab guests N            define guests vm01.. over the hosts and start them
    python -m tests.lab tiny K N            N paused guests of 16 MiB on host K
    python -m tests.lab play [--keep]       a cluster with a dozen guests, opened in the console; down at its end
    python -m tests.lab down                stop everything and remove it

Labs live side by side: --name NAME (or $LAB_NAME, default kvmlab) and --dir DIR (or $LAB_DIR, default
/var/tmp/kvmtui-lab-NAME). The operator's key is DIR/ssh/id_ed25519, the hosts' keys are in DIR/ssh/known_hosts; every
host mounts DIR/shared at /var/lib/libvirt/lab-shared. Guests are built from Debian's packages once, then cached in
$XDG_CACHE_HOME/kvmtui-lab or /var/tmp/kvmtui-lab-cache. In Python: `Cluster(Layout.named(NAME))`; in tests: the
fixtures of tests/lab/conftest.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.lab import guest, play
from tests.lab.cluster import Cluster
from tests.lab.commands import LabError
from tests.lab.layout import Layout

_ON_HOST = ("cut", "heal", "kill", "boot", "freeze", "mute", "thaw")


def parser() -> argparse.ArgumentParser:
    """The commands with their arguments."""
    top = argparse.ArgumentParser(
        prog="python -m tests.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--name", default=os.environ.get("LAB_NAME", "kvmlab"))
    top.add_argument("--dir", default=os.environ.get("LAB_DIR"))
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser
    add("up").add_argument("hosts", nargs="?", type=int, default=3)
    for name in ("down", "status", "mend"):
        add(name)
    add("run").add_argument("words", nargs=argparse.REMAINDER)
    on = add("on")
    on.add_argument("--user", default="root")
    on.add_argument("host", type=int)
    on.add_argument("words", nargs=argparse.REMAINDER)
    for name in _ON_HOST:
        add(name).add_argument("host", type=int)
    delay = add("delay")
    delay.add_argument("host", type=int)
    delay.add_argument("ms", type=float)
    libvirt = add("libvirt")
    libvirt.add_argument("host", type=int)
    libvirt.add_argument("what", choices=("start", "stop", "modular"))
    sshd = add("sshd")
    sshd.add_argument("host", type=int)
    sshd.add_argument("options", nargs="*", metavar="OPTION=VALUE")
    rekey = add("rekey")
    rekey.add_argument("host", type=int)
    rekey.add_argument("--restore", action="store_true")
    add("guests").add_argument("count", type=int)
    tiny = add("tiny")
    tiny.add_argument("host", type=int)
    tiny.add_argument("count", type=int)
    add("play").add_argument("--keep", action="store_true", help="leave the lab up at the end")
    return top


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; gives the exit code."""
    given = parser().parse_args(arguments)
    try:
        return _do(given, Cluster(Layout.named(given.name, given.dir)))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _do(given: argparse.Namespace, lab: Cluster) -> int:
    match given.command:
        case "up":
            lab.up(given.hosts)
            return _status(lab)
        case "down":
            lab.down()
        case "status":
            return _status(lab)
        case "mend":
            lab.mend()
        case "run":
            _become(lab.seat.argv(_words(given.words)), lab.seat.environment())
        case "guests":
            for made in lab.guests(given.count):
                print(made.start(wait=False))
        case "play":
            return play.play(lab, keep=given.keep)
        case _:
            _do_on_host(given, lab)
    return 0


def _do_on_host(given: argparse.Namespace, lab: Cluster) -> None:
    host = lab.host(given.host)
    match given.command:
        case "on":
            _become(host.argv(_words(given.words), given.user), dict(os.environ))
        case "delay":
            lab.seat.delay(host, given.ms, lab.hosts)
        case "libvirt" if given.what == "stop":
            host.stop_libvirt()
        case "libvirt":
            host.start_libvirt(modular=given.what == "modular")
        case "sshd":
            host.sshd(**dict(option.partition("=")[::2] for option in given.options))
        case "rekey":
            host.rekey(restore=given.restore)
        case "tiny":
            guest.create_tiny(host, given.count)
        case fault:
            getattr(host, fault)()


def _status(lab: Cluster) -> int:
    for host in lab.hosts:
        print(f"{host.name} {host.address} {'up' if host.up else 'down'}")
    return 0 if lab.hosts else 1


def _words(words: list[str]) -> list[str]:
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise LabError("no command given")
    return words


def _become(argv: list[str], env: dict[str, str]) -> None:
    sys.stdout.flush()
    os.execvpe(argv[0], argv, env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
