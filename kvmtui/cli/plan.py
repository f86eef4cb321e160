"""A plan with what came of it, in words or as one JSON document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import msgspec

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.cli import exits
from kvmtui.cli.table import write_line, write_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmtui.model.job import Job, JobDetail, Plan, Skip
    from kvmtui.wire.messages import Missing

BRIEF = 12
"""Lines of a list in a question."""
NAMED = 5
"""VMs of a host that a question names."""


@dataclass
class Report:
    """What ``do -o json`` prints, whatever came of it."""

    demo: bool = False
    exit: int = exits.DONE
    error: str = ""
    """Why it was refused or failed before there was a job, or ""."""
    plan: Plan | None = None
    job: Job | None = None
    detail: JobDetail | None = None
    missing: tuple[Missing, ...] = ()

    def write(self, stream: TextIO) -> None:
        """Write it as one JSON object."""
        told = {**self._told(), "steps": self.detail.steps if self.detail is not None else []}
        write_utf8(stream, msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")

    def write_line(self, stream: TextIO) -> None:
        """Write it as one JSON object on one line, without the steps, which were told of one by one."""
        write_line(stream, self._told())

    def _told(self) -> dict[str, object]:
        return {
            "exit": self.exit,
            "error": self.error,
            "demo": self.demo,
            "missing": self.missing,
            "plan": self.plan,
            "job": self.job,
        }


def subject(plan: Plan) -> str:
    """Return what a plan touches: "web-01 on kvm1", "37 VMs on 4 hosts"."""
    if len(plan.targets) == 1:
        return f"{plan.targets[0].name} on {plan.targets[0].host}"
    hosts = {target.host for target in plan.targets}
    return f"{text.plural(len(plan.targets), 'VM')} on {text.plural(len(hosts), 'host')}"


def lines_of(plan: Plan, *, brief: bool = False) -> list[str]:
    """Return a plan as lines: what it touches by host, what it leaves out and why, the virsh lines.

    ``brief``: for a question; long lists are cut, and say so.
    """
    by_host: dict[str, list[str]] = {}
    for target in plan.targets:
        by_host.setdefault(target.host, []).append(f"{target.name} ({target.state.value})")
    lines = [f"{VERBS[plan.verb].title} {subject(plan)} · plan {plan.id[:4]} · {plan.danger.value}"]
    most = NAMED if brief else len(plan.targets)
    lines += _cut([f"  {host} {len(names)}: {_row(names, most)}" for host, names in by_host.items()], brief=brief)
    lines += [f"with    {name}={value}" for name, value in plan.parameters.items()]
    if plan.why:
        lines.append(f"why     {plan.why}")
    lines += [f"look    {look}" for look in plan.looks]
    lines += _cut([f"skip    {line}" for line in _skipped(plan.skipped, brief=brief)], brief=brief)
    if len(plan.targets) > 1:
        lines.append(f"how     {plan.how.told(len(plan.targets))}")
    if plan.targets:
        lines.append(f"undo    {plan.undo or 'cannot be undone'}")
    if not brief:
        lines += [f"virsh   {line}" for line in plan.virsh]
    return [text.clean(line, 300 if brief else 100_000) for line in lines]


def _row(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _skipped(skipped: Iterable[Skip], *, brief: bool) -> list[str]:
    if brief:
        reasons = Counter(skip.reason for skip in skipped)
        return [f"{count} {reason}" for reason, count in reasons.most_common()]
    return [f"{skip.target.name} {skip.target.host}: {skip.reason}" for skip in skipped]


def _cut(lines: list[str], *, brief: bool) -> list[str]:
    if not brief or len(lines) <= BRIEF:
        return lines
    return [*lines[: BRIEF - 1], f"  … and {len(lines) - BRIEF + 1} lines more"]
