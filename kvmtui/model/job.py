"""Jobs, from the plan that is asked about to the outcome of each step."""

from __future__ import annotations

import enum

import msgspec

from kvmtui.model.vm import VmState


class StepState(enum.StrEnum):
    """Where a step stands. An outcome is done, failed or unknown."""

    NOT_BEGUN = "not begun"
    BEGUN = "begun"
    """The intent is on disk; the call may have left."""
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It may or may not have happened; what was seen afterwards stands in ``text``."""
    SKIPPED = "skipped"
    """Not done on purpose: the VM had changed between plan and act, or the job was cancelled."""


class JobState(enum.StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    WAITING = "waiting"
    """A human must say how to go on: paused, stopped after failures, the worker was restarted."""
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """At least one step's outcome is unknown: this beats FAILED."""
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.UNKNOWN, JobState.CANCELLED})


class Danger(enum.StrEnum):
    """What a question asks for: verb times reach."""

    NORMAL = "normal"
    WIDE = "wide"
    DESTRUCTIVE = "destructive"


class Order(enum.StrEnum):
    """In which order a job goes through its VMs."""

    HOSTS = "hosts"
    """Host by host in turn; whose host has no room waits, the others go on."""
    MARKED = "marked"
    """As they were given; whose host has no room holds up those behind it."""
    TAGS = "tags"
    """By the rank of their tags; of one rank host by host in turn."""


FIRST_MAX = 1_000
AT_ONCE_MAX = 64
PER_HOST_MAX = 8
RANKS_MAX = 32
WAIT_MAX_S = 3_600.0
STOP_AFTER_MAX = 1_000_000
FEWEST_FAILURES = 3
SHARE_OF_FAILURES = 0.05


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How a job goes through its VMs."""

    first: int = 1
    """So many alone at first; the rest begins once they are done. 0: none alone."""
    at_once: int = 8
    """Steps of the job under way at once."""
    per_host: int | None = None
    """Steps of the job under way on one host; None: as many as the worker lets."""
    order: Order = Order.HOSTS
    ranks: tuple[str, ...] = ()
    """Tags for ``Order.TAGS``: the VMs of the first come first, those with none of them last."""
    wait_s: float = 0.0
    """Seconds between the end of one rank and the beginning of the next."""
    stop_after: int | None = None
    """Failed and unknown steps after which nothing more begins; None: 3, or 5 % if that is more."""

    def failures_allowed(self, total: int) -> int:
        """Return after how many failures a job of ``total`` steps stops."""
        if self.stop_after is not None:
            return self.stop_after
        return max(FEWEST_FAILURES, int(total * SHARE_OF_FAILURES))

    def told(self, total: int) -> str:
        """Return it in words, for a job of ``total`` steps: "the first alone, then 8 at once, host by host, …"."""
        first = (
            "" if not self.first else "the first alone, then " if self.first == 1 else f"the first {self.first}, then "
        )
        most = f"{self.at_once} at once" if self.per_host is None else f"{self.at_once} at once, {self.per_host} a host"
        orders = {Order.HOSTS: "host by host in turn", Order.MARKED: "as listed"}
        order = orders.get(self.order) or f"by tags: {', '.join(self.ranks)}, the others"
        wait = f", {self.wait_s:g} s between them" if self.wait_s and self.order is Order.TAGS else ""
        allowed = self.failures_allowed(total)
        return f"{first}{most}, {order}{wait}; stops after {allowed} failure{'' if allowed == 1 else 's'}"


class Target(msgspec.Struct, frozen=True, gc=False):
    """One VM of a plan: its address, and what it looked like when the plan was made."""

    host: str
    uuid: str
    name: str
    state: VmState
    rank: int = 0
    """Its place among the ranks; those of a lower one have ended before it begins."""


class Skip(msgspec.Struct, frozen=True):
    """A VM the plan leaves out, with the reason in words."""

    target: Target
    reason: str


ALREADY = "already "
"""How the reason begins why there is nothing to do: no trouble, and no refusal."""
HIDDEN_MARK = "hidden mark"
"""Reason of a Skip: it is marked, and not in the list that is looked at."""


def counted(reason: str, count: int) -> str:
    """Return of how many VMs the reason of a Skip tells: "5 hidden marks", "3 already paused"."""
    return f"{count} {reason}{'s' if reason == HIDDEN_MARK and count != 1 else ''}"


class Verdict(enum.StrEnum):
    """What the gate says."""

    MAY = "may"
    ASKS = "asks"
    NO = "no"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be touched, readable before anything is."""

    id: str
    """Digest over verb, parameters, targets (addresses, states, ranks), how; 16 hex digits, the first 4 are shown."""
    verb: str
    targets: tuple[Target, ...]
    skipped: tuple[Skip, ...] = ()
    danger: Danger = Danger.NORMAL
    verdict: Verdict = Verdict.ASKS
    why: str = ""
    """Why the verdict is no, or what makes it more than normal."""
    looks: tuple[str, ...] = ()
    """What deserves a look first, a line each ("2 are owned by Pacemaker, which will start them again")."""
    phrase: str = "y"
    """What must be typed: "y", the count, the VM's name, or "off 37"."""
    undo: str = ""
    """How it could be undone, in words, or ""."""
    virsh: tuple[str, ...] = ()
    """The equivalent virsh lines, one a target."""
    how: How = How()
    parameters: dict[str, str] = {}
    """What the verb is given beyond its VMs."""
    made: float = 0.0
    expires: float = 0.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One act on one VM."""

    number: int
    host: str
    uuid: str
    name: str
    state: StepState = StepState.NOT_BEGUN
    text: str = ""
    """What happened, in words."""
    words: str = ""
    """libvirt's own words, or ""."""
    remedy: str = ""
    began: float | None = None
    ended: float | None = None

    @property
    def key(self) -> str:
        """The address of the row: that of the VM."""
        return f"{self.host}/{self.uuid}"

    @property
    def took_s(self) -> float | None:
        """Seconds from its beginning to its outcome; None before there is one."""
        return None if self.began is None or self.ended is None else self.ended - self.began

    @property
    def severity(self) -> int:
        """How bad it is, 0 to 4: what nobody knows is worse than what failed; what is under way is worth a look."""
        return _SEVERITY.get(self.state, 0)


_SEVERITY = {StepState.UNKNOWN: 4, StepState.FAILED: 3, StepState.BEGUN: 1}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A verb over some VMs; the field names are the JSON names of ``kvmtui ls jobs``."""

    id: str
    verb: str
    by: str
    """Who asked: user name of the peer."""
    state: JobState
    total: int
    done: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    not_begun: int = 0
    started: float
    ended: float | None = None
    subject: str = ""
    """"web-01" or "37 VMs on 4 hosts"."""
    text: str = ""
    """The outcome in one line, as in ✗ web-14 kvm2: shut down NOT done, still running · why: …"""
    how: How = How()
    rate: float | None = None
    """Steps that ended a minute, lately; None while there is too little to go by."""
    left_s: float | None = None
    """Seconds until its end at that rate; None where nobody can say."""

    @property
    def key(self) -> str:
        """The address of the row."""
        return self.id

    @property
    def progress(self) -> float:
        """Steps that have an outcome, of all, 0 to 100."""
        return 100.0 * (self.done + self.failed + self.unknown + self.skipped) / self.total if self.total else 100.0

    def duration_s(self, now: float) -> float:
        """Seconds from start to end, or to ``now`` while it runs."""
        return (self.ended if self.ended is not None else now) - self.started


class JobDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A job with its steps."""

    job: Job
    plan: str
    """The plan's id it was confirmed under."""
    steps: tuple[Step, ...] = ()
