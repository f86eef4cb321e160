"""What must hold of every job, read from the order of the audit record alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kvmtui.model.job import How, JobDetail, Order, StepState


@dataclass
class Course:
    """A job as far as the record has come."""

    how: How
    total: int
    under_way: dict[int, str] = field(default_factory=dict)
    """Step -> host."""
    done: set[int] = field(default_factory=set)
    failures: int = 0
    """Since it began or went on."""
    is_stopped: bool = False
    is_aborted: bool = False
    ended_at: dict[int, float] = field(default_factory=dict)


def check_courses(
    records: Iterable[dict[str, Any]],
    details: Iterable[JobDetail],
    ways: dict[str, list[How]],
    ranks: dict[str, int],
    per_host: int,
    overall: int,
) -> None:
    """Walk along the record. ``ways``: job -> how it began, then each way it was changed to; ``ranks``: UUID -> rank.

    An intent stands in it before its call leaves, an outcome before the intent of whatever takes its place.
    """
    steps = {detail.job.id: detail.steps for detail in details}
    courses = {job: Course(hows[0], len(steps[job])) for job, hows in ways.items() if job in steps}
    changes = {job: iter(hows[1:]) for job, hows in ways.items()}
    for record in records:
        course = courses.get(record.get("job", ""))
        if course is None:
            continue
        match record["phase"]:
            case "intent":
                _check_intent(record, course, steps[record["job"]], ranks)
                course.under_way[record["step"]] = record["host"]
                hosts = Counter(host for each in courses.values() for host in each.under_way.values())
                assert max(hosts.values()) <= per_host
                assert hosts.total() <= overall
            case "outcome":
                del course.under_way[record["step"]]
                course.ended_at[record["step"]] = _at(record)
                course.failures += record["outcome"] in {"failed", "unknown"}
                if record["outcome"] == "done":
                    course.done.add(record["step"])
            case "verified":
                if record["outcome"] == "done":
                    course.done.add(record["step"])
            case "paused":
                course.is_stopped = True
            case "aborted":
                course.is_aborted = True
            case "resumed":
                course.is_stopped, course.failures = False, 0
            case "changed":
                course.how = next(changes[record["job"]])
            case _:
                pass
    assert not [job for job, course in courses.items() if course.under_way]


def _check_intent(record: dict[str, Any], course: Course, steps: Iterable[Any], ranks: dict[str, int]) -> None:
    how = course.how
    assert not course.is_aborted
    assert not course.is_stopped, "begun while it waited for a human"
    assert len(course.under_way) < how.at_once
    if how.per_host is not None:
        assert list(course.under_way.values()).count(record["host"]) < how.per_host
    assert course.failures < how.failures_allowed(course.total), "begun after too many failures"
    if len(course.done) < how.first:
        assert len(course.under_way) < how.first - len(course.done), "the first were not alone"
        assert not course.failures, "one of the first was not done"
    if how.order is Order.TAGS:
        rank = ranks[record["uuid"]]
        before = [step for step in steps if ranks[step.uuid] < rank]
        assert all(step.state not in {StepState.NOT_BEGUN, StepState.BEGUN} for step in before), "a rank was left"
        assert not [step for step in before if step.number in course.under_way]
        for step in before:
            ended = course.ended_at.get(step.number, step.ended)
            assert ended <= _at(record) + 0.002
            if how.wait_s and step.began is not None:
                assert _at(record) - ended >= how.wait_s - 0.01, "the next rank did not wait"


def _at(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["at"]).timestamp()


def by_step(records: Iterable[dict[str, Any]]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Return the records of each step."""
    written = defaultdict(list)
    for record in records:
        if record["phase"] in {"intent", "outcome", "verified"}:
            written[record["job"], record["step"]].append(record)
    return written
