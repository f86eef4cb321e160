"""The filter language: what matches, what is unknown, what is said of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.errors import FilterError
from kvmtui.fleet.fields import RESOURCES
from kvmtui.fleet.filter import COST_MAX, DEPTH_MAX, parse
from kvmtui.fleet.words import LENGTH_MAX
from kvmtui.model.audit import AuditRow
from kvmtui.model.columns import COLUMNS
from kvmtui.model.event import Event, EventKind
from kvmtui.model.finding import Finding
from kvmtui.model.host import Host, LinkState
from kvmtui.model.job import Job, JobState, Step
from kvmtui.model.vm import Vm, VmState

NOW = 1_700_000_000.0
WEB = Vm(
    host="kvm1",
    uuid="0a1b2c3d-0000-4000-8000-000000000000",
    name="Web-01",
    state=VmState.RUNNING,
    state_reason="booted",
    owner="",
    since=NOW - 600,
    vcpus=4,
    autostart=True,
    tags=("prod", "lb"),
    cpu_pct=87.5,
    cores=3.5,
    mem_used_bytes=3 * 1024**3,
    mem_max_bytes=8 * 1024**3,
    disk_latency_ms=1.4,
    net_rx_bps=8_500_000.0,
    seen=NOW - 2,
    sampled=NOW - 4,
)
DB = Vm(
    host="kvm2",
    uuid="ffffffff-0000-4000-8000-000000000000",
    name="db 02 (old)",
    state=VmState.PAUSED,
    state_reason="I/O error",
    owner="",
    persistent=False,
    seen=NOW - 2,
    trouble="I/O error vda",
    severity=3,
)
LOST = Vm(
    host="kvm7",
    uuid="0a1b2c3d-1111-4000-8000-000000000000",
    name="cache-11",
    state=VmState.UNKNOWN,
    state_reason="was running",
    owner="",
    was=VmState.RUNNING,
    since=NOW - 120,
    vcpus=4,
    tags=("prod",),
    cpu_pct=99.0,
    mem_max_bytes=2**40,
    seen=NOW - 120,
    sampled=NOW - 125,
)


def matching(text: str) -> str:
    """Return one letter a VM: + matches, - does not, ? unknown."""
    wanted = parse(text)
    return "".join({True: "+", False: "-", None: "?"}[wanted.match(vm, NOW)] for vm in (WEB, DB, LOST))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "+++"),
        ("web", "+--"),
        ("WEB-0", "+--"),
        ("0", "++-"),
        ("0a1b2c3d", "+-+"),
        ("0a1b2c3d-1111", "--+"),
        ("0a1b2", "---"),
        ('"02 (old)"', "-+-"),
        ("name:web-*", "+--"),
        ("name:web", "---"),
        ('name:"web-*"', "---"),
        ("name:web-01,cache-??", "+-+"),
        ('name:"db 02 (old)"', "-+-"),
        ("name~b-0,b 0", "++-"),
        ("host:kvm1,kvm2", "++-"),
        ("host:KVM?", "+++"),
        ("tag:prod", "+-+"),
        ("tag~l", "+--"),
        ("uuid:0a*", "+-+"),
        ("state:running", "+-?"),
        ("state:off", "--?"),
        ("state:shut-off", "--?"),
        ("state:unknown", "--+"),
        ("state:running,unknown", "+-+"),
        ("state:*", "+++"),
        ("state~un", "+-+"),
        ("!state:running", "-+?"),
        ("!state:unknown", "++-"),
        ("was:running", "--+"),
        ("reason:ioerror", "-+?"),
        ("reason:i/o*", "-+?"),
        ('reason~"I/O"', "-+?"),
        ("cpu>80", "+??"),
        ("cpu>87.5", "-??"),
        ("cpu>=87.5%", "+??"),
        ("cpu%>80", "+??"),
        ("MEM%<1", "???"),
        ("memory:8G", "+??"),
        ('"web-01>x"', "---"),
        ("!cpu>80", "-??"),
        ("cores<4", "+??"),
        ("vcpus:2,4", "+??"),
        ("disk>1ms", "+??"),
        ("disk>0.001s", "+??"),
        ("disk<1s", "+??"),
        ("rx>8M", "+??"),
        ("rx>=8.2M/s", "-??"),
        ("used>=3GiB", "+??"),
        ("memory<1T", "+??"),
        ("since>9m", "+??"),
        ("since<1h", "+??"),
        ("seen>30s", "--+"),
        ("seen>1m seen<1h", "--+"),
        ("sampled>1m", "-?+"),
        ("auto:yes", "+-?"),
        ("persistent:no", "-+?"),
        ("severity>1", "-+-"),
        ("trouble~vda", "-+-"),
        ("owner:nova", "---"),
        ("prod", "---"),
        ("web state:running", "+--"),
        ("web or state:unknown", "+-+"),
        ("cpu>80 host:kvm9", "---"),
        ("cpu>80 or host:kvm7", "+?+"),
        ("(web or db) !tag:lb", "-+-"),
        ("!(web or db)", "--+"),
        ("! web", "-++"),
        ("!!web", "+--"),
        ("a or b c", "--+"),
        ('"or"', "---"),
        ('"and"', "---"),
        ("cpu<0 or !cpu<0", "+??"),
    ],
)
def test_what_matches(text: str, expected: str) -> None:
    assert matching(text) == expected


@pytest.mark.parametrize(
    ("text", "at", "length", "says"),
    [
        ("cpu>", 0, 4, "cpu>80"),
        ("web state:", 4, 6, "state:running"),
        ("name~", 0, 5, "missing"),
        ("host:a,,b", 0, 9, "missing"),
        ("(a", 0, 1, "not closed"),
        ("(", 0, 1, "not closed"),
        ("a)", 1, 1, "closes nothing"),
        ("()", 1, 1, "nothing before"),
        ("a or", 2, 2, "both sides"),
        ("or a", 0, 2, "both sides"),
        ("a and b", 2, 3, "leave it out"),
        ("a !", 2, 1, "nothing follows"),
        ('x "abc', 2, 4, "not closed"),
        ('""', 0, 2, "between the quotes"),
        ("web hst:kvm1", 4, 3, "did you mean host"),
        ("cpu_pc>1", 0, 6, "did you mean cpu_pct"),
        ("zzzzzz:1", 0, 6, "quote"),
        ("cpu>abc", 4, 3, "not a number"),
        ("cpu>5k", 4, 2, "no unit"),
        ("seen>5ms", 5, 3, "no unit"),
        ("cpu>1,2", 4, 3, "one number"),
        ("cpu~5", 0, 5, "cpu_pct>"),
        ("state:runing", 6, 6, "did you mean running? one of: running, paused"),
        ("foo-bar>=0", 0, 7, "no field 'foo-bar'"),
        ("psi-c>1", 0, 5, "no field 'psi-c'"),
        ("cpu-pct>1", 0, 7, "did you mean cpu_pct?"),
        ("web-01:22", 0, 6, "quote the word"),
        ("cpu:5", 0, 5, "cpu_pct is measured: compare it · cpu>5 or cpu<5"),
        ("used:1G,2G", 0, 10, "used>1G"),
        ("since:5m", 0, 8, "since<5m"),
        ("state:running,x", 14, 1, "running, paused"),
        ("state>3", 0, 7, "state:"),
        ("auto:perhaps", 5, 7, "yes or no"),
        ("cpu=5", 0, 5, "cpu:"),
        ("cpu!=5", 0, 6, "!cpu:"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, at: int, length: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.offset, caught.value.length) == (at, length)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "  ", "web", "state:running web", '"web-01"', "!web", "(host:a or b)", "0a1b2c3d"]
)
def test_acts_want_more_than_a_word(text: str) -> None:
    parse(text)
    with pytest.raises(FilterError):
        parse(text, for_act=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner:nova", None),
        ("!owner:nova", None),
        ("tag:prod", True),
        ("tag:web", None),
        ("!tag:web", None),
        ("lb", False),
    ],
)
def test_what_its_definition_says_is_unknown_until_it_was_read(text: str, expected: bool | None) -> None:
    """A tag that it is known to have it has."""
    assert parse(text).match(replace(WEB, owner=None, tags=("prod",)), NOW) is expected


@pytest.mark.parametrize("text", ["name:web-*", "tag:web !host:kvm1", "(state:off or severity>1) name~x"])
def test_acts_take_fields(text: str) -> None:
    assert parse(text, for_act=True)


def test_every_column_of_every_table_can_be_asked_for() -> None:
    rows = {
        "vms": WEB,
        "hosts": Host(name="kvm1", uri="qemu+ssh://10.0.0.1/system"),
        "jobs": Job(id="j1", verb="start", by="me", state=JobState.DONE, total=1, started=NOW),
        "steps": Step(number=0, host="kvm1", uuid=WEB.uuid, name="web-01"),
        "events": Event(id="1", at=NOW, host="kvm1", kind=EventKind.STARTED, text="booted"),
        "audit": AuditRow(id="1", at=NOW, user="anna", phase="intent"),
        "findings": Finding(id="versions/fleet", check="versions", text="2 versions"),
    }
    for resource, columns in COLUMNS.items():
        for column in columns:
            for operator in (":", ">", "~"):
                for value in ("1", "no", "running", "lost", "done"):
                    try:
                        wanted = parse(f"{column.id}{operator}{value}", resource)
                    except FilterError:
                        continue
                    assert wanted.match(rows[resource], NOW) in {True, False, None}
                    break
                else:
                    continue
                break
            else:
                pytest.fail(f"no way to ask for {resource}.{column.id}")


def test_the_title_of_a_column_is_a_word_for_it() -> None:
    """What stands over the figures can be asked for; no word means one column here and another there."""
    for resource, columns in COLUMNS.items():
        words = RESOURCES[resource]
        for column in columns:
            assert words.field(column.id) == words.field(column.title) == column
        assert not set(words.aliases) & set(words.columns)
    assert parse("psi-c>=0", "hosts")


def test_hosts_and_jobs_have_their_own_words() -> None:
    up = Host(name="kvm1", uri="qemu+ssh://root@10.0.0.1/system", link=LinkState.UP, cpu_pct=50.0, vms_running=3)
    lost = Host(name="kvm7", uri="qemu+ssh://root@10.0.0.10/system", link=LinkState.LOST, cpu_pct=50.0)
    job = Job(id="7f3a", verb="shutdown", by="eva", state=JobState.FAILED, total=3, started=NOW - 60, subject="web-01")

    def answers(text: str) -> tuple[bool | None, bool | None]:
        wanted = parse(text, "hosts")
        return wanted.match(up, NOW), wanted.match(lost, NOW)

    assert answers("10.0.0.1") == (True, False)
    assert answers("state:lost") == (False, True)
    assert answers("link:up cpu<60") == (True, False)
    assert answers("cpu<60") == (True, None)
    assert answers("vms>2") == (True, None)
    assert parse("web", "jobs").match(job, NOW)
    assert parse("state:failed started<2m", "jobs").match(job, NOW)
    assert parse("ended<2m", "jobs").match(job, NOW) is None


# --- laws -----------------------------------------------------------------------------------------------------------


class Term(NamedTuple):
    """A word, and what it answers of a VM."""

    text: str
    answer: Callable[[Vm], bool | None]


class Tree(NamedTuple):
    """A filter as it is written, and as Kleene would have it."""

    text: str
    answer: Callable[[Vm], bool | None]


def _not(tree: Tree) -> Tree:
    return Tree(f"!({tree.text})", lambda vm: None if (found := tree.answer(vm)) is None else not found)


def _and(parts: list[Tree]) -> Tree:
    rank = {False: 0, None: 1, True: 2}
    back: list[bool | None] = [False, None, True]
    return Tree(" ".join(f"({part.text})" for part in parts), lambda vm: back[min(rank[p.answer(vm)] for p in parts)])


def _or(parts: list[Tree]) -> Tree:
    both = _not(_and([_not(part) for part in parts]))
    return Tree(" or ".join(f"({part.text})" for part in parts), both.answer)


def _figure(vm: Vm, bound: int) -> bool | None:
    return None if vm.state is VmState.UNKNOWN or vm.cpu_pct is None else vm.cpu_pct > bound


def _state(vm: Vm, state: VmState) -> bool | None:
    if vm.state is state:
        return True
    return None if vm.state is VmState.UNKNOWN else False


_chars = st.text("ab-*?1", min_size=1, max_size=4)
_terms = st.one_of(
    _chars.map(lambda t: Tree(f'"{t}"', lambda vm: t in vm.name)),
    _chars.map(lambda t: Tree(f"name:{t}", lambda vm: fnmatchcase(vm.name, t))),
    _chars.map(lambda t: Tree(f'name:"{t}"', lambda vm: vm.name == t)),
    st.integers(0, 100).map(lambda n: Tree(f"cpu>{n}", lambda vm: _figure(vm, n))),
    st.sampled_from(list(VmState)).map(lambda s: Tree(f'state:"{s.value}"', lambda vm: _state(vm, s))),
)
_trees = st.recursive(
    _terms,
    lambda inner: st.one_of(
        inner.map(_not),
        st.lists(inner, min_size=1, max_size=3).map(_and),
        st.lists(inner, min_size=1, max_size=3).map(_or),
    ),
    max_leaves=12,
)
_vms = st.builds(
    Vm,
    host=st.just("kvm1"),
    uuid=st.just("u"),
    name=st.text("ab-1", max_size=4),
    state=st.sampled_from(list(VmState)),
    cpu_pct=st.none() | st.floats(0, 100),
)


@given(_trees, st.lists(_vms, max_size=5))
def test_the_filter_is_kleenes_logic_of_its_words(tree: Tree, vms: list[Vm]) -> None:
    wanted = parse(tree.text)
    assert [wanted.match(vm, NOW) for vm in vms] == [tree.answer(vm) for vm in vms]
    assert wanted.keys(zip(vms, vms, strict=True), NOW) == [vm for vm in vms if tree.answer(vm) is True]


@given(
    st.text(max_size=60) | st.text('ab():~<>=!"\\*,. %-or1', max_size=40),
    st.sampled_from(sorted(COLUMNS)),
    st.booleans(),
)
@example("İ:1", "vms", False)
@example('"' + "\\", "vms", False)
@example("cpu>9" * 3, "vms", False)
def test_any_text_is_a_filter_or_a_mistake_within_it(text: str, resource: str, strict: bool) -> None:
    found = (0, 0)
    try:
        parse(text, resource, for_act=strict)
    except FilterError as error:
        found = (error.offset, error.length)
    assert 0 <= found[0] <= found[0] + found[1] <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LENGTH_MAX + 1),
        "(" * 1000 + "a" + ")" * 1000,
        "!" * 1000 + "a",
        "(" * 5000,
        "a " * (COST_MAX + 1),
        "name~" + "a," * 4000 + "a",
        "name:" + "*a," * 3000 + "a",
        "name:" + "x" * 5000,
        "cpu>" + "9" * 5000,
    ],
)
def test_the_absurd_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


def test_the_large_is_not() -> None:
    depth = "(" * DEPTH_MAX + "web" + ")" * DEPTH_MAX
    assert parse(depth).match(WEB, NOW)
    names = parse("name:" + ",".join(f"vm-{n}" for n in range(1200)), for_act=True)
    assert not names.match(WEB, NOW)
    stars = parse("name:" + "*a" * 140)
    assert not stars.match(Vm(host="h", uuid="u", name="a" * 139 + "b" * 116, state=VmState.OFF), NOW)
