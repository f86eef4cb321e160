"""Values to cells: widths, words, figures."""

from __future__ import annotations

import re
import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvmtui.console.present import events, hosts, jobs, steps, vms
from kvmtui.console.present.cells import Span, fit_line, line_width, plain, to_ascii, wrap
from kvmtui.console.present.columns import Placed, header, place
from kvmtui.console.present.detail import devices
from kvmtui.console.present.frame import PANES, WIDE, divide
from kvmtui.console.present.graphs import bar, braille, bridge, buckets, nice_top
from kvmtui.console.present.metrics import HOST_GRAPHS, VM_GRAPHS, block, panel
from kvmtui.console.present.topline import TopState, topline
from kvmtui.console.present.values import shown
from kvmtui.model.columns import Kind
from kvmtui.model.host import Host, LinkState, Summary
from kvmtui.model.job import Job, JobState, StepState
from kvmtui.model.vm import Disk, Vm, VmDetail, VmState
from kvmtui.text import width

NOW = 1_760_000_000.0
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "[bold]x[/]",
        "\x1b]52;c;eA==\x07",
        "\x9b31m",
        "\u202eabc",
        "e\u0301" * 9,
        "日本語",
        "👩‍👩‍👧‍👦👍🏽❤️",
        "x" * 300,
        "\t\n\r",
    ]
)
NUMBER = st.none() | st.floats(0, 1e16) | st.integers(0, 10**15)
WIDTHS = st.integers(1, 240)


@given(st.lists(st.builds(Span, HOSTILE, st.just("text")), max_size=6), st.integers(0, 120))
def test_a_line_takes_exactly_its_cells(line: list[Span], cells: int) -> None:
    """Whatever is in it, and nothing in it moves a terminal."""
    fitted = fit_line(line, cells)
    assert line_width(fitted) == cells
    assert all(character.isprintable() or character == " " for character in plain(fitted))


@given(HOSTILE, st.integers(1, 80))
def test_wrapped_lines_fit(text: str, cells: int) -> None:
    """Lines are as wide as they may be, and lose nothing but blanks."""
    lines = wrap(text, max(2, cells))
    assert all(width(line) <= max(2, cells) for line in lines)


@given(HOSTILE)
def test_ascii_takes_as_many_cells(text: str) -> None:
    """The translation for other terminals is ASCII, and moves no column."""
    shown_text = plain(fit_line((Span(text),), width(plain(fit_line((Span(text),), 200)))))
    assert to_ascii(shown_text).isascii()
    assert width(to_ascii(shown_text)) == width(shown_text)


@given(WIDTHS, st.sampled_from([vms.SHOWN, hosts.SHOWN, jobs.SHOWN]))
def test_columns_fit_and_the_first_stays(cells: int, columns: tuple[object, ...]) -> None:
    """The first column is always there, columns stand apart, in order, inside the width."""
    placed = place(columns, cells)  # type: ignore[arg-type]
    assert placed[0].column is columns[0]
    assert placed[-1].end <= cells
    assert all(left.end + 1 == right.x for left, right in pairwise(placed))
    assert width(header(placed, "name", descending=True)) == placed[-1].end


@given(st.integers(1, 239))
def test_more_room_never_hides_a_column(cells: int) -> None:
    """A terminal that grows by a column loses none of its columns."""
    before = {p.column.id for p in place(vms.SHOWN, cells)}
    assert before <= {p.column.id for p in place(vms.SHOWN, cells + 1)}


def _vm(name: str, state: VmState, number: float | None, words: str) -> Vm:
    return Vm(
        host=words[:8], uuid="u", name=name, state=state, was=VmState.RUNNING, since=number, cpu_pct=number,
        cores=number, mem_pct=number, disk_latency_ms=number, net_rx_bps=number, trouble=words,
        severity=len(words) % 5, sampled=number, job=words[:3], tags=(words,), state_reason=words,
    )  # fmt: skip


@settings(max_examples=200)
@given(WIDTHS, HOSTILE, st.sampled_from(VmState), NUMBER, HOSTILE)
def test_rows_take_exactly_their_cells(cells: int, name: str, state: VmState, number: float | None, words: str) -> None:
    """Rows of VMs, hosts and jobs are as wide as they are told, with any values."""
    row = {key: getattr(_vm(name, state, number, words), key) for key in vms.ASKED}
    row = {key: plain(fit_line((Span(v),), 40)).rstrip() if isinstance(v, str) else v for key, v in row.items()}
    _, line = vms.row(place(vms.SHOWN, cells), row, cells, NOW)
    assert line_width(line) == cells
    host = Host(
        name=name[:5], uri="u", link=list(LinkState)[len(name) % 5], link_reason=words, since=number, cpu_pct=number
    )
    values = {key: getattr(host, key) for key in hosts.ASKED}
    values |= {"name": row["name"], "link_reason": row["trouble"]}
    _, line = hosts.row(place(hosts.SHOWN, cells), values, cells, NOW)
    assert line_width(line) == cells
    job = Job(
        id="j1", verb="start", by="me", state=list(JobState)[len(name) % 6], total=1, started=NOW, subject=row["name"]
    )
    _, line = jobs.row(place(jobs.SHOWN, cells), {key: getattr(job, key) for key in jobs.ASKED}, cells, NOW)
    assert line_width(line) == cells


@given(NUMBER, st.sampled_from(Kind))
def test_no_number_is_no_number(number: float | None, kind: Kind) -> None:
    """What is not known is a dash; figures stay short."""
    if kind in {Kind.TEXT, Kind.STATE, Kind.LIST}:
        assert shown(kind, None, NOW) == ""
    else:
        assert shown(kind, None, NOW) == "–"
        assert kind in {Kind.COUNT, Kind.NUMBER} or width(shown(kind, number, NOW)) <= 18


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        (VmState.UNKNOWN, {"was": "running", "since": NOW - 125}, "? was running 2m ago"),
        (VmState.UNKNOWN, {}, "? nothing heard yet"),
        (VmState.PAUSED, {"trouble": "I/O error vda: no space", "severity": 4}, "I/O error vda: no space"),
        (VmState.PAUSED, {"state_reason": "migration"}, "reason: migration"),
        (VmState.RUNNING, {"job": "shutdown"}, "⟳ shut down"),
        (VmState.RUNNING, {"seen": NOW - 61}, "last seen 1m ago"),
        (VmState.RUNNING, {}, ""),
    ],
)
def test_what_is_wrong_is_said_in_words(state: VmState, fields: dict[str, object], words: str) -> None:
    """On the row, whatever the width has room for."""
    values = {"name": "db-02", "host": "kvm3", "state": state.value} | fields
    assert vms.words_of(values, NOW) == words
    glyph, line = vms.row(place(vms.SHOWN, 82), values, 82, NOW)
    assert words in plain(line)
    assert glyph.text.strip()


def test_every_state_has_a_glyph_and_a_word_of_its_own() -> None:
    """Never colour alone."""
    for glyphs, states in (
        (vms.GLYPHS, VmState),
        (hosts.GLYPHS, LinkState),
        (jobs.GLYPHS, JobState),
        (steps.GLYPHS, StepState),
    ):
        assert set(glyphs) == set(states)
    assert len(set(vms.GLYPHS.values())) == len(VmState)
    assert all(len(to_ascii(glyph)) == 1 for glyph in vms.GLYPHS.values())


def test_signs_are_distinct_in_ascii_too() -> None:
    """No two of them become one."""
    signs = {*vms.GLYPHS.values(), *hosts.GLYPHS.values(), *jobs.GLYPHS.values(), *events.GLYPHS.values(), "●", "○"}
    signs |= {*(glyph for glyph, _ in hosts.LEVELS.values()), *steps.GLYPHS.values()}
    told = {sign: to_ascii(sign) for sign in signs}
    assert len(set(told.values())) == len(signs), told


def test_bars_in_ascii_have_no_holes() -> None:
    """What is part of a cell is more than nothing, less than a cell."""
    for share in range(101):
        drawn = to_ascii(bar(share, 4))
        assert re.fullmatch(r"#*[:=]?\.*", drawn)
        assert len(drawn) == 4


def test_links_that_are_not_up_say_why() -> None:
    """A lost host: since when, and why."""
    values = {"name": "kvm7", "link": "lost", "since": NOW - 130, "link_reason": "no answer"}
    _, line = hosts.row(place(hosts.SHOWN, 28), values, 28, NOW)
    assert "lost 2m: no answer" in plain(line)


@given(
    st.builds(
        Summary,
        name=HOSTILE,
        demo=st.booleans(),
        hosts_up=st.integers(0, 1000),
        hosts_total=st.integers(0, 1000),
        vms=st.dictionaries(st.sampled_from([s.value for s in VmState]), st.integers(0, 30_000)),
        cpu_pct=st.none() | st.floats(0, 100),
        mem_pct=st.none() | st.floats(0, 100),
        troubles=st.lists(st.tuples(HOSTILE, st.integers(0, 9)), max_size=3).map(tuple),
        troubles_total=st.integers(0, 999),
        jobs_running=st.integers(0, 99),
        jobs_waiting=st.integers(0, 9),
        jobs_unread=st.integers(0, 99),
        clients=st.integers(0, 9),
    ),
    st.booleans(),
    HOSTILE,
    st.integers(1, 200),
)
def test_the_top_line_fits(summary: Summary, read_only: bool, link: str, cells: int) -> None:
    """Exactly as wide as the terminal, at any width; with room for it, it tells whether anything may be changed."""
    line = topline(TopState(summary, NOW, read_only=read_only, demo=summary.demo, link=link), cells)
    assert line_width(line) == cells
    if cells >= 60:
        assert ("RO" if read_only else "RW") in plain(line).split()


def test_the_worst_trouble_outlives_the_rest() -> None:
    """The narrower the line, the less beside the trouble."""
    summary = Summary(
        name="prod", hosts_up=11, hosts_total=12, vms={"running": 382, "paused": 3}, cpu_pct=41.0, mem_pct=63.0,
        troubles=(("kvm7 lost", 4),), troubles_since=(NOW - 120,), troubles_total=2, jobs_unread=2,
    )  # fmt: skip
    wide = plain(topline(TopState(summary, NOW, running=(12, 37)), 120))
    for piece in (
        "prod",
        "RW",
        "hosts 11/12",
        "382 run",
        "3 paused",
        "cpu 41%",
        "mem 63%",
        "▲ kvm7 lost 2m  +1",
        "⟳ 12/37",
        "✗ 2",
    ):
        assert piece in wide
    assert "▲ kvm7 lost 2m" in plain(topline(TopState(summary, NOW), 30))


def test_where_there_is_little_room_the_first_line_tells_of_what_matters() -> None:
    """Words as long as they fit; letters only for states that are somebody's trouble, or easily guessed."""
    summary = Summary(
        name="prod", hosts_up=6, hosts_total=6, troubles=(("app-34 paused, and nobody says why", 2),),
        vms={"running": 172, "paused": 3, "pmsuspended": 1, "saved": 3, "shut off": 21, "unknown": 2},
    )  # fmt: skip
    lines = [plain(topline(TopState(summary, NOW), cells)) for cells in (140, 94, 74)]
    assert "vm 172 run 3 paused 2 ? 21 off 3 saved 1 suspended" in lines[0]
    assert "vm 172 run 3 paused 2 ? 21 off ▲" in lines[1]
    assert "vm 172r 3p 2? 21o" in lines[2]


def test_a_step_tells_all_of_itself_in_one_form() -> None:
    """What happened, libvirt's words, what to do next, whole, however narrow it is."""
    failed = {
        "name": "web-14", "host": "kvm2", "state": "failed",
        "text": "shut down NOT done, still running · why: no reaction to ACPI for 120 s, no agent",
        "words": "Timed out", "remedy": "F force off",
    }  # fmt: skip
    for cells in (30, 80, 200):
        lines = steps.below(failed, cells)
        assert all(line_width(line) <= cells for line in lines)
        assert " ".join(plain(line).strip() for line in lines) == (
            "✗ web-14 kvm2: shut down NOT done, still running · why: no reaction to ACPI for 120 s, no agent"
            ' · libvirt: "Timed out" · next: F force off'
        )


def test_how_far_a_task_is_adds_up() -> None:
    """Its bar fills with what has an outcome; what is under way is what the counts leave over."""
    values = {"total": 37, "done": 30, "failed": 3, "unknown": 1, "not_begun": 1, "state": "running"}
    assert plain(jobs.counts(values)) == "37: 30 done · 3 failed · 1 unknown · 1 not begun · 2 under way"
    for cells in range(5, 40):
        cell = jobs.progress_cell(values, cells)
        assert (width(cell), cell.endswith("34/37")) == (cells, True)
    assert jobs.progress_cell(values | {"done": 33, "not_begun": 0}, 10) == "████ 37/37"


def test_a_verb_is_a_word_where_there_is_little_room() -> None:
    """Without what explains it."""
    for cells, word in ((9, "resume"), (40, "resume (unpause)")):
        verb = next(column for column in jobs.SHOWN if column.id == "verb")
        _, line = jobs.row([Placed(verb, 0, cells)], {"verb": "resume", "state": "done"}, cells, NOW)
        assert plain(line).rstrip() == word


def test_devices_are_not_cut() -> None:
    """Source and cache mode of a disk stand on two lines where one is too short."""
    disk = Disk(target="vda", device="disk", bus="virtio", format="qcow2", source="/" + 70 * "x", cache="none")
    detail = VmDetail(vm=_vm("v", VmState.OFF, None, ""), disks=(disk,))
    for cells in (80, 160):
        told = devices(detail, cells)
        assert all(line_width(line) <= cells for line in told)
        text = "".join(plain(line) for line in told)
        assert disk.source in text
        assert "cache none" in text


# --- graphs -------------------------------------------------------------------------------------------------------

VALUES = st.lists(st.none() | st.floats(0, 1e12), max_size=80)


@given(VALUES, st.integers(1, 20), st.floats(0, 1e12))
def test_graphs_are_as_large_as_they_are_told(values: list[float | None], rows: int, top: float) -> None:
    """So many rows, two values a cell, nothing but braille and blanks."""
    for hanging in (False, True):
        lines = braille(values, rows, top, hanging=hanging)
        assert len(lines) == rows
        assert all(len(line) == (len(values) + 1) // 2 for line in lines)
        assert all(character == " " or 0x2800 < ord(character) <= 0x28FF for line in lines for character in line)


@given(VALUES, st.integers(1, 20))
def test_gaps_are_blank_and_zeros_are_not(values: list[float | None], rows: int) -> None:
    """A column is empty exactly where nothing was measured."""
    lines = braille(values, rows, 100.0)
    for place_, value in enumerate(values):
        dots = (0x47, 0xB8)[place_ % 2]
        drawn = any(line[place_ // 2] != " " and (ord(line[place_ // 2]) - 0x2800) & dots for line in lines)
        assert drawn == (value is not None)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40), st.integers(1, 10))
def test_more_is_never_lower(values: list[float], rows: int) -> None:
    """Columns keep the order of their values."""
    ordered = sorted(values)
    lines = braille(ordered, rows, 100.0)
    dots = []
    for place_ in range(len(ordered)):
        mask = (0x47, 0xB8)[place_ % 2]
        cells = [line[place_ // 2] for line in lines]
        dots.append(sum(((ord(c) - 0x2800) & mask).bit_count() for c in cells if c != " "))
    assert dots == sorted(dots)


@given(st.none() | st.floats(-10, 200), st.integers(1, 40))
def test_bars_are_as_wide_as_they_are_told(share: float | None, cells: int) -> None:
    """Whatever the share."""
    assert width(bar(share, cells)) == cells


def test_each_column_is_the_highest_of_its_time() -> None:
    """Peaks are not averaged away, and old points fall off."""
    points = [(NOW - 1000, 99.0), (NOW - 19, 5.0), (NOW - 18, 80.0), (NOW - 17, None), (NOW - 1, 7.0)]
    assert buckets(points, 1, 3, NOW + 1, 30.0) == [80.0, 7.0, None]


def test_only_short_holes_are_bridged() -> None:
    """A column narrower than the period has no sample of its own; a real gap stays."""
    assert bridge([1.0, None, 3.0, None, None, None, 7.0], 1) == [1.0, 1.0, 3.0, None, None, None, 7.0]
    assert bridge([None, 2.0], 1) == [None, 2.0]
    assert bridge([2.0, None], 1) == [2.0, 2.0]
    assert bridge([2.0, None, None], 1) == [2.0, None, None]


@given(st.floats(1e-3, 1e15), st.booleans())
def test_scales_hold_their_peak(peak: float, binary: bool) -> None:
    """The top of a scale is not below the peak, nor far above it."""
    top = nice_top(peak, binary=binary)
    assert peak <= top * 1.001
    assert top <= peak * 10.3


@given(st.integers(1, 200), st.integers(1, 40), st.booleans())
def test_panels_fill_their_place(cells: int, lines: int, is_host: bool) -> None:
    """As many lines and cells as there are, with points or without."""
    graphs = HOST_GRAPHS if is_host else VM_GRAPHS
    figures = tuple(name for graph in graphs for name in (graph.up, graph.down) if name)
    points = [(NOW - 2 * n, *(float(n) for _ in figures)) for n in range(100, 0, -1)]
    for given_points in ([], points):
        drawn = panel(graphs, figures, given_points, NOW, cells, lines)
        assert len(drawn) == lines
        assert all(line_width(line) == cells for line in drawn)


@pytest.mark.parametrize(("peak", "tops"), [(0.0, ["5%"]), (0.4, ["5%"]), (7.0, ["10%"]), (100.0, ["100%"])])
def test_the_scale_of_little_pressure_is_no_zero(peak: float, tops: list[str]) -> None:
    """A scale has a top that is more than nothing, and room for it."""
    points = [(NOW, peak, 0.0)]
    drawn = block(HOST_GRAPHS[3], ("pressure_cpu_pct", "pressure_io_pct"), points, NOW, 30, 6)
    scales = [plain(line)[:4].strip() for line in drawn[1:]]
    assert list(filter(None, scales)) == tops * 2


@given(st.integers(1, 300), st.integers(1, 100), st.sampled_from(PANES), st.sampled_from(PANES[2:]), st.booleans())
def test_panes_tile_the_screen(columns: int, lines: int, pane: str, bottom: str, zoomed: bool) -> None:
    """Every cell between first and last line belongs to exactly one pane, the one with the keys among them."""
    shown_bottom = pane if pane in PANES[2:] else bottom
    frame = divide(columns, lines, pane=pane, bottom=shown_bottom, zoomed=zoomed)
    assert pane in frame.boxes
    taken = sum(box.width * box.height for box in frame.boxes.values())
    body = lines - 2 if lines > 2 else lines - 1
    assert taken == columns * max(0, body)
    assert columns >= WIDE or len(frame.boxes) == 1


def test_text_needs_no_other_letters() -> None:
    """ASCII is left alone by its own translation."""
    assert to_ascii(string.printable) == string.printable
