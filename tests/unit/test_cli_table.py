"""Rows as tables, JSON, CSV: nothing is wider than the terminal, nothing is lost on the way to a script."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.cli import exits
from kvmtui.cli.follow import outcome, outcome_line
from kvmtui.cli.progress import progress_line
from kvmtui.cli.table import write_csv, write_json, write_table
from kvmtui.model.columns import COLUMNS, VM_COLUMNS
from kvmtui.model.job import Job, JobDetail, JobState, Plan, Skip, Step, StepState, Target
from kvmtui.model.vm import Vm, VmState
from kvmtui.text import clean, width

NAMES = [column.id for column in VM_COLUMNS]
HOSTILE = st.one_of(
    st.sampled_from(
        ["[bold]x[/]", "\x1b]52;c;AAAA\x07", "\u202eevil", "中文虚拟机", "-rf", "=1+1", 'a"b,c', "e\u0301" * 9]
    ),
    st.text(max_size=40),
)


@st.composite
def vms(draw: st.DrawFn) -> dict[str, Any]:
    """A row as the line carries it, its words not to be trusted."""
    vm = Vm(
        host=draw(HOSTILE),
        uuid="00000000-0000-4000-8000-000000000000",
        name=draw(HOSTILE),
        state=draw(st.sampled_from(VmState)),
        tags=tuple(draw(st.lists(HOSTILE, max_size=3))),
        cpu_pct=draw(st.none() | st.floats(0, 100)),
        mem_used_bytes=draw(st.none() | st.integers(0, 1 << 50)),
        since=draw(st.none() | st.floats(0, 2e9)),
    )
    row: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(vm))
    return row


class Pty(io.StringIO):
    """What is written, beside the terminal that it is written to."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self._ends = os.openpty()
        import termios

        termios.tcsetwinsize(self._ends[1], (24, columns))

    def fileno(self) -> int:
        return self._ends[1]

    def close(self) -> None:
        for end in self._ends:
            os.close(end)
        super().close()


def lines_on(rows: list[dict[str, Any]], columns: int, *, demo: bool = False) -> list[str]:
    with Pty(columns) as stream:
        write_table(stream, VM_COLUMNS, rows, 2e9, demo=demo)
        return stream.getvalue().splitlines()


@given(st.lists(vms(), max_size=4), st.integers(1, 300), st.booleans())
def test_no_line_is_wider_than_the_terminal(rows: list[dict[str, Any]], columns: int, demo: bool) -> None:
    """One line a row, whatever the names are; nothing in it that a terminal obeys."""
    lines = lines_on(rows, columns, demo=demo)
    assert len(lines) == 1 + len(rows)
    assert all(width(line) <= columns for line in lines)
    assert all(clean(line, 400) == line for line in lines)


@given(st.lists(vms(), min_size=1, max_size=4))
def test_off_a_terminal_nothing_is_cut(rows: list[dict[str, Any]]) -> None:
    stream = io.StringIO()
    write_table(stream, VM_COLUMNS, rows, 2e9)
    for line, row in zip(stream.getvalue().splitlines()[1:], rows, strict=True):
        assert clean(row["name"]).strip() in line


def test_a_demo_says_so_in_every_row() -> None:
    row = msgspec.to_builtins(Vm(host="kvm1", uuid="u", name="a", state=VmState.RUNNING))
    assert all(line.endswith("demo") for line in lines_on([row], 80, demo=True)[1:])
    assert "demo" not in "".join(lines_on([row], 80))


@given(st.lists(vms(), max_size=4))
def test_json_and_csv_give_back_what_was_written(rows: list[dict[str, Any]]) -> None:
    """Values as they are: a name that looks like a formula is still the name."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    write_json(stream, rows, NAMES)
    assert json.loads(raw.getvalue().decode()) == [{name: row.get(name) for name in NAMES} for row in rows]
    raw.truncate(0)
    raw.seek(0)
    write_csv(stream, rows, NAMES)
    header, *read = csv.reader(io.StringIO(raw.getvalue().decode(), newline=""))
    assert header == NAMES
    assert [line[NAMES.index("name")] for line in read] == [row["name"] for row in rows]
    assert [line[NAMES.index("cpu_pct")] for line in read] == [
        "" if row["cpu_pct"] is None else str(row["cpu_pct"]) for row in rows
    ]


@pytest.mark.parametrize("resource", COLUMNS)
def test_an_empty_list_has_its_header(resource: str) -> None:
    stream = io.StringIO()
    write_table(stream, COLUMNS[resource], [], 0.0)
    assert stream.getvalue().split()[0] == COLUMNS[resource][0].title


def _detail(state: JobState, *steps: StepState) -> JobDetail:
    job = Job(id="1", verb="start", by="me", state=state, total=len(steps), started=0.0)
    made = [Step(number=number, host="h", uuid="u", name="n", state=each) for number, each in enumerate(steps)]
    return JobDetail(job=job, plan="p", steps=tuple(made))


def _plan(*skipped: VmState) -> Plan:
    skips = tuple(Skip(Target("h", "u", "n", state), VERBS["start"].refusal(state)) for state in skipped)
    return Plan(id="p", verb="start", targets=(), skipped=skips)


@pytest.mark.parametrize(
    ("state", "steps", "skipped", "code"),
    [
        (JobState.DONE, [StepState.DONE], [], exits.DONE),
        (JobState.DONE, [StepState.DONE], [VmState.RUNNING], exits.DONE),
        (JobState.DONE, [StepState.DONE], [VmState.UNKNOWN], exits.REFUSED),
        (JobState.FAILED, [StepState.DONE, StepState.FAILED], [VmState.UNKNOWN], exits.FAILED),
        (JobState.CANCELLED, [StepState.DONE, StepState.NOT_BEGUN], [], exits.FAILED),
        (JobState.WAITING, [StepState.DONE, StepState.NOT_BEGUN], [], exits.FAILED),
        (JobState.WAITING, [StepState.UNKNOWN, StepState.NOT_BEGUN], [], exits.UNKNOWN),
        (JobState.UNKNOWN, [StepState.UNKNOWN, StepState.FAILED], [VmState.UNKNOWN], exits.UNKNOWN),
    ],
)
def test_unknown_beats_failed_beats_refused(
    state: JobState, steps: list[StepState], skipped: list[VmState], code: int
) -> None:
    """What was so already is no refusal."""
    assert outcome(_detail(state, *steps), _plan(*skipped)) == code


def test_an_outcome_is_told_in_one_line() -> None:
    """Who, where, what, in whose words, what next; nothing of it obeyed by a terminal."""
    step = Step(
        number=0, host="kvm2", uuid="u", name="web-14\x1b[2J", state=StepState.FAILED, text="start NOT done",
        words="internal\nerror", remedy="look at it",
    )  # fmt: skip
    told = outcome_line(step, "start")
    assert told == '✗ web-14\ufffd[2J kvm2: start NOT done · libvirt: "internal error" · next: look at it'


@given(st.integers(1, 400), st.integers(0, 100_000), st.integers(0, 1_000), st.booleans())
def test_how_far_a_job_is_fits_one_line(cells: int, done: int, failed: int, is_fast: bool) -> None:
    """Whatever its figures are; what failed is never behind how fast it goes."""
    job = Job(
        id="7f3a", verb="shutdown", by="ada", state=JobState.RUNNING, total=done + failed + 7, done=done, failed=failed,
        not_begun=7, started=0.0, subject="中文 on 3 hosts", rate=12.0 if is_fast else None, left_s=95.0,
    )  # fmt: skip
    line = progress_line(job, cells)
    assert width(line) <= cells
    if cells > 80 and failed and is_fast:
        assert line.index(f"{failed} failed") < line.index("12 a minute")
