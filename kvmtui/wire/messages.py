"""Every message of the line, typed.

One JSON object a line, at most LINE_MAX bytes, tagged by ``op``. A client's request carries an ``id``; its answer is
a ``reply`` or a ``failure`` with the same id. Windows and series that a client opened are sent to it until it closes
them; they are latest-wins, so a client that reads slowly sees fewer of them, never old ones.

``hello``, ``status``, ``jobs``, ``abort`` and ``stop`` are frozen for ever; for the rest both sides have one version.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from kvmtui.model.host import Summary
from kvmtui.model.host_key import HostKey
from kvmtui.model.job import How, Job, JobDetail, Plan
from kvmtui.model.timeline import Timeline
from kvmtui.model.vm import VmDetail

LINE_MAX = 8 * 1024 * 1024
"""Bytes of a line, its newline included."""

Result = TypeVar("Result")

Cell = Any
"""A value of a row: str, int, float, bool, None or a list of str, as the column's field holds it."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a window shows."""

    resource: str
    """"vms", "hosts", "jobs", "steps", "events", "findings" or "audit"."""
    filter: str = ""
    """In the filter language; a bare word looks in the name."""
    scope: tuple[str, ...] = ()
    """Only these hosts; empty: all. Beside the filter, so that a chip in the console can be taken away."""
    job: str = ""
    """Of steps: the id of the job that they are of."""
    columns: tuple[str, ...] = ()
    """Column ids, in the order in which the rows give them."""
    sort: str = ""
    """A column id; "": worst first (severity, then name), of jobs and events the newest. Times sort by age, as they
    are shown; what is unknown or empty is last, ascending or descending."""
    descending: bool = False
    first: int = 0
    """Index of the first row wanted, in the order of the sort."""
    count: int = 100
    """Rows wanted; at most 1,000."""
    above: int = 0
    """How many of them, from the first on, are not looked at but wanted at hand: their hosts are not asked for them
    more often."""
    below: int = 0
    """The same at the end."""
    follow: str = ""
    """Key of the row whose place the client wants to know ("at" of the answer)."""
    hold: bool = False
    """Keep the order of the rows as it is, whatever their values do; rows that come are added at the end."""


# --- client to worker ---------------------------------------------------------------------------------------------


class Request(msgspec.Struct, Generic[Result], frozen=True, kw_only=True, tag_field="op"):
    """Base of what a client asks, and the type of what it is answered with. ``id`` is the client's own, and comes
    back with the answer; our own clients leave it to Client.call()."""

    id: int = 0


class Hello(Request["Welcome"], frozen=True, tag="hello"):
    """First message of every connection; answered by Welcome."""

    version: str
    client: str
    """"console", "cli" or a script's own name."""
    read_only: bool = False
    """This client asks to be refused everything that changes something."""
    agent: str = ""
    """Path of the client's SSH agent socket, which the worker may use while the client is there."""
    origin: str = ""
    """What the client says of where its user came from (SSH_CONNECTION, SUDO_USER); recorded as claimed."""


class Status(Request["WorkerStatus"], frozen=True, tag="status"):
    """Answered by WorkerStatus."""


class Jobs(Request["JobList"], frozen=True, tag="jobs"):
    """Answered by JobList: the newest first."""

    limit: int = 50


class Abort(Request["Job"], frozen=True, tag="abort"):
    """Begin no further step of a job; steps under way finish. Answered by the Job."""

    job: str


class Stop(Request["Stopping"], frozen=True, tag="stop"):
    """End the worker. "idle": only if no job runs. "drain": when the running jobs have ended, and begin nothing new.
    "force": now; what was under way is looked at by the next worker. Answered by Stopping."""

    mode: str = "idle"


class OpenWindow(Request["Opened"], frozen=True, tag="open"):
    """Open a window, or change the query of one that is open. Answered by Opened, then Rows come."""

    window: int
    query: Query


class CloseWindow(Request[None], frozen=True, tag="close"):
    """Close a window or series. Answered by null."""

    window: int


class Mark(Request[None], frozen=True, tag="mark"):
    """Tell the worker which VMs this client has marked, by UUID, so that its windows count them. ``mode``: "add",
    "drop", or "only" (these and no others). Answered by null."""

    uuids: tuple[str, ...]
    mode: str = "add"


class Select(Request["Selected"], frozen=True, tag="select"):
    """Which rows are in a window's list now, on the screen or not: all of them, or those from the row with the key
    ``first`` to the one with the key ``last``, in whichever order. Answered by Selected, a snapshot."""

    window: int
    first: str = ""
    last: str = ""


class OpenSeries(Request["Opened"], frozen=True, tag="series"):
    """Follow the recent figures of one VM (``uuid`` given) or host (``uuid`` ""). Points come as Series."""

    window: int
    host: str
    uuid: str = ""


class OpenSummary(Request["Summary"], frozen=True, tag="summary"):
    """Be sent the fleet's Summary whenever it changes, at most once a second. Answered by the Summary of now."""


class Settle(Request["Settled"], frozen=True, tag="settle"):
    """Wait until every host has answered or is known to be lost and ``samples`` rounds of statistics are in.
    Answered by Settled, after ``timeout_s`` at the latest."""

    timeout_s: float = 10.0
    samples: int = 2
    definitions: bool = False
    """Wait for the VMs' definitions too, and for what a shell on each host tells."""


class ListRows(Request["Page"], frozen=True, tag="list"):
    """One page of a query, now. Answered by Page."""

    query: Query
    for_act: bool = False
    """Refuse a filter that is too loose to act upon, as MakePlan does."""


class GetDetail(Request["VmDetail"], frozen=True, tag="detail"):
    """Read a VM's XML from its host. Answered by VmDetail."""

    host: str
    uuid: str


class GetEligible(Request["Eligible"], frozen=True, tag="eligible"):
    """What could be done to these VMs now? Either ``targets`` (host, UUID), or ``marks`` as MakePlan takes them.
    Answered by Eligible."""

    targets: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()
    window: int = -1


class MakePlan(Request["Plan"], frozen=True, tag="plan"):
    """What would a verb touch? Either ``targets`` (host, UUID), or ``filter`` (or ``all``), or ``marks``: UUIDs, of
    which those that are not in the list of ``window`` now are left out unless ``hidden``. Answered by Plan."""

    verb: str
    targets: tuple[tuple[str, str], ...] = ()
    filter: str = ""
    all: bool = False
    marks: tuple[str, ...] = ()
    window: int = -1
    hidden: bool = False
    how: How | None = None
    """None: as the config's ``bulk`` says."""
    parameters: dict[str, str] = {}
    """What the verb is given beyond its VMs."""


class Control(Request["Job"], frozen=True, tag="control"):
    """Change how a job goes on. ``act``: "pause" (steps under way finish), "resume" (also after a restart of the
    worker), or "" for ``how`` alone: new limits, of which only at_once, per_host and stop_after may differ from the
    job's. Answered by the Job."""

    job: str
    act: str = ""
    how: How | None = None


class Acknowledge(Request[None], frozen=True, tag="acknowledge"):
    """Somebody has read how a job ended: it is not counted as unread any more, for anybody. Answered by null."""

    job: str


class Submit(Request["Job"], frozen=True, tag="submit"):
    """Do what a plan said. Answered by the Job, once it is on disk. Refused if the plan has expired, if what it
    touches has changed, or if ``typed`` is not the plan's phrase."""

    plan: str
    typed: str


class GetJob(Request["JobDetail"], frozen=True, tag="job"):
    """Answered by JobDetail."""

    job: str


class GetTimeline(Request["Timeline"], frozen=True, tag="timeline"):
    """What happened to a VM, to a host (``uuid`` "") or in the fleet (``host`` "" too)? Answered by Timeline."""

    host: str = ""
    uuid: str = ""
    limit: int = 200
    """Entries wanted; at most 1,000."""


class GetHostKey(Request["HostKeys"], frozen=True, tag="hostkey"):
    """Which key does this host (and each jump host before it) show, and is it known? Answered by HostKeys."""

    host: str


class Trust(Request[None], frozen=True, tag="trust"):
    """Add a host key that GetHostKey showed to our own known_hosts. Answered by null."""

    address: str
    port: int
    fingerprint: str


class Unlock(Request["Access"], frozen=True, tag="unlock"):
    """Let this connection change things for ``for_s`` seconds where the config has all begin read-only; 0: lock it
    again. Refused if the client said in its hello that it is read-only. Answered by Access, once it is recorded."""

    for_s: float


class Reconnect(Request[None], frozen=True, tag="reconnect"):
    """Try a host's link again now; "" means every host that is not up. Answered by null."""

    host: str = ""


ClientMessage = (
    Hello
    | Status
    | Jobs
    | Abort
    | Stop
    | OpenWindow
    | CloseWindow
    | Mark
    | Select
    | OpenSeries
    | OpenSummary
    | Settle
    | ListRows
    | GetDetail
    | GetEligible
    | MakePlan
    | Control
    | Acknowledge
    | Submit
    | GetJob
    | GetTimeline
    | GetHostKey
    | Trust
    | Reconnect
    | Unlock
)

# --- results -------------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Hello."""

    version: str
    pid: int
    config: str
    """Path of the config."""
    digest: str
    """Digest of the config's text that is in force."""
    read_only: bool
    """Nothing that changes something will be done for this client."""
    read_only_why: str = ""
    demo: bool = False
    now: float = 0.0
    """The worker's clock, seconds since the epoch."""


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One host in WorkerStatus."""

    name: str
    link: str
    link_reason: str = ""
    last_answer_s: float | None = None


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Status; JSON of ``kvmtui worker status -o json``."""

    pid: int
    version: str
    socket: str
    config: str
    digest: str
    started: float
    clients: int
    jobs: int
    """Running."""
    hosts: tuple[HostStatus, ...] = ()
    vms: int = 0
    rss_bytes: int = 0
    notice: str = ""
    journal: str = ""
    """"" or why the journal cannot be written."""


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Jobs."""

    jobs: tuple[Job, ...]


class Stopping(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Stop."""

    stopping: bool
    jobs: tuple[Job, ...] = ()
    """What runs: the reason for not stopping, what is waited for, or what is abandoned."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to OpenWindow. A wrong filter is a Failure instead, and the window stays as it was."""

    window: int


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A host that did not answer in time."""

    host: str
    link: str
    reason: str
    remedy: str = ""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Settle."""

    missing: tuple[Missing, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to ListRows."""

    rows: tuple[tuple[Cell, ...], ...]
    """In the order of the query's columns."""
    matched: int
    """Rows that match, on this page or not."""
    total: int
    now: float
    demo: bool = False


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Select."""

    keys: tuple[str, ...]
    """Of the rows, in the order of the list."""


class Eligible(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to GetEligible."""

    total: int
    """VMs that were asked about and could be touched, hidden marks left out."""
    hidden: int = 0
    """Marks that are not in the window's list."""
    ready: dict[str, int] = {}
    """Verb -> to how many of them it can be done now; verbs that can be done to none are not in it."""
    why: dict[str, str] = {}
    """Verb -> why it can be done to none."""


class HostKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to GetHostKey, jump hosts first."""

    keys: tuple[HostKey, ...]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to Unlock."""

    read_only: bool
    """Nothing that changes something will be done for this client."""
    left_s: float | None = None
    """Seconds until it is read-only again; None: it stays as it is."""


RESULTS: dict[type[Request[Any]], Any] = {
    Hello: Welcome,
    Status: WorkerStatus,
    Jobs: JobList,
    Abort: Job,
    Stop: Stopping,
    OpenWindow: Opened,
    CloseWindow: None,
    Mark: None,
    Select: Selected,
    OpenSeries: Opened,
    OpenSummary: Summary,
    Settle: Settled,
    ListRows: Page,
    GetDetail: VmDetail,
    GetEligible: Eligible,
    MakePlan: Plan,
    Control: Job,
    Acknowledge: None,
    Submit: Job,
    GetJob: JobDetail,
    GetTimeline: Timeline,
    GetHostKey: HostKeys,
    Trust: None,
    Reconnect: None,
    Unlock: Access,
}
"""Request -> type of its result."""

# --- worker to client ---------------------------------------------------------------------------------------------


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="op"):
    """Base of what the worker sends."""


class Reply(Answer, frozen=True, tag="reply"):
    """The result of request ``id``, of the type that RESULTS names."""

    id: int
    result: msgspec.Raw


class Failure(Answer, frozen=True, tag="failure"):
    """Request ``id`` was not done. ``kind`` is the name of the exception's class in kvmtui.errors."""

    id: int
    kind: str
    text: str
    where: str = ""
    words: str = ""
    remedy: str = ""
    offset: int = 0
    """Of a FilterError: where in the filter the word at fault begins."""
    length: int = 0
    code: int = 0
    """Of a LibvirtError: its VIR_ERR_* number."""
    domain: int = 0
    """Of a LibvirtError: its VIR_FROM_* number."""
    state: str = ""
    """Of a LinkError: the LinkState the host is in."""


class Rows(Answer, frozen=True, tag="rows"):
    """What changed in a window. Row i of the window is what was last sent for index i; the client forgets rows
    outside first .. first + count, and all of them when ``reset`` is set."""

    window: int
    reset: bool
    first: int
    count: int
    matched: int
    total: int
    rows: tuple[tuple[int, str, tuple[Cell, ...]], ...]
    """(index, key, values in the order of the query's columns). ``seen`` is null while a row is fresh (a Page gives it
    always): a row must not be sent anew for growing older by a poll."""
    columns: tuple[str, ...] = ()
    """Ids of the columns that the values are of, from here on; given where ``reset`` is set, else ()."""
    at: int | None = None
    """Where the followed row is now; None if it does not match (any more)."""
    follow: str = ""
    """The key that ``at`` tells of: the query's ``follow`` when this was made. A client that has asked for another row
    meanwhile must not take one for the other."""
    marks: int = 0
    """VMs that the client had marked when this was made."""
    marked: int = 0
    """How many of them are in the list."""
    said: str = ""
    """What is to be said of the list as a whole, however much of it is shown."""
    severity: int = 0
    """How bad that is, as of a VM."""
    now: float = 0.0
    """The worker's clock."""


class Series(Answer, frozen=True, tag="points"):
    """New points of a series, oldest first; ``reset``: they replace what was sent before."""

    window: int
    reset: bool
    figures: tuple[str, ...]
    """Column ids of the values in a point, after the time."""
    points: tuple[tuple[float | None, ...], ...]
    """(seconds since the epoch, value, …); None is a gap."""


class SummaryChanged(Answer, frozen=True, tag="summary"):
    """The fleet in one line, as it is now."""

    summary: Summary
    now: float


class JobChanged(Answer, frozen=True, tag="jobchanged"):
    """A job of anyone's began, moved or ended."""

    job: Job


class Note(Answer, frozen=True, tag="note"):
    """Something a human should read once ("config applied", "worker is leaving")."""

    text: str
    severity: int = 1
    read_only: bool | None = None
    """What Welcome said of it, as it is now; null: as it was."""


WorkerMessage = Reply | Failure | Rows | Series | SummaryChanged | JobChanged | Note

encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(ClientMessage).decode
decode_answer = msgspec.json.Decoder(WorkerMessage).decode
