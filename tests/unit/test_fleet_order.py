"""Sorting: natural, the unknown last, no two rows alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet.fields import RESOURCES, reader
from kvmtui.fleet.order import Entry, first_of, natural
from kvmtui.model.vm import Vm, VmState

READING = {column: reader(column) for column in RESOURCES["vms"].columns}
_names = st.text("aAbB-019é中", max_size=6)
_vms = st.builds(
    Vm,
    host=st.sampled_from(["kvm1", "kvm2", "kvm10"]),
    uuid=st.text("0123456789abcdef", min_size=4, max_size=4),
    name=_names,
    state=st.sampled_from(list(VmState)),
    cpu_pct=st.none() | st.floats(0, 100),
    tags=st.lists(st.text("ab1", min_size=1, max_size=3), max_size=2).map(tuple),
    owner=_names,
    was=st.none() | st.just(VmState.RUNNING),
    since=st.none() | st.floats(0, 2e9),
    autostart=st.booleans(),
    severity=st.integers(0, 4),
)
_columns = st.sampled_from(["", "name", "host", "state", "cpu_pct", "tags", "owner", "was", "since", "autostart"])


def _pieces(name: str) -> list[tuple[int, int, str]]:
    """Natural order as it is taught: numbers as numbers, the rest as text; a number stands where "0" stands."""
    found = []
    for digits, text in re.findall(r"(\d+)|(.)", name.casefold(), re.DOTALL):
        found.append((ord("0"), int(digits), "") if digits else (ord(text), 0, text))
    return found


@given(_names, _names)
def test_numbers_in_names_compare_as_numbers(one: str, other: str) -> None:
    assert (natural(one) < natural(other)) == (_pieces(one) < _pieces(other))


def test_web_9_comes_before_web_10() -> None:
    names = ["web-10", "Web-9", "db-2", "web-009b", "web-1000", "web"]
    assert sorted(names, key=natural) == ["db-2", "web", "Web-9", "web-009b", "web-10", "web-1000"]


def _address(vm: Vm) -> tuple[str, str]:
    return vm.host, vm.uuid


def _entries(column: str, *, descending: bool) -> Callable[[Vm], Entry]:
    first = first_of("vms", column, descending, READING)
    return lambda vm: (first(vm), natural(vm.name), _address(vm))


@given(st.lists(_vms, max_size=20, unique_by=_address), _columns, st.booleans())
def test_orders_are_total_and_unknown_values_last(vms: list[Vm], column: str, descending: bool) -> None:
    entry = _entries(column, descending=descending)
    rows = {_address(vm): vm for vm in vms}
    keys = [found[2] for found in sorted(entry(vm) for vm in vms)]
    assert len(set(keys)) == len(vms)
    assert keys == [found[2] for found in sorted(entry(vm) for vm in reversed(vms))]
    if not column:
        severities = [rows[key].severity for key in keys]
        assert severities == sorted(severities, reverse=not descending)
        return
    lasting = column in RESOURCES["vms"].lasting or column == "owner"
    values = [
        None if rows[key].state is VmState.UNKNOWN and column in {"cpu_pct", "since", "autostart"} and not lasting
        else getattr(rows[key], column)
        for key in keys
    ]  # fmt: skip
    known = [value for value in values if value not in {None, "", ()}]
    assert values[: len(known)] == known
    for before, after in pairwise(known):
        if column == "since":
            assert before <= after if descending else before >= after, "times sort by age"
        elif column == "cpu_pct":
            assert before >= after if descending else before <= after
        elif column in {"name", "host", "owner"}:
            assert natural(before) >= natural(after) if descending else natural(before) <= natural(after)


@given(st.lists(_vms, max_size=12, unique_by=_address), st.booleans())
def test_among_equals_the_name_decides_ascending(vms: list[Vm], descending: bool) -> None:
    entry = _entries("state", descending=descending)
    rows = {_address(vm): vm for vm in vms}
    ordered = [rows[found[2]] for found in sorted(entry(vm) for vm in vms)]
    for before, after in pairwise(ordered):
        if before.state is after.state:
            assert natural(before.name) <= natural(after.name)
