"""Plans over a real fleet: what is touched, what is left out, what has changed when it is confirmed."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kvmtui.actions import VERBS
from kvmtui.config import Config, HostConfig
from kvmtui.errors import FilterError, RefusedError, UsageError
from kvmtui.fleet.fleet import Fleet
from kvmtui.guard.client import ClientId
from kvmtui.guard.gate import Rules
from kvmtui.hosts.reports import Definition, Identity, LinkReport, Listed, Listing, Surveyed
from kvmtui.jobs.plan import GOOD_FOR_S, PLANS_MAX, Plans, wish
from kvmtui.model.host import LinkState
from kvmtui.model.job import Danger, Plan, Skip, Target, Verdict
from kvmtui.model.vm import VmState
from tests.unit.jobs_world import given_for

ANNA = ClientId("anna", 1000, 1)
GUEST = ClientId("guest", 1001, 2, True)
FREE = Rules()


class Bench:
    """A fleet that is told what it has, and the plans over it."""

    def __init__(self, *hosts: str) -> None:
        self.now = 1_000.0
        entries = tuple(HostConfig(name=name, uri=f"qemu+ssh://root@{name}/system") for name in hosts)
        self.fleet = Fleet(entries, lambda: self.now)
        self.fleet.apply(Config(name="test", hosts=entries))
        self.unread: set[str] = set()
        """VMs whose definitions are not read."""
        self.holders: dict[tuple[str, str], tuple[str, str]] = {}
        self.busy: dict[tuple[str, str], str] = {}
        """What libvirt is busy with."""
        self.plans = Plans(
            self.fleet,
            lambda: self.now,
            lambda host, uuid: self.holders.get((host, uuid)),
            lambda host, uuid: self.busy.get((host, uuid)),
        )

    def have(self, host: str, **vms: VmState) -> None:
        """A host answers with these VMs; a name is also its UUID."""
        self.now += 1
        listed = tuple(
            Listed(
                uuid=name,
                name=name.replace("_", "-"),
                state=state,
                reason="",
                persistent=True,
                autostart=False,
                has_snapshot=False,
            )
            for name, state in vms.items()
        )
        if self.fleet.hosts[host].link is not LinkState.UP:
            self.fleet.reduce(LinkReport(host=host, at=self.now, state=LinkState.UP))
        self.fleet.reduce(Listing(host=host, at=self.now, vms=listed))
        definitions = tuple(Definition(uuid=name) for name in vms if name not in self.unread)
        self.fleet.reduce(Surveyed(host=host, at=self.now, vms=definitions))

    def lose(self, host: str) -> None:
        """A host does not answer any more."""
        self.now += 1
        self.fleet.reduce(LinkReport(host=host, at=self.now, state=LinkState.LOST, reason="no answer"))

    def plan(self, verb: str, filter_text: str = "", client: ClientId = ANNA, rules: Rules = FREE, **more: Any) -> Plan:
        """Plan a verb over what matches, or over ``targets``, or over everything."""
        targets = more.get("targets", ())
        given = more.get("given", given_for(verb))
        wanted = wish(verb, targets, filter_text, everything=not filter_text and not targets, parameters=given)
        return self.plans.make(wanted, client, rules)

    def take(self, plan: Plan, typed: str = "", client: ClientId = ANNA, rules: Rules = FREE) -> Plan:
        """Confirm a plan."""
        return self.plans.take(plan.id, typed or plan.phrase, client, rules, "job-1")


R, X, P = VmState.RUNNING, VmState.OFF, VmState.PAUSED


@pytest.fixture
def bench() -> Bench:
    """Two hosts, six VMs."""
    bench = Bench("kvm1", "kvm2")
    bench.have("kvm1", web_1=R, web_2=R, db_1=X)
    bench.have("kvm2", web_3=P, mail=R, old=R, log=R, dns=R)
    return bench


def test_a_plan_says_what_is_touched_and_what_is_not(bench: Bench) -> None:
    """Eligible with address and state, the rest with its reason, virsh lines, undo."""
    plan = bench.plan("shutdown", "name:web-* or name:db-*")
    assert [target.name for target in plan.targets] == ["web-1", "web-2"]
    assert {skip.target.name: skip.reason for skip in plan.skipped} == {
        "db-1": "already shut off",
        "web-3": "not while paused",
    }
    assert plan.virsh[0] == "virsh -c qemu+ssh://root@kvm1/system shutdown web-1"
    assert plan.undo == "start the same 2"
    assert (plan.danger, plan.phrase) == (Danger.WIDE, "2")
    assert plan.expires - plan.made == GOOD_FOR_S
    assert len(plan.id) == 16
    assert bench.plan("shutdown", "name:web-* or name:db-*").id == plan.id
    assert bench.plan("pause", "name:web-* or name:db-*").id != plan.id


def test_what_cannot_be_meant_is_said(bench: Bench) -> None:
    """No verb, no target, two ways at once, a bare word, a filter that matches nothing, a VM that is not there."""
    for verb, targets, text, everything in [
        ("fly", (("kvm1", "mail"),), "", False),
        ("off", (), "", False),
        ("off", (), "  ", False),
        ("off", (("kvm1", "mail"),), "name:x", False),
        ("off", (), "name:x", True),
    ]:
        with pytest.raises(UsageError):
            wish(verb, targets, text, everything=everything)
    with pytest.raises(FilterError):
        bench.plan("off", "mail")
    nothing = bench.plan("off", "name:nobody")
    assert (nothing.verdict, nothing.why) == (Verdict.NO, "no VM matches")
    gone = bench.plan("off", targets=[("kvm1", "nobody")])
    assert (gone.verdict, gone.why) == (Verdict.NO, "nobody: not on kvm1")


def test_everything_means_everything_that_may_be(bench: Bench) -> None:
    """All VMs, once each; hosts that are locked or only watched are left out with the reason."""
    plan = bench.plan("off", rules=Rules(locked=frozenset({"kvm2"})))
    assert {target.host for target in plan.targets} == {"kvm1"}
    assert {skip.reason for skip in plan.skipped if skip.target.host == "kvm2"} == {"kvm2 is locked (guard: locked)"}
    assert plan.phrase == "off 2"


def test_lost_hosts_are_never_touched(bench: Bench) -> None:
    """Unknown is not running: their VMs match no state, are refused by name, and may be counted as undecided."""
    bench.lose("kvm2")
    plan = bench.plan("shutdown", "state:running")
    assert {target.host for target in plan.targets} == {"kvm1"}
    named = bench.plan("shutdown", "name:mail")
    assert (named.verdict, named.why) == (Verdict.NO, "mail: state unknown: its host does not answer")


def test_a_start_is_blocked_while_it_may_run_on_a_lost_host(bench: Bench) -> None:
    """The same UUID, last known running there; and hosts that were never heard of are named."""
    bench.have("kvm1", web_1=R, mail=X)
    bench.lose("kvm2")
    plan = bench.plan("start", targets=[("kvm1", "mail")])
    assert plan.verdict is Verdict.NO
    assert "may still run on kvm2: was running" in plan.why
    other = Bench("kvm1", "kvm2")
    other.have("kvm1", web_1=X)
    assert other.plan("start", "name:web-1").looks == ("never heard of yet, so it may run there: kvm2",)


def test_a_host_that_stands_twice_in_the_config_is_acted_on_once() -> None:
    """By filter, by all, by address; and it is no other host on which a VM could run twice."""
    bench = Bench("kvm1", "kvm1-again")
    for name in ("kvm1", "kvm1-again"):
        bench.have(name, web=P, mail=R)
        identity = Identity(
            host=name, at=bench.now, libvirt="9", hypervisor="QEMU", host_uuid="same", cpus=1, mem_total_bytes=1
        )
        bench.fleet.reduce(identity)
    assert [target.host for target in bench.plan("resume").targets] == ["kvm1"]
    assert [target.host for target in bench.plan("resume", "name:web").targets] == ["kvm1"]
    both = bench.plan("resume", targets=[("kvm1", "web"), ("kvm1-again", "web")])
    assert [target.host for target in both.targets] == ["kvm1"]
    assert both.skipped[0].reason == "kvm1-again is kvm1 by another name"


def test_whose_owner_is_not_known_yet_is_named(bench: Bench) -> None:
    """Once it is known the question is another one."""
    bench.unread.add("new")
    bench.have("kvm2", new=VmState.OFF)
    plan = bench.plan("start", "name:new")
    assert plan.looks == ("not read yet, another manager may own it: new",)
    bench.fleet.reduce(Surveyed(host="kvm2", at=bench.now, vms=(Definition(uuid="new", owner="nova"),)))
    with pytest.raises(RefusedError, match="asks for more now: owned by nova"):
        bench.take(plan)


def test_what_is_under_way_is_named(bench: Bench) -> None:
    """The same verb is left out, another one is a look."""
    bench.holders["kvm2", "mail"] = ("shutdown", "bert")
    assert bench.plan("shutdown", "name:mail").why == "mail: shut down is under way already, asked for by bert"
    assert bench.plan("off", "name:mail").looks == ("shut down is under way, asked for by bert: mail",)


def test_confirming_needs_the_phrase(bench: Bench) -> None:
    """To the letter, whatever it is; nothing at all only where nothing is asked."""
    plan = bench.plan("off", "name:mail")
    for typed in ("y", "", "MAIL", "off 1", "mai"):
        with pytest.raises(RefusedError, match="type mail"):
            bench.plans.take(plan.id, typed, ANNA, FREE, "job")
    assert bench.plans.take(plan.id, " mail ", ANNA, FREE, "job") is plan
    start = bench.plan("start", "name:db-1")
    assert start.verdict is Verdict.MAY
    bench.plans.take(start.id, "", ANNA, FREE, "job")


def test_a_plan_is_good_once_and_for_two_minutes(bench: Bench) -> None:
    """Taken, expired, pushed out or never made: refused in words; given back it may be taken."""
    plan = bench.plan("shutdown", "name:mail")
    bench.take(plan)
    with pytest.raises(RefusedError, match="is job job-1 already"):
        bench.take(plan)
    bench.plans.give_back(plan.id)
    bench.take(plan)
    plan = bench.plan("shutdown", "name:mail")
    bench.now += GOOD_FOR_S
    with pytest.raises(RefusedError, match="good for 120 s"):
        bench.take(plan)
    with pytest.raises(RefusedError, match="not known any more"):
        bench.plans.take("0123456789abcdef", "y", ANNA, FREE, "job")
    first = bench.plan("shutdown", "name:mail")
    verbs = ("off", "pause", "reboot", "shutdown")
    names = ("web-1", "web-2", "old", "log", "dns")
    for number in range(1, 2 ** len(names)):
        chosen = ",".join(name for place, name in enumerate(names) if number >> place & 1)
        for verb in verbs:
            bench.plan(verb, f"name:{chosen}")
    with pytest.raises(RefusedError, match="not known any more"):
        bench.take(first)
    assert len(bench.plans._offers) <= PLANS_MAX


def test_what_changed_since_is_said(bench: Bench) -> None:
    """One gone, one new, one in another state, a gate that says no or asks for more."""
    plan = bench.plan("off", "host:kvm1")
    bench.have("kvm1", web_1=P, web_2=X, web_9=R)
    with pytest.raises(RefusedError) as refusal:
        bench.take(plan)
    assert refusal.value.text == (
        "changed since it was planned: web-1 was running, is paused, web-2 is out (already shut off), web-9 is new"
    )
    plan = bench.plan("shutdown", "name:mail")
    with pytest.raises(RefusedError, match="--read-only"):
        bench.take(plan, client=GUEST)
    with pytest.raises(RefusedError, match="kvm2 is locked"):
        bench.take(plan, rules=Rules(locked=frozenset({"kvm2"})))
    with pytest.raises(RefusedError, match="asks for more now: kvm2 is careful"):
        bench.take(plan, rules=Rules(careful=frozenset({"kvm2"})))
    bench.take(plan)


def test_a_read_only_client_sees_the_plan_and_the_reason(bench: Bench) -> None:
    """What would be touched is no secret."""
    plan = bench.plan("shutdown", "name:mail", client=GUEST)
    assert (plan.verdict, len(plan.targets)) == (Verdict.NO, 1)
    assert plan.why == "read-only: this client was started with --read-only · start it without"


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\n\x00"), min_size=1, max_size=40))
def test_virsh_lines_are_safe_and_mean_that_vm(name: str) -> None:
    """One command of four words and one more, whatever the name: never an option, an id, or another VM."""
    bench = Bench("kvm1")
    bench.have("kvm1", the_uuid=R)
    address = ("kvm1", "the_uuid")
    bench.fleet._shared.table.rows[address] = replace(bench.fleet.vms[address], name=name)
    (line,) = bench.plan("shutdown", targets=[address]).virsh
    words = shlex.split(line)
    assert words[:4] == ["virsh", "-c", "qemu+ssh://root@kvm1/system", "shutdown"]
    (target,) = words[4:]
    assert target in {name, "the_uuid"}
    assert not target.startswith("-")
    assert not target.isdigit()


def test_what_is_called_eligible_is_what_a_plan_would_touch(bench: Bench) -> None:
    """For every verb, with a reason where it can be done to none; a client that may do nothing is told why."""
    targets = [(vm.host, vm.uuid) for vm in bench.fleet.vms.values()]
    rules = Rules(locked=frozenset({"kvm2"}))
    found = bench.plans.eligible(targets, ANNA, rules)
    for verb in VERBS:
        planned = bench.plan(verb, targets=targets, rules=rules).targets
        assert found.ready.get(verb, 0) == len(planned)
        assert (verb in found.why) is not bool(planned)
    bench.lose("kvm1")
    lost = bench.plans.eligible([("kvm1", "web_1")], ANNA, rules)
    assert (lost.total, lost.ready) == (1, {})
    assert all("read-only" in why for why in bench.plans.eligible(targets, GUEST, FREE).why.values())


def test_what_was_left_out_stays_in_the_plan_with_its_reason(bench: Bench) -> None:
    """Also once it is confirmed, and where nothing else is left."""
    hidden = Skip(Target("kvm2", "log", "log", R), "hidden mark")
    wanted = wish("pause", [("kvm1", "web_1")], "", everything=False, left_out=[hidden])
    plan = bench.plans.make(wanted, ANNA, FREE)
    assert ([target.name for target in plan.targets], plan.skipped) == (["web-1"], (hidden,))
    assert bench.take(plan).skipped == (hidden,)
    nothing = bench.plans.make(wish("pause", (), "", everything=False, left_out=[hidden]), ANNA, FREE)
    assert (nothing.verdict, nothing.targets) == (Verdict.NO, ())


def test_resuming_says_whom_no_user_has_paused(bench: Bench) -> None:
    """What paused them may be there still."""
    plan = bench.plan("resume", targets=[("kvm2", "web_3")])
    assert plan.looks == ("not paused by a user (unknown): web-3",)
    assert bench.plan("off", targets=[("kvm2", "web_3")]).looks == ()


def test_what_a_verb_is_given_is_checked_and_shown(bench: Bench) -> None:
    """All that is wrong at once; what is right stands in the plan, in virsh's line, in the plan's name."""
    for verb, parameters, wrong in (
        ("snapshot", {}, "name is missing"),
        ("snapshot", {"name": "../x", "nam": "y"}, "there is no nam, name is up to 64 letters"),
        ("snapshot", {"name": "-rf"}, "a letter or digit first"),
        ("snapshot", {"name": "x" * 65}, "up to 64"),
        ("snapshot", {"name": "a\n"}, ""),
        ("delete", {"disks": "vda, vdb"}, "names of disks with commas"),
        ("delete", {"forget": "all"}, "forget is nvram, snapshots"),
        ("start", {"name": "x"}, "there is no name"),
    ):
        if wrong:
            with pytest.raises(UsageError, match=wrong):
                bench.plan(verb, "name:db-1", given=parameters)
        else:
            assert bench.plan(verb, "name:db-1", given=parameters).parameters == {"name": "a"}
    one, other = (bench.plan("snapshot", "name:db-1", given={"name": name}) for name in ("one", "other"))
    assert one.id != other.id
    assert one.virsh == ("virsh -c qemu+ssh://root@kvm1/system snapshot-create-as db-1 one",)
    assert (one.parameters, one.verdict) == ({"name": "one"}, Verdict.ASKS)
    gone = bench.plan("delete", "name:db-1", given={"forget": "snapshots", "disks": "vda,vdb"})
    assert gone.virsh[0].endswith(" undefine db-1 --keep-nvram --snapshots-metadata --storage vda,vdb")
    assert (gone.phrase, gone.undo) == ("db-1", "")
    assert gone.looks[0] == "its definition goes, and for good what is on vda, vdb; other disks stay"


def test_delete_is_for_one_vm_that_is_nowhere_else(bench: Bench) -> None:
    """Not for two, even where one of them could not be; not while the same UUID may run on a host that is lost."""
    both = bench.plan("delete", "name:db-1 or name:mail")
    assert (both.verdict, both.why, both.targets) == (Verdict.NO, "one VM only", ())
    targets = [("kvm1", "db_1"), ("kvm2", "mail")]
    assert bench.plans.eligible(targets, ANNA, FREE).why["delete"] == "one VM only"
    bench.have("kvm1", db_1=X, mail=X)
    bench.lose("kvm2")
    assert "may still run on kvm2" in bench.plan("delete", targets=[("kvm1", "mail")]).why
    assert bench.plan("snapshot", targets=[("kvm1", "mail")]).targets


def test_of_an_owner_it_is_said_what_he_may_do(bench: Bench) -> None:
    """A VM of another manager: what stops it may be undone by a start; a snapshot stops nothing."""
    bench.fleet.reduce(Surveyed(host="kvm2", at=bench.now, vms=(Definition(uuid="mail", owner="nova"),)))
    assert "owned by nova, which may start it again: mail" in bench.plan("save", "name:mail").looks
    assert "owned by nova, which may undo it: mail" in bench.plan("snapshot", "name:mail").looks


def test_a_job_of_libvirts_can_be_aborted_where_there_is_one(bench: Bench) -> None:
    """Not where it is known that there is none; where nobody knows, a look right before decides."""
    bench.busy = {("kvm2", "mail"): "", ("kvm2", "old"): "migration out, 7 %"}
    plan = bench.plan("abort-job", "name:mail or name:old or name:log")
    assert [target.name for target in plan.targets] == ["log", "old"]
    assert plan.skipped[0].reason == "already without a job: libvirt is busy with nothing on it"
    assert "migration out, 7 % is under way, not by kvmtui: old" in plan.looks
