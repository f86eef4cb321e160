"""What is looked for in a fleet: the words of every check.

How each is found stands in ``fleet.findings``, which has a rule for each of these. The README, the help and an empty
list of findings are made from here.
"""

from __future__ import annotations

import msgspec

OLD_SNAPSHOT_DAYS = 200
"""Age from which a snapshot is called old."""
SKEW_S = 1.0
"""How far a host's clock may be off, beyond what the measurement itself may be."""

LISTS = "lists"
"""What libvirt lists anyway."""
DEFINITIONS = "definitions"
"""The VMs' definitions."""
SHELL = "a shell"
"""A shell on the host, for a user who may see whose processes they are."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look for."""

    id: str
    title: str
    help: str
    """When it is told, and why that matters."""
    severity: int
    """1 a notice, 2 a warning, 3 serious; of some findings it is another."""
    remedy: str
    """What to do. ``virsh``, ``VM`` and ``SNAPSHOT`` in it are filled in where it is known which."""
    needs: str
    """What it goes by: LISTS, DEFINITIONS, SHELL."""
    is_doubt: bool = False
    """It says what could not be found out, not what is so."""
    group: str = ""
    """What VMs have in common of which it is true: "have devices of their host"."""
    most_alone: int = 3
    """Of so many VMs on a host each is told by itself; more of them are one finding."""


CHECKS: dict[str, Check] = {
    check.id: check
    for check in (
        Check(
            id="twice-defined",
            title="one UUID on two hosts",
            help="A VM of the same UUID is defined on more than one host. Started on both, both write to its disks.",
            severity=2,
            remedy="undefine it where it does not belong",
            needs=LISTS,
        ),
        Check(
            id="same-host",
            title="one host under two names",
            help="Two entries of the config are one host, by libvirt's UUID of it: its VMs are listed twice.",
            severity=2,
            remedy="take one out of the config; if they are two machines, set host_uuid in one's libvirtd.conf",
            needs=LISTS,
        ),
        Check(
            id="old-qemu",
            title="old QEMU still running",
            help="The program of a running QEMU was replaced on disk, most likely by an update: the VM goes on with the"
            " old one, its faults included, until it is migrated or started anew.",
            severity=2,
            remedy="migrate it, or shut it down and start it; a reboot of the guest is not enough",
            needs=SHELL,
            group="run a QEMU whose program was replaced since",
        ),
        Check(
            id="transient",
            title="running without a definition",
            help="A VM runs, has no definition on its host and no owner who keeps one: once it stops, it is gone.",
            severity=2,
            remedy="virsh dumpxml VM > vm.xml; virsh define vm.xml",
            needs=LISTS,
            group="run without a definition: they are gone for good when they stop",
        ),
        Check(
            id="cache-mode",
            title="cache modes that are in the way",
            help="A disk that is neither read-only, shareable nor on the network has a cache mode other than none and"
            " directsync. libvirt before 6.0, or with QEMU before 4.0, refuses to migrate it live, as unsafe: a warning"
            " there, a notice elsewhere if the mode was chosen. With cache=unsafe a crash of the host loses data.",
            severity=2,
            remedy="set cache='none' in the definition; it counts from the next start on",
            needs=DEFINITIONS,
        ),
        Check(
            id="host-device",
            title="devices of the host",
            help="A running VM has devices of its host passed through: it stays where it is when the host is emptied.",
            severity=1,
            remedy="plan a time to shut it down before work on its host",
            needs=DEFINITIONS,
            group="have devices of the host passed through: they cannot be migrated live",
        ),
        Check(
            id="no-autostart",
            title="not started with its host",
            help="A VM runs and is defined, but stays off after its host has restarted, while the host starts others.",
            severity=1,
            remedy="for those that shall come back by themselves: virsh autostart VM",
            needs=LISTS,
        ),
        Check(
            id="old-snapshot",
            title="old snapshots",
            help=f"The oldest snapshot of a VM is older than {OLD_SNAPSHOT_DAYS} days. It takes space, nobody will want"
            " to go back that far, and a VM with snapshots does not migrate.",
            severity=1,
            remedy="if nobody needs it: virsh snapshot-delete VM SNAPSHOT",
            needs=DEFINITIONS,
            group=f"have snapshots older than {OLD_SNAPSHOT_DAYS} days",
        ),
        Check(
            id="clock-skew",
            title="clocks apart",
            help=f"A host's clock is more than {SKEW_S:g} s off this machine's, beyond what the measurement may be off:"
            " half of the way there and back.",
            severity=2,
            remedy="chronyc tracking, or timedatectl, there; where all hosts are off alike, here",
            needs=SHELL,
        ),
        Check(
            id="versions",
            title="versions that differ",
            help="Not all hosts have the same libvirt and QEMU: VMs migrate from older to newer ones, seldom back.",
            severity=1,
            remedy="update the older ones; until then migrate from old to new only",
            needs=LISTS,
        ),
        Check(
            id="out-of-sight",
            title="hosts that do not answer",
            help="Of what is on a host that does not answer nothing is found, nor is it told to be well.",
            severity=1,
            remedy="the list of hosts says what is wrong with it",
            needs=LISTS,
            is_doubt=True,
        ),
        Check(
            id="not-surveyed",
            title="definitions not read",
            help="Definitions were not read yet, or cannot be: owners, tags and what is found by them are incomplete.",
            severity=1,
            remedy="wait a little; what cannot be read is tried again, seldom",
            needs=DEFINITIONS,
            is_doubt=True,
        ),
    )
}
"""Id -> check, in the order in which they are told of."""
