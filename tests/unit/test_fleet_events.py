"""What happened is told once, in words, in the order in which it did; nobody who flaps pushes out the others."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet import events, saved
from kvmtui.fleet.chronicle import LINGER_S
from kvmtui.fleet.events import EventLog
from kvmtui.fleet.windows import Window, page
from kvmtui.model.event import Event, EventKind
from kvmtui.model.host import Host, LinkState
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.messages import Query
from tests.unit.fleet_world import START, World, counters, listed, uuid
from tests.unit.test_fleet_windows import Client

RUNNING, PAUSED, OFF = VmState.RUNNING, VmState.PAUSED, VmState.OFF


def told(world: World, *, links: bool = False) -> list[tuple[str, str, str]]:
    """Kind, name and text of all events, the oldest first; those of links only if they are wanted."""
    wanted = {*EventKind} if links else {*EventKind} - {EventKind.LINK_UP}
    return [(event.kind.value, event.name, event.text) for event in world.fleet.events.rows.values()
            if event.kind in wanted]  # fmt: skip


def _of_vms(world: World) -> list[tuple[str, str, str]]:
    return [event for event in told(world) if event[1].startswith("vm-")]


# --- the log --------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 100)), max_size=120))
def test_the_log_keeps_the_newest_of_each_and_of_all(added: list[tuple[int, float]]) -> None:
    log = EventLog(0.0, 20, 7)
    revision, kept = log.changes.revision, set[str]()
    for number, (who, at) in enumerate(added):
        log.add(at, f"kvm{who}", EventKind.PAUSED, f"{number}", uuid="" if who == 0 else uuid(who))
        if number % 9 == 0:
            newer = log.changes.since(revision)
            revision = log.changes.revision
            kept = (kept | set(newer)) & log.rows.keys() if newer is not None else set(log.rows)
    kept = (kept | set(log.changes.since(revision) or ())) & log.rows.keys()
    assert kept == log.rows.keys(), "who follows the changes knows what is there"
    ids = [int(key) for key in log.rows]
    assert ids == sorted(ids)
    assert len(log.rows) <= 20
    own: dict[str, list[str]] = defaultdict(list)
    for number, (who, _at) in enumerate(added):
        own[f"kvm{who}"].append(str(number))
    counted = Counter(event.host for event in log.rows.values())
    assert all(count <= 7 for count in counted.values())
    for host, count in counted.items():
        assert [e.text for e in log.rows.values() if e.host == host] == own[host][-count:], "its newest, in order"
    if len(log.rows) < 20:
        assert all(counted[host] == min(7, len(texts)) for host, texts in own.items()), "what others did stays"
    times = [event.at for event in log.newest(100)]
    assert times == sorted(times, reverse=True)


def test_the_same_again_is_told_once_a_minute() -> None:
    log = EventLog(0.0)
    for second in range(90):
        log.add(second, "kvm1", EventKind.IOERROR, "I/O error vda", uuid=uuid(1), name="vm-1")
        log.add(second, "kvm1", EventKind.IOERROR, "I/O error vda", uuid=uuid(2), name="vm-2")
    assert Counter(event.name for event in log.rows.values()) == {"vm-1": 2, "vm-2": 2}


def test_of_who_flapped_the_log_says_since_when_it_tells_all() -> None:
    log = EventLog(5.0)
    log.add(6.0, "kvm1", EventKind.LINK_UP, "answers")
    for number in range(events.SUBJECT_MAX + 100):
        log.add(10.0 + number, "kvm1", EventKind.PAUSED, str(number), uuid=uuid(1))
    assert (log.since, log.since_of("kvm1"), log.since_of(uuid(1))) == (5.0, 5.0, 110.0)
    assert len(log.rows) == events.SUBJECT_MAX + 1
    assert [event.text for event in log.of_vm("kvm1", uuid(1), 1)] == [str(events.SUBJECT_MAX + 99)]


# --- sequences ------------------------------------------------------------------------------------------------------


def test_first_contact_is_one_event_of_the_host() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2, PAUSED, "I/O error"), listed(3, OFF, "crashed"))
    world.wait(2).lists("kvm1", listed(1), listed(2, PAUSED, "I/O error"), listed(3, OFF, "crashed"))
    assert told(world, links=True) == [("link up", "kvm1", "answers")]


def test_a_pause_by_an_io_error_is_told_with_its_disk_whoever_says_so_first() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2))
    world.wait(1).tells("kvm1", 1, "ioerror", detail="vda enospc /srv/a.img")
    world.tells("kvm1", 1, "paused", PAUSED, "I/O error")
    world.wait(1).lists("kvm1", listed(1, PAUSED, "I/O error"), listed(2, PAUSED, "I/O error"))
    world.wait(1).samples("kvm1", counters(1, PAUSED, "I/O error"), counters(2, PAUSED, "I/O error"))
    world.wait(60).tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    assert told(world) == [
        ("ioerror", "vm-1", "I/O error vda enospc /srv/a.img"),
        ("paused", "vm-1", "running → paused: I/O error vda enospc /srv/a.img"),
        ("paused", "vm-2", "running → paused: I/O error"),
        ("resumed", "vm-1", "paused → running: unpaused"),
    ]
    assert [event.severity for event in world.fleet.events.rows.values()] == [0, 3, 3, 3, 0]


def test_a_lost_host_with_many_vms_is_one_event_and_what_changed_behind_it_is_told() -> None:
    vms = [listed(number) for number in range(200)]
    world = World("kvm1").up("kvm1", *vms)
    world.wait(60).link("kvm1", LinkState.LOST, "no answer")
    world.wait(30).link("kvm1", LinkState.LOST, "no route to host")
    world.wait(30).link("kvm1")
    world.wait(1).lists("kvm1", listed(0, OFF, "shutdown"), listed(900), *vms[2:])
    assert told(world, links=True) == [
        ("link up", "kvm1", "answers"),
        ("link lost", "kvm1", "lost: no answer · 200 running VMs out of sight"),
        ("link up", "kvm1", "answers again, after 1m"),
        ("stopped", "vm-0", "running → shut off: shutdown, while kvm1 was out of sight"),
        ("appeared", "vm-900", "new here, running: booted"),
        ("vanished", "vm-1", "was running 2m ago"),
    ]
    assert [event.severity for event in world.fleet.events.rows.values()] == [0, 3, 0, 0, 0, 1]


def test_a_move_is_one_event() -> None:
    """As libvirt's events and listings tell a live migration that undefines the source."""
    world = World("kvm1", "kvm2").up("kvm1", listed(1)).up("kvm2")
    world.wait(1).tells("kvm2", 1, "started", RUNNING, "migrated")
    world.wait(1).lists("kvm2", listed(1, PAUSED, "migrating", persistent=False))
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "migrating")
    world.tells("kvm2", 1, "resumed", RUNNING, "migrated")
    world.wait(0.1).tells("kvm1", 1, "stopped", OFF, "migrated")
    world.tells("kvm1", 1, "undefined", detail="removed")
    world.wait(1).lists("kvm1")
    world.lists("kvm2", listed(1, RUNNING, "migrated"))
    assert told(world) == [("moved", "vm-1", "kvm1 → kvm2")]
    event = list(world.fleet.events.rows.values())[-1]
    assert (event.host, event.uuid) == ("kvm2", uuid(1))


def test_a_move_is_told_by_listings_alone() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1), listed(2)).up("kvm2")
    world.wait(2).lists("kvm1", listed(2))
    world.lists("kvm2", listed(1, RUNNING, "migrated"))
    world.wait(2).lists("kvm2", listed(1, RUNNING, "migrated"), listed(2, RUNNING, "migrated"))
    world.lists("kvm1", listed(2, OFF, "migrated"))
    assert told(world) == [
        ("vanished", "vm-1", "was running"),
        ("moved", "vm-1", "kvm1 → kvm2"),
        ("moved", "vm-2", "kvm1 → kvm2"),
    ]


def test_a_move_that_was_given_up_is_told_where_it_went_on() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1)).up("kvm2")
    world.wait(1).lists("kvm2", listed(1, PAUSED, "migrating", persistent=False))
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "migrating")
    world.wait(1).tells("kvm2", 1, "stopped", OFF, "failed")
    world.tells("kvm1", 1, "resumed", RUNNING, "migration canceled")
    assert told(world)[-1] == ("resumed", "vm-1", "running: migration canceled; was paused for 1s: migrating")
    assert told(world)[-2] == (
        "stopped",
        "vm-1",
        "paused → shut off: failed, and gone: it was transient · runs on kvm1",
    )
    assert {event.host for event in world.fleet.events.rows.values() if event.uuid} == {"kvm1", "kvm2"}


def test_a_transient_vm_that_ends_and_one_that_is_undefined() -> None:
    world = World("kvm1").up("kvm1", listed(1, persistent=False), listed(2, OFF, "shutdown"), listed(3))
    world.wait(1).tells("kvm1", 1, "stopped", OFF, "destroyed")
    world.tells("kvm1", 2, "undefined", detail="removed")
    world.tells("kvm1", 3, "undefined", detail="removed")
    world.tells("kvm1", 3, "rebooted")
    world.wait(1).lists("kvm1", listed(3, persistent=False))
    world.wait(1).lists("kvm1")
    assert told(world) == [
        ("stopped", "vm-1", "running → shut off: destroyed, and gone: it was transient"),
        ("undefined", "vm-2", "was shut off"),
        ("undefined", "vm-3", "definition removed; gone when it stops"),
        ("rebooted", "vm-3", "rebooted"),
        ("vanished", "vm-3", "was running"),
    ]


def test_a_start_is_a_start_whatever_was_seen_between() -> None:
    world = World("kvm1").up("kvm1", listed(1, OFF, "shutdown"), listed(2, OFF, "shutdown"))
    world.wait(1).tells("kvm1", 1, "started", RUNNING, "booted")
    world.wait(1).lists("kvm1", listed(1), listed(2, PAUSED, "starting up"))
    world.wait(1).lists("kvm1", listed(1), listed(2))
    world.tells("kvm1", 3, "started", RUNNING, "booted")
    assert told(world) == [
        ("started", "vm-1", "shut off → running: booted"),
        ("started", "vm-2", "shut off → running: booted"),
        ("started", "vm-3", "new here, running: booted"),
    ]


def test_a_start_a_pause_an_end_by_another_operator_as_libvirt_tells_them() -> None:
    """It says resumed before it says started, and that a VM shuts down before its power is cut."""
    world = World("kvm1").up("kvm1", listed(1, OFF, "shutdown"))
    world.wait(1).tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    world.tells("kvm1", 1, "started", RUNNING, "booted")
    world.wait(1).tells("kvm1", 1, "paused", PAUSED, "user")
    world.wait(1).tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    world.wait(1).tells("kvm1", 1, "shutdown", VmState.IN_SHUTDOWN, "by the host")
    world.tells("kvm1", 1, "stopped", OFF, "destroyed")
    assert told(world) == [
        ("started", "vm-1", "shut off → running"),
        ("paused", "vm-1", "running → paused: user"),
        ("resumed", "vm-1", "paused → running: unpaused"),
        ("stopped", "vm-1", "running → shut off: destroyed"),
    ]


def test_a_step_is_told_with_what_came_of_it_or_when_it_does_not_end() -> None:
    world = World("kvm1").up("kvm1", listed(1), listed(2), listed(3))
    for number, reason in ((1, "creating snapshot"), (2, "saving"), (3, "shutting down")):
        world.tells("kvm1", number, "paused", PAUSED, reason, at=world.now + 1)
    began = world.wait(5).now - 4
    world.tells("kvm1", 1, "resumed", RUNNING, "unpaused")
    world.lists("kvm1", listed(1), listed(2, VmState.SAVED, "saved"), listed(3, PAUSED, "shutting down"))
    assert told(world) == [
        ("resumed", "vm-1", "running; was paused for 4s: creating snapshot"),
        ("saved", "vm-2", "running → saved"),
    ]
    world.wait(LINGER_S).fleet.tick()
    assert told(world)[2:] == [
        ("trouble", "kvm1", "answers late"),
        ("paused", "vm-3", "running → paused: shutting down"),
    ]
    assert list(world.fleet.events.rows.values())[-1].at == began
    world.tells("kvm1", 3, "stopped", OFF, "shutdown")
    assert told(world)[-1] == ("stopped", "vm-3", "paused → shut off: shutdown")


def test_a_figure_at_its_limit_is_one_trouble() -> None:
    """It begins at once, and is over when it has been for a while: then as of the moment it was."""
    world = World("kvm1").up("kvm1", listed(1))
    for turn in range(20):
        free = 50 if turn % 2 else 1
        world.wait(2).samples("kvm1", counters(1, cpu_ns=turn, mem_available_bytes=100, mem_usable_bytes=free))
        world.fleet.tick()
    ended = world.now
    assert _of_vms(world) == [("trouble", "vm-1", "memory nearly full")]
    assert world.wait(LINGER_S).fleet.tick() >= {"events"}
    assert _of_vms(world)[1:] == [("over", "vm-1", "no longer: memory nearly full")]
    assert list(world.fleet.events.rows.values())[-1].at == ended


def test_a_trouble_that_lasts_over_a_loss_of_the_host_is_not_told_again() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    world.wait(1).samples("kvm1", stuck=((uuid(1), "monitor stuck for 40 s"),))
    world.wait(1).link("kvm1", LinkState.LOST, "no answer")
    world.wait(9).up("kvm1", listed(1))
    world.wait(1).samples("kvm1", stuck=((uuid(1), "monitor stuck for 51 s"),))
    assert [text for kind, _, text in told(world) if kind == "trouble"] == ["monitor stuck for 40 s"]


def test_one_host_under_two_names_tells_once() -> None:
    world = World("kvm1", "again")
    for name in ("kvm1", "again"):
        world.up(name, listed(1))
        world.identifies(name, host_uuid="one")
    for name in ("kvm1", "again"):
        world.wait(1).tells(name, 1, "paused", PAUSED, "user")
    assert [(e.host, e.text) for e in world.fleet.events.rows.values() if e.uuid] == [
        ("kvm1", "running → paused: user")
    ]


def test_hosts_that_come_into_the_config_and_leave_it() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    del world.entries["kvm1"]
    world.entries["kvm2"] = World("kvm2").entries["kvm2"]
    world.configure()
    assert told(world) == [
        ("vanished", "kvm1", "in the config no longer"),
        ("appeared", "kvm2", "in the config now"),
    ]


def test_figures_make_no_events() -> None:
    world = World("kvm1").up("kvm1", listed(1))
    revision = world.fleet.events.changes.revision
    for turn in range(5):
        topics = world.wait(1).samples("kvm1", counters(1, cpu_ns=turn * 10**9))
        assert "events" not in topics
    assert world.fleet.events.changes.revision == revision


# --- as rows --------------------------------------------------------------------------------------------------------


def _query(text: str = "", *first: str, **more: object) -> Query:
    return Query(resource="events", filter=text, columns=(*first, "name", "kind"), **more)  # type: ignore[arg-type]


def test_events_are_listed_the_newest_first_and_filtered() -> None:
    world = World("kvm1", "kvm2").up("kvm1", listed(1), listed(2)).up("kvm2")
    window = Window(1, _query("vm-"), world.fleet)
    assert window.update(world.fleet, (), world.now) is not None
    world.wait(100).lists("kvm1", listed(1, PAUSED, "user"), listed(2, PAUSED, "user"))
    world.wait(50).lists("kvm1", listed(1, RUNNING, "unpaused"), listed(2, PAUSED, "user"))
    rows = window.update(world.fleet, (), world.now)
    assert rows is not None
    assert [cells for _, _, cells in rows.rows] == [("vm-1", "resumed"), ("vm-2", "paused"), ("vm-1", "paused")]

    def names(text: str, **more: object) -> list[tuple[object, ...]]:
        return list(page(_query(text, **more), world.fleet, (), world.now).rows)

    assert names("kind:paused since>40s") == [("vm-2", "paused"), ("vm-1", "paused")]
    assert names("since<40s host:kvm1 !kind:link-up") == [("vm-1", "resumed")]
    assert names(f'uuid:"{uuid(1)}"') == [("vm-1", "resumed"), ("vm-1", "paused")]
    assert names("", scope=("kvm2",)) == [("kvm2", "link up")]
    assert names("answers", sort="name") == [("kvm1", "link up"), ("kvm2", "link up")]


def test_the_newest_outlive_the_worker_and_the_gap_is_told() -> None:
    old = World("kvm1").up("kvm1", listed(1), listed(2))
    old.wait(5).tells("kvm1", 1, "paused", PAUSED, "user")
    kept, since = saved.events_of(old.fleet)
    world = World("kvm1")
    world.now = old.now + 7200
    world.link("kvm1")
    world.fleet.restore(saved.Saved(old.now, [], kept, since))
    world.fleet.watched_from(world.now, old.now)
    assert (since, world.fleet.events.since) == (START, START)
    assert [event.text for event in world.fleet.events.rows.values()] == [
        "answers", "running → paused: user", "answers",
        "kvmtui's worker began to watch; nothing was watched for 2h before",
    ]  # fmt: skip
    assert [int(event.id) for event in world.fleet.events.rows.values()] == [2, 3, 4, 5]


def test_what_changed_while_nobody_watched_is_told_and_what_did_not_is_not() -> None:
    world = World("kvm1")
    host = Host(name="kvm1", uri=world.entries["kvm1"].uri, seen=START)
    vms = [
        Vm(host="kvm1", uuid=uuid(n), name=f"vm-{n}", state=RUNNING if n < 3 else PAUSED, seen=START) for n in (1, 2, 3)
    ]
    world.wait(3600).fleet.restore(saved.Saved(START, [(host, vms)]))
    world.fleet.watched_from(world.now, START)
    world.wait(1).up("kvm1", listed(1), listed(2, OFF, "shutdown"), listed(3, PAUSED, "I/O error"))
    assert told(world) == [
        ("watching", "", "kvmtui's worker began to watch; nothing was watched for 1h before"),
        ("stopped", "vm-2", "running → shut off: shutdown, while nobody watched"),
    ]
    world.wait(9).tells("kvm1", 3, "resumed", RUNNING, "unpaused")
    assert told(world)[-1] == ("resumed", "vm-3", "paused → running: unpaused")


def test_what_is_kept_beside_the_fleet_says_since_when_it_tells_all() -> None:
    world = World("kvm1")
    for number in range(saved.EVENTS_MAX + 10):
        world.fleet.events.add(START + number, "kvm1", EventKind.PAUSED, str(number), uuid=uuid(number))
    kept, since = saved.events_of(world.fleet)
    assert (len(kept), kept[0].text, since) == (saved.EVENTS_MAX, "10", START + 10)
    assert isinstance(kept[0], Event)


_STATES = {
    EventKind.STARTED: RUNNING, EventKind.RESUMED: RUNNING, EventKind.MOVED: RUNNING, EventKind.PAUSED: PAUSED,
    EventKind.STOPPED: OFF, EventKind.SAVED: VmState.SAVED, EventKind.CRASHED: VmState.CRASHED,
    EventKind.SHUTDOWN: VmState.IN_SHUTDOWN, EventKind.VANISHED: None, EventKind.UNDEFINED: None,
}  # fmt: skip
_REASONS = st.sampled_from(["", "user", "starting up", "migrating", "migrated", "I/O error", "booted", "unpaused"])
_SHOWN = st.sampled_from([RUNNING, PAUSED, OFF, VmState.SAVED, VmState.CRASHED, VmState.IN_SHUTDOWN])
_VMS = st.dictionaries(st.integers(0, 3), st.tuples(_SHOWN, _REASONS), max_size=4)
_STORY = st.lists(
    st.one_of(
        st.tuples(st.just("list"), _VMS),
        st.tuples(st.sampled_from(["sample", "event"]), _VMS),
        st.tuples(st.just("lost"), st.just({})),
        st.tuples(st.just("tick"), st.just({})),
    ),
    max_size=25,
)


def _state_after(event: Event) -> VmState | None:
    if event.kind is EventKind.APPEARED:
        return VmState(event.text.removeprefix("new here, ").split(" · ")[0].split(":")[0])
    return None if "and gone" in event.text else _STATES[event.kind]


@given(_VMS, _STORY, st.sampled_from(["", "vm-1", "kind:paused", "severity>=2"]))
def test_who_reads_the_events_of_a_vm_knows_its_state(
    first: dict[int, tuple[VmState, str]], story: list[tuple[str, dict[int, tuple[VmState, str]]]], text: str
) -> None:
    """Whatever is lost on the way, whoever says it first; and who follows a window of them holds what a page has."""
    world = World("kvm1")

    def lists(vms: dict[int, tuple[VmState, str]]) -> None:
        world.up("kvm1", *[listed(number, state, reason) for number, (state, reason) in vms.items()])

    lists(first)
    window, client = Window(1, _query(text, count=9), world.fleet), Client()
    for kind, vms in [*story, ("list", first)]:
        world.wait(1)
        match kind:
            case "list":
                lists(vms)
            case "sample":
                world.samples("kvm1", *[counters(number, state, reason) for number, (state, reason) in vms.items()])
            case "event":
                for number, (state, reason) in vms.items():
                    world.tells("kvm1", number, "changed", state, reason)
            case "lost":
                world.link("kvm1", LinkState.LOST)
            case _:
                world.wait(LINGER_S).fleet.tick()
        client.take(window.update(world.fleet, (), world.now))
        shown = page(_query(text, "id", count=9), world.fleet, (), world.now).rows
        assert list(client.rows.values()) == [(row[0], row[1:]) for row in shown]
    world.wait(LINGER_S).fleet.tick()
    known: dict[str, VmState | None] = {uuid(number): state for number, (state, _) in first.items()}
    for event in world.fleet.events.rows.values():
        if event.uuid and event.kind not in {EventKind.TROUBLE, EventKind.OVER}:
            known[event.uuid] = _state_after(event)
    assert {key: state for key, state in known.items() if state is not None} == {
        uuid: vm.state for (_, uuid), vm in world.fleet.vms.items()
    }
