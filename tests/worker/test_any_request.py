"""Whatever is asked, the worker answers with a result or in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.errors import KvmtuiError
from kvmtui.model.columns import COLUMNS
from kvmtui.wire.line import Line
from kvmtui.wire.messages import (
    Abort,
    CloseWindow,
    GetDetail,
    GetHostKey,
    GetJob,
    GetTimeline,
    Hello,
    Jobs,
    ListRows,
    MakePlan,
    OpenSeries,
    OpenSummary,
    OpenWindow,
    Query,
    Reconnect,
    Request,
    Settle,
    Status,
    Submit,
    Trust,
    Unlock,
)
from tests.worker.home import OFF, RUNNING, Home, settle, uuid

WORDS = st.one_of(
    st.sampled_from(["", "a", "b", "test", uuid(97000), "vms", "state:running", "cpu>1 or !(name~x)", "off", "y", "*"]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=12),
)
NUMBERS = st.one_of(st.integers(-3, 40), st.sampled_from([-(2**63), 2**31, 2**63 - 1]))
IDS = st.sampled_from([*sorted({column.id for columns in COLUMNS.values() for column in columns}), "nonsense"])
QUERIES = st.builds(
    Query,
    resource=st.sampled_from(["vms", "hosts", "jobs", "steps", "events", "findings", "audit", "nonsense"]),
    filter=WORDS,
    scope=st.lists(WORDS, max_size=2).map(tuple),
    columns=st.lists(IDS, max_size=4).map(tuple),
    sort=st.one_of(st.just(""), IDS),
    descending=st.booleans(),
    first=NUMBERS,
    count=NUMBERS,
    follow=WORDS,
    hold=st.booleans(),
)
REQUESTS: st.SearchStrategy[Request[Any]] = st.one_of(
    st.builds(Hello, version=WORDS, client=WORDS, agent=WORDS, origin=WORDS),
    st.builds(Status),
    st.builds(Jobs, limit=NUMBERS),
    st.builds(Abort, job=WORDS),
    st.builds(OpenWindow, window=NUMBERS, query=QUERIES),
    st.builds(OpenWindow, window=st.integers(0, 3), query=QUERIES),
    st.builds(CloseWindow, window=NUMBERS),
    st.builds(OpenSeries, window=NUMBERS, host=WORDS, uuid=WORDS),
    st.builds(OpenSummary),
    st.builds(Settle, timeout_s=st.floats(-1, 0.1), samples=NUMBERS),
    st.builds(ListRows, query=QUERIES),
    st.builds(GetDetail, host=WORDS, uuid=WORDS),
    st.builds(
        MakePlan,
        verb=st.one_of(st.sampled_from(sorted(VERBS)), WORDS),
        targets=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
        filter=WORDS,
        all=st.booleans(),
    ),
    st.builds(Submit, plan=WORDS, typed=WORDS),
    st.builds(GetJob, job=WORDS),
    st.builds(GetTimeline, host=WORDS, uuid=WORDS, limit=NUMBERS),
    st.builds(GetHostKey, host=WORDS),
    st.builds(Trust, address=WORDS, port=NUMBERS, fingerprint=WORDS),
    st.builds(Reconnect, host=WORDS),
    st.builds(Unlock, for_s=st.floats(allow_nan=False, allow_infinity=False)),
)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A client of a worker that runs for all examples."""
    with Home(Path(tmp_path_factory.mktemp("any"))) as home:
        home.configure(home.host("a", RUNNING, OFF), home.host("b", RUNNING))
        home.start()
        line = home.line()
        settle(line)
        yield line
        assert "Traceback" not in home.log


def _error(line: Line, request: Request[Any]) -> str:
    """What the worker answers if it is an error."""
    try:
        line.call(request)
    except KvmtuiError as error:
        return error.text
    return ""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REQUESTS, min_size=1, max_size=6))
def test_any_request_is_answered(line: Line, requests: list[Request[Any]]) -> None:
    """With a result of its type, or with an error that says in words what is wrong."""
    for request in requests:
        said = _error(line, request)
        assert "failed to answer" not in said
        assert "makes no sense" not in said
        line.pushed.clear()
    assert line.call(Status()).vms == 3
