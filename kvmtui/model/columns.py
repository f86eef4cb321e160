"""The columns of every table: id, title, unit, help.

A column's id is the field of the model, the word of the filter and the name in JSON. Adding a column is adding an
entry here (and the field it shows): the tables, ``ls``, the filter and the help follow.
"""

from __future__ import annotations

import enum

import msgspec


class Kind(enum.StrEnum):
    """What a value is, which decides how it is shown, sorted and compared."""

    TEXT = "text"
    STATE = "state"
    FLAG = "flag"
    COUNT = "count"
    NUMBER = "number"
    PCT = "pct"
    BYTES = "bytes"
    BPS = "bps"
    MS = "ms"
    TIME = "time"
    """Seconds since the epoch; shown as the age."""
    DURATION = "duration"
    LIST = "list"


HIDDEN = 9
"""Priority of columns that are never shown by themselves."""
WORST_FIRST = "w"
"""The letter of the order that is no column's."""
_SEVERITY = "how bad what is wrong with it is: 1 notice, 2 warning, 3 serious, 4 critical"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. ``help`` gives meaning, unit and formula: it is what ``?`` shows."""

    id: str
    title: str
    kind: Kind
    key: str = ""
    """Its letter in the menu of orders: a small letter or a digit, not WORST_FIRST, another one for each column."""
    help: str
    width: int = 8
    """Cells it wants; text columns may be given more."""
    priority: int = 5
    """1 stays longest when the terminal is narrow; HIDDEN is shown only where somebody has chosen it."""
    grow: bool = False
    exact: bool = False
    """Somebody has set it to a round size: of it, unlike of what is measured, a filter may ask whether it is equal."""


VM_COLUMNS: tuple[Column, ...] = (
    Column(id="name", key="n", title="name", kind=Kind.TEXT, width=14, priority=1, grow=True, help="name of the VM"),
    Column(
        id="host", key="h", title="host", kind=Kind.TEXT, width=6, priority=2, help="host it is defined or running on"
    ),
    Column(id="state", key="t", title="state", kind=Kind.STATE, width=8, priority=1, help="state, in virsh's words"),
    Column(id="since", key="i", title="since", kind=Kind.TIME, width=5, priority=4, help="how long the state has held"),
    Column(
        id="cpu_pct",
        key="c",
        title="cpu%",
        kind=Kind.PCT,
        width=5,
        priority=2,
        help="CPU time of the VM over elapsed time and its vCPUs, 0 to 100",
    ),
    Column(
        id="cores",
        key="o",
        title="cores",
        kind=Kind.NUMBER,
        width=5,
        priority=4,
        help="CPU time of the VM over elapsed time: cores it eats of its host",
    ),
    Column(
        id="steal_pct",
        key="s",
        title="steal",
        kind=Kind.PCT,
        width=5,
        priority=5,
        help="time its vCPUs were ready to run and were not, of elapsed time and vCPUs",
    ),
    Column(
        id="mem_pct",
        key="m",
        title="mem%",
        kind=Kind.PCT,
        width=5,
        priority=3,
        help="(available - usable) / available, as the guest's balloon driver reports; – if it does not",
    ),
    Column(
        id="disk_latency_ms",
        key="d",
        title="disk",
        kind=Kind.MS,
        width=6,
        priority=6,
        help="mean time of a disk request in the last interval",
    ),
    Column(
        id="disk_read_bps",
        key="r",
        title="read",
        kind=Kind.BPS,
        width=6,
        priority=7,
        help="bytes read from disk a second",
    ),
    Column(
        id="disk_write_bps",
        key="e",
        title="write",
        kind=Kind.BPS,
        width=6,
        priority=7,
        help="bytes written to disk a second",
    ),
    Column(id="net_rx_bps", key="x", title="rx", kind=Kind.BPS, width=6, priority=6, help="bytes received a second"),
    Column(id="net_tx_bps", key="y", title="tx", kind=Kind.BPS, width=6, priority=6, help="bytes sent a second"),
    Column(id="vcpus", key="v", title="vcpu", kind=Kind.COUNT, width=4, priority=6, help="virtual CPUs"),
    Column(
        id="mem_used_bytes",
        key="u",
        title="used",
        kind=Kind.BYTES,
        width=6,
        priority=8,
        help="available - usable, as the guest's balloon driver reports",
    ),
    Column(
        id="mem_max_bytes",
        key="b",
        title="memory",
        kind=Kind.BYTES,
        width=6,
        priority=7,
        exact=True,
        help="most memory it may have",
    ),
    Column(id="autostart", key="a", title="auto", kind=Kind.FLAG, width=4, priority=8, help="started with its host"),
    Column(id="has_snapshot", key="p", title="snap", kind=Kind.FLAG, width=4, priority=8, help="has snapshots"),
    Column(
        id="tags",
        key="g",
        title="tags",
        kind=Kind.LIST,
        width=10,
        priority=8,
        grow=True,
        help="tags of its host and its own",
    ),
    Column(
        id="state_reason", key="z", title="reason", kind=Kind.TEXT, width=12, priority=9, help="why it is in its state"
    ),
    Column(id="uuid", key="1", title="uuid", kind=Kind.TEXT, width=36, priority=9, help="UUID"),
    Column(
        id="owner",
        key="j",
        title="owner",
        kind=Kind.TEXT,
        width=9,
        priority=9,
        help="another manager that owns it; unknown until its definition was read",
    ),
    Column(
        id="persistent",
        key="2",
        title="pers",
        kind=Kind.FLAG,
        width=4,
        priority=9,
        help="defined on its host; no: transient",
    ),
    Column(
        id="trouble", key="3", title="trouble", kind=Kind.TEXT, width=20, priority=9, help="what is wrong, in words"
    ),
    Column(id="severity", key="4", title="sev", kind=Kind.COUNT, width=3, priority=9, help=_SEVERITY),
    Column(id="job", key="k", title="job", kind=Kind.TEXT, width=8, priority=9, help="the act that is under way"),
    Column(
        id="was",
        key="5",
        title="was",
        kind=Kind.STATE,
        width=8,
        priority=9,
        help="last known state, where it is unknown now",
    ),
    Column(
        id="seen", key="f", title="seen", kind=Kind.TIME, width=5, priority=3, help="age of what is known of its state"
    ),
    Column(id="sampled", key="l", title="sampled", kind=Kind.TIME, width=5, priority=9, help="age of its figures"),
)

HOST_COLUMNS: tuple[Column, ...] = (
    Column(id="name", key="n", title="host", kind=Kind.TEXT, width=6, priority=1, grow=True, help="name in the config"),
    Column(
        id="cpu_pct",
        key="c",
        title="cpu",
        kind=Kind.PCT,
        width=7,
        priority=2,
        help="busy time of all its CPUs, 0 to 100",
    ),
    Column(id="mem_pct", key="m", title="mem", kind=Kind.PCT, width=7, priority=2, help="(total - available) / total"),
    Column(id="vms_running", key="v", title="vms", kind=Kind.COUNT, width=4, priority=3, help="VMs running"),
    Column(id="vms_total", key="a", title="all", kind=Kind.COUNT, width=4, priority=5, help="VMs running or defined"),
    Column(id="link", key="t", title="link", kind=Kind.STATE, width=10, priority=1, help="how we stand with the host"),
    Column(
        id="link_reason", key="z", title="reason", kind=Kind.TEXT, width=20, priority=9, help="why the link is as it is"
    ),
    Column(id="link_remedy", key="2", title="remedy", kind=Kind.TEXT, width=20, priority=9, help="what to do about it"),
    Column(
        id="since", key="x", title="since", kind=Kind.TIME, width=5, priority=6, help="how long the link is as it is"
    ),
    Column(
        id="load_1m", key="l", title="load", kind=Kind.NUMBER, width=5, priority=5, help="load average of one minute"
    ),
    Column(
        id="pressure_cpu_pct",
        key="p",
        title="psi-c",
        kind=Kind.PCT,
        width=5,
        priority=6,
        help="share of the last 10 s in which some task waited for a CPU (PSI)",
    ),
    Column(
        id="pressure_mem_pct",
        key="r",
        title="psi-m",
        kind=Kind.PCT,
        width=5,
        priority=6,
        help="share of the last 10 s in which some task waited for memory (PSI)",
    ),
    Column(
        id="pressure_io_pct",
        key="i",
        title="psi-i",
        kind=Kind.PCT,
        width=5,
        priority=6,
        help="share of the last 10 s in which some task waited for disks (PSI)",
    ),
    Column(
        id="steal_pct",
        key="s",
        title="steal",
        kind=Kind.PCT,
        width=5,
        priority=7,
        help="CPU time taken by its own host",
    ),
    Column(id="cpus", key="u", title="cpus", kind=Kind.COUNT, width=4, priority=7, help="CPUs"),
    Column(id="mem_total_bytes", key="b", title="memory", kind=Kind.BYTES, width=6, priority=7, help="memory it has"),
    Column(id="mem_used_bytes", key="d", title="used", kind=Kind.BYTES, width=6, priority=8, help="total - available"),
    Column(id="version", key="e", title="version", kind=Kind.TEXT, width=28, priority=8, help="libvirt and hypervisor"),
    Column(id="uri", key="1", title="uri", kind=Kind.TEXT, width=30, priority=9, help="libvirt's address of it"),
    Column(id="tags", key="g", title="tags", kind=Kind.LIST, width=10, priority=8, help="tags in the config"),
    Column(
        id="level",
        key="k",
        title="level",
        kind=Kind.TEXT,
        width=7,
        priority=9,
        help="guard level: normal, careful, locked",
    ),
    Column(
        id="trouble", key="3", title="trouble", kind=Kind.TEXT, width=20, priority=9, help="what is wrong, in words"
    ),
    Column(id="severity", key="4", title="sev", kind=Kind.COUNT, width=3, priority=9, help=_SEVERITY),
    Column(id="seen", key="f", title="seen", kind=Kind.TIME, width=5, priority=4, help="age of its last answer"),
    Column(id="sampled", key="5", title="sampled", kind=Kind.TIME, width=5, priority=9, help="age of its figures"),
    Column(id="demo", key="6", title="demo", kind=Kind.FLAG, width=4, priority=9, help="its figures are invented"),
)

JOB_COLUMNS: tuple[Column, ...] = (
    Column(id="id", key="i", title="job", kind=Kind.TEXT, width=8, priority=1, help="id of the job"),
    Column(id="verb", key="v", title="verb", kind=Kind.TEXT, width=9, priority=1, help="what is done"),
    Column(id="subject", key="o", title="to", kind=Kind.TEXT, width=17, priority=1, help="the VM, or how many"),
    Column(id="state", key="t", title="state", kind=Kind.STATE, width=9, priority=1, help="where it stands"),
    Column(
        id="progress",
        key="p",
        title="progress",
        kind=Kind.PCT,
        width=13,
        priority=2,
        help="steps that have an outcome, of all",
    ),
    Column(id="total", key="a", title="all", kind=Kind.COUNT, width=4, priority=3, help="steps"),
    Column(id="done", key="d", title="done", kind=Kind.COUNT, width=4, priority=2, help="steps done"),
    Column(id="failed", key="f", title="fail", kind=Kind.COUNT, width=4, priority=2, help="steps failed"),
    Column(id="unknown", key="u", title="unkn", kind=Kind.COUNT, width=4, priority=2, help="steps of unknown outcome"),
    Column(id="skipped", key="s", title="skip", kind=Kind.COUNT, width=4, priority=6, help="steps left out on purpose"),
    Column(id="not_begun", key="l", title="to do", kind=Kind.COUNT, width=4, priority=4, help="steps not begun"),
    Column(
        id="rate",
        key="r",
        title="a min",
        kind=Kind.NUMBER,
        width=5,
        priority=5,
        help="steps that ended a minute, lately",
    ),
    Column(
        id="left_s",
        key="h",
        title="left",
        kind=Kind.DURATION,
        width=5,
        priority=3,
        help="until its end, at that rate",
    ),
    Column(id="by", key="b", title="by", kind=Kind.TEXT, width=8, priority=4, help="who asked"),
    Column(id="started", key="n", title="began", kind=Kind.TIME, width=6, priority=3, help="how long ago it began"),
    Column(id="ended", key="e", title="ended", kind=Kind.TIME, width=6, priority=6, help="how long ago it ended"),
    Column(
        id="text",
        key="x",
        title="outcome",
        kind=Kind.TEXT,
        width=16,
        priority=4,
        grow=True,
        help="the outcome in words",
    ),
)

STEP_COLUMNS: tuple[Column, ...] = (
    Column(id="name", key="n", title="name", kind=Kind.TEXT, width=20, priority=1, help="name of the VM"),
    Column(id="host", key="h", title="host", kind=Kind.TEXT, width=6, priority=1, help="host it was planned on"),
    Column(id="state", key="t", title="state", kind=Kind.STATE, width=9, priority=1, help="where the step stands"),
    Column(
        id="took_s",
        key="o",
        title="took",
        kind=Kind.DURATION,
        width=5,
        priority=3,
        help="how long it took, or is taking",
    ),
    Column(
        id="text",
        key="x",
        title="what became of it",
        kind=Kind.TEXT,
        width=20,
        priority=2,
        grow=True,
        help="what happened, in words",
    ),
    Column(
        id="words",
        key="l",
        title="libvirt",
        kind=Kind.TEXT,
        width=24,
        priority=9,
        grow=True,
        help="libvirt's own words",
    ),
    Column(
        id="remedy", key="r", title="next", kind=Kind.TEXT, width=24, priority=9, grow=True, help="what to do about it"
    ),
    Column(
        id="number", key="i", title="no", kind=Kind.COUNT, width=5, priority=9, help="its place in the plan, from 0"
    ),
    Column(id="began", key="b", title="began", kind=Kind.TIME, width=6, priority=9, help="how long ago it began"),
    Column(id="ended", key="e", title="ended", kind=Kind.TIME, width=6, priority=9, help="how long ago it ended"),
    Column(id="severity", key="4", title="sev", kind=Kind.COUNT, width=3, priority=9, help=_SEVERITY),
    Column(id="uuid", key="u", title="uuid", kind=Kind.TEXT, width=36, priority=9, help="UUID of the VM"),
)

EVENT_COLUMNS: tuple[Column, ...] = (
    Column(id="at", key="a", title="ago", kind=Kind.TIME, width=4, priority=1, help="how long ago it was seen"),
    Column(id="name", key="n", title="name", kind=Kind.TEXT, width=18, priority=1, help="the VM, else the host"),
    Column(id="host", key="h", title="host", kind=Kind.TEXT, width=6, priority=2, help="host it happened on"),
    Column(
        id="kind",
        key="k",
        title="kind",
        kind=Kind.STATE,
        width=9,
        priority=2,
        help="what kind of thing it is, one word",
    ),
    Column(
        id="text",
        key="t",
        title="what",
        kind=Kind.TEXT,
        width=20,
        priority=1,
        grow=True,
        help="what happened, in words",
    ),
    Column(id="severity", key="4", title="sev", kind=Kind.COUNT, width=3, priority=9, help=_SEVERITY),
    Column(
        id="uuid",
        key="1",
        title="uuid",
        kind=Kind.TEXT,
        width=36,
        priority=9,
        help="UUID of the VM; none if it is of a host",
    ),
    Column(
        id="id", key="i", title="id", kind=Kind.TEXT, width=6, priority=9, help="a number that grows with every event"
    ),
)

FINDING_COLUMNS: tuple[Column, ...] = (
    Column(
        id="name",
        key="n",
        title="name",
        kind=Kind.TEXT,
        width=14,
        priority=1,
        help="the VM, how many VMs, or the host",
    ),
    Column(id="host", key="h", title="host", kind=Kind.TEXT, width=6, priority=2, help="host it is about"),
    Column(id="check", key="c", title="check", kind=Kind.TEXT, width=13, priority=2, help="check that found it"),
    Column(id="text", key="t", title="what", kind=Kind.TEXT, width=24, priority=1, grow=True, help="what is so"),
    Column(
        id="remedy",
        key="r",
        title="remedy",
        kind=Kind.TEXT,
        width=24,
        priority=4,
        grow=True,
        help="what to do about it",
    ),
    Column(id="severity", key="s", title="sev", kind=Kind.COUNT, width=3, priority=8, help=_SEVERITY),
    Column(id="count", key="v", title="count", kind=Kind.COUNT, width=5, priority=5, help="VMs, or hosts, it is about"),
    Column(
        id="known",
        key="k",
        title="known",
        kind=Kind.FLAG,
        width=5,
        priority=9,
        help="no: it says what could not be found out",
    ),
    Column(
        id="filter",
        key="f",
        title="filter",
        kind=Kind.TEXT,
        width=20,
        priority=9,
        help="a filter of VMs that shows which are meant",
    ),
    Column(id="uuid", key="u", title="uuid", kind=Kind.TEXT, width=36, priority=9, help="UUID of the VM, if it is one"),
    Column(id="id", key="i", title="id", kind=Kind.TEXT, width=20, priority=9, help="the same as long as it is true"),
)

AUDIT_COLUMNS: tuple[Column, ...] = (
    Column(id="at", key="a", title="ago", kind=Kind.TIME, width=4, priority=1, help="how long ago it was written"),
    Column(id="user", key="u", title="who", kind=Kind.TEXT, width=8, priority=2, help="who did it, as the kernel says"),
    Column(
        id="origin",
        key="f",
        title="from",
        kind=Kind.TEXT,
        width=14,
        priority=6,
        help="where the user came from, as claimed",
    ),
    Column(
        id="phase",
        key="p",
        title="phase",
        kind=Kind.TEXT,
        width=9,
        priority=4,
        help="submitted, intent (before it leaves), outcome, verified (looked at again); of a job: aborted, paused, "
        "resumed, changed; of a session: unlocked, locked; of the record: note, pruned",
    ),
    Column(id="verb", key="v", title="verb", kind=Kind.TEXT, width=9, priority=2, help="what was done"),
    Column(id="name", key="n", title="VM", kind=Kind.TEXT, width=14, priority=1, help="name of the VM"),
    Column(id="host", key="h", title="host", kind=Kind.TEXT, width=6, priority=3, help="host it was done on"),
    Column(
        id="outcome",
        key="o",
        title="outcome",
        kind=Kind.TEXT,
        width=7,
        priority=2,
        help="done, failed, unknown, or skipped if it never left",
    ),
    Column(
        id="text",
        key="t",
        title="what",
        kind=Kind.TEXT,
        width=12,
        priority=3,
        grow=True,
        help="what happened, in words",
    ),
    Column(
        id="words",
        key="l",
        title="libvirt",
        kind=Kind.TEXT,
        width=20,
        priority=9,
        help="what libvirt said, word for word",
    ),
    Column(id="job", key="j", title="task", kind=Kind.TEXT, width=8, priority=9, help="id of the task it belongs to"),
    Column(id="step", key="s", title="step", kind=Kind.COUNT, width=4, priority=9, help="step of that task, from 0 on"),
    Column(
        id="parameters",
        key="8",
        title="with",
        kind=Kind.TEXT,
        width=16,
        priority=9,
        help="what the verb was given; what looks like a secret is masked",
    ),
    Column(
        id="duration_s",
        key="d",
        title="took",
        kind=Kind.DURATION,
        width=5,
        priority=9,
        help="from the intent to the outcome",
    ),
    Column(
        id="plan", key="9", title="plan", kind=Kind.TEXT, width=16, priority=9, help="id of the plan that was confirmed"
    ),
    Column(id="uuid", key="1", title="uuid", kind=Kind.TEXT, width=36, priority=9, help="UUID of the VM"),
    Column(id="uid", key="2", title="uid", kind=Kind.COUNT, width=5, priority=9, help="user id, as the kernel says"),
    Column(id="pid", key="3", title="pid", kind=Kind.COUNT, width=7, priority=9, help="process that asked"),
    Column(
        id="severity",
        key="4",
        title="sev",
        kind=Kind.COUNT,
        width=3,
        priority=9,
        help="how bad it is: 1 about the record itself, 3 failed, unknown, or cannot be read",
    ),
    Column(
        id="hash",
        key="6",
        title="hash",
        kind=Kind.TEXT,
        width=64,
        priority=9,
        help="SHA-256 over the hash before it, a newline, the record",
    ),
    Column(
        id="id",
        key="i",
        title="record",
        kind=Kind.TEXT,
        width=8,
        priority=9,
        help="its number, which grows by one with each",
    ),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "vms": VM_COLUMNS, "hosts": HOST_COLUMNS, "jobs": JOB_COLUMNS, "steps": STEP_COLUMNS, "events": EVENT_COLUMNS,
    "findings": FINDING_COLUMNS, "audit": AUDIT_COLUMNS,
}  # fmt: skip
"""Resource -> its columns."""


def column(resource: str, column_id: str) -> Column:
    """Return a column by its id. Raises KeyError if there is none."""
    for candidate in COLUMNS[resource]:
        if candidate.id == column_id:
            return candidate
    raise KeyError(column_id)
