"""The line's words: five requests frozen for ever, errors that cross it whole, lines cut anywhere."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui import errors
from kvmtui.errors import ConfigError, FilterError, KvmtuiError, LibvirtError, LinkError
from kvmtui.model.host import LinkState
from kvmtui.model.job import Job, JobState
from kvmtui.wire import failures
from kvmtui.wire.framing import LineBuffer, LineTooLongError
from kvmtui.wire.messages import (
    RESULTS,
    Abort,
    ClientMessage,
    Hello,
    HostStatus,
    JobList,
    Jobs,
    Request,
    Status,
    Stop,
    Stopping,
    Welcome,
    WorkerStatus,
    decode_answer,
    decode_request,
    encode,
)
from kvmtui.wire.results import result_of

JOB = Job(id="j1", verb="off", by="ann", state=JobState.RUNNING, total=2, done=1, started=5.0, subject="2 VMs")
JOB_LINE = (
    '{"id":"j1","verb":"off","by":"ann","state":"running","total":2,"done":1,"failed":0,"unknown":0,"skipped":0,'
    '"not_begun":0,"started":5.0,"ended":null,"subject":"2 VMs","text":""'
    ',"how":{"first":1,"at_once":8,"per_host":null,"order":"hosts","ranks":[],"wait_s":0.0,"stop_after":null}'
    ',"rate":null,"left_s":null}'
)
OLDER_JOB_LINE = JOB_LINE.partition(',"how"')[0] + "}"
"""As a worker says it that knows nothing of how."""

FROZEN_REQUESTS: list[tuple[Request[Any], str]] = [
    (
        Hello(id=1, version="0.1.0", client="cli", read_only=True, agent="/a", origin="o"),
        '{"op":"hello","version":"0.1.0","client":"cli","read_only":true,"agent":"/a","origin":"o","id":1}',
    ),
    (Status(id=2), '{"op":"status","id":2}'),
    (Jobs(id=3, limit=7), '{"op":"jobs","limit":7,"id":3}'),
    (Abort(id=4, job="j1"), '{"op":"abort","job":"j1","id":4}'),
    (Stop(id=5, mode="drain"), '{"op":"stop","mode":"drain","id":5}'),
]
FROZEN_RESULTS: list[tuple[Request[Any], Any, str]] = [
    (
        Hello(version="", client=""),
        Welcome(version="0.1.0", pid=9, config="/c", digest="d", read_only=False, now=1.5),
        (
            '{"version":"0.1.0","pid":9,"config":"/c","digest":"d","read_only":false,"read_only_why":"","demo":false,'
            '"now":1.5}'
        ),
    ),
    (
        Status(),
        WorkerStatus(
            pid=9,
            version="0.1.0",
            socket="/s",
            config="/c",
            digest="d",
            started=1.0,
            clients=2,
            jobs=1,
            hosts=(HostStatus(name="kvm1", link="up"),),
            vms=3,
        ),
        (
            '{"pid":9,"version":"0.1.0","socket":"/s","config":"/c","digest":"d","started":1.0,"clients":2,"jobs":1,'
            '"hosts":[{"name":"kvm1","link":"up","link_reason":"","last_answer_s":null}],"vms":3,"rss_bytes":0,'
            '"notice":"","journal":""}'
        ),
    ),
    (Jobs(), JobList(jobs=(JOB,)), f'{{"jobs":[{JOB_LINE}]}}'),
    (Abort(job="j1"), JOB, JOB_LINE),
    (Stop(), Stopping(stopping=False, jobs=(JOB,)), f'{{"stopping":false,"jobs":[{JOB_LINE}]}}'),
]


@pytest.mark.parametrize(("request_", "line"), FROZEN_REQUESTS, ids=lambda value: type(value).__name__)
def test_frozen_requests_stay_as_they_are(request_: Request[Any], line: str) -> None:
    """A client of any version says these, byte for byte, and a worker of any version reads them."""
    assert encode(request_).decode() == line
    assert decode_request(line) == request_


@pytest.mark.parametrize(("request_", "result", "line"), FROZEN_RESULTS, ids=lambda value: type(value).__name__)
def test_frozen_results_stay_as_they_are(request_: Request[Any], result: object, line: str) -> None:
    """A worker of any version answers with these, and a client of any version reads them, with more or without."""
    assert encode(result).decode() == line
    longer = line[:-1] + ',"of_a_later_version":[{}]}'
    answer = decode_answer(f'{{"op":"reply","id":1,"result":{longer}}}')
    assert result_of(request_, answer) == result
    shorter = line.replace(JOB_LINE, OLDER_JOB_LINE)
    assert result_of(request_, decode_answer(f'{{"op":"reply","id":1,"result":{shorter}}}')) == result


def test_frozen_requests_are_read_with_fields_of_a_later_version() -> None:
    """What is not known is passed over."""
    assert decode_request('{"op":"stop","id":1,"mode":"idle","later":{"a":[1]}}') == Stop(id=1, mode="idle")


def test_every_request_has_a_result() -> None:
    """The table of results knows every request of the union."""
    assert set(RESULTS) == set(ClientMessage.__args__)


ERRORS = [
    LinkError("no way", LinkState.NEEDS_YOU, where="kvm1", words="w", remedy="r"),
    LibvirtError("no such domain", 42, 10, where="kvm1", remedy="r"),
    FilterError("what?", 3, 4, remedy="r"),
    ConfigError("/c", ["line 1: a", "line 2: b"]),
    *(
        kind("text", where="w", words="x", remedy="r")
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, KvmtuiError) and kind not in {LinkError, LibvirtError, FilterError, ConfigError}
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_cross_the_line_whole(error: KvmtuiError) -> None:
    """What is raised in the worker is raised in the client: same class, same words, same attributes."""
    arrived = failures.error(decode_answer(encode(failures.failure(1, error))))
    assert type(arrived) is type(error)
    assert vars(arrived) == vars(error)
    assert str(arrived) == str(error)


def test_an_error_of_a_later_version_is_still_an_error() -> None:
    """A class that this client does not know becomes the base class, with all its words."""
    line = '{"op":"failure","id":1,"kind":"LaterError","text":"no","remedy":"r"}'
    arrived = failures.error(decode_answer(line))
    assert (type(arrived), arrived.text, arrived.remedy) == (KvmtuiError, "no", "r")


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" "))), st.data())
def test_lines_come_out_whole_wherever_the_stream_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    """However the bytes arrive, the same lines come out, in their order."""
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    buffer, found = LineBuffer(64), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer.feed(stream[begin:end])
        while (line := buffer.pop()) is not None:
            found.append(line)
    assert found == lines


@given(st.integers(0, 200), st.booleans())
def test_a_line_has_its_limit(length: int, ended: bool) -> None:
    """A line of more bytes than the limit, newline included, is refused, ended or not."""
    buffer = LineBuffer(100)
    buffer.feed(b"x" * length + (b"\n" if ended else b""))
    if length >= 100:
        with pytest.raises(LineTooLongError):
            buffer.pop()
    else:
        assert buffer.pop() == (b"x" * length if ended else None)
