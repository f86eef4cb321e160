"""The question before an act: exactly what it touches."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.console.present.cells import Line, Span, fit_line, line_width, wrap
from kvmtui.console.present.jobs import verb_title
from kvmtui.console.present.vms import state_span
from kvmtui.model.job import HIDDEN_MARK, Danger, counted
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvmtui.model.job import Plan

_LABEL = 8
_VIRSH_MOST = 8
_HOSTS_MOST = 6
"""Hosts that are named with their counts."""


def subject(plan: Plan) -> str:
    """Return what a plan touches: "web-01 on kvm1", "37 VMs on 4 hosts"."""
    if len(plan.targets) == 1:
        return f"{plan.targets[0].name} on {plan.targets[0].host}"
    hosts = {target.host for target in plan.targets}
    return f"{plural(len(plan.targets), 'VM')} on {plural(len(hosts), 'host')}"


def question(
    plan: Plan,
    fleet: str,
    left_s: float,
    width: int,
    *,
    virsh: bool,
    names: bool,
    hints: Mapping[str, str] = MappingProxyType({}),
) -> list[Line]:
    """Return the question, less the line in which it is answered.

    ``left_s`` is how long the plan is still good; ``virsh`` and ``names`` open the lists of lines and of VMs;
    ``hints`` are by label what can be done about it: "skip" (hidden marks), "how".
    """
    role = {Danger.NORMAL: "title", Danger.WIDE: "warn", Danger.DESTRUCTIVE: "bad"}[plan.danger]
    title = Span(f"{verb_title(plan.verb).capitalize()} {subject(plan)}", role)
    good = f"good for {max(0, int(left_s)) // 60}:{max(0, int(left_s)) % 60:02d}"
    head = [Span(" "), title, Span(f"     {fleet}     plan {plan.id[:4]}, {good}", "faint")]
    counts = Counter(target.host for target in plan.targets)
    if len(plan.targets) > 1:
        head.append(Span(f"     {_counted_hosts(counts)}", "faint"))
    per_host: list[Line] = []
    if line_width(head) > width:
        head = [Span(" "), title, Span(f"   {fleet}   {good}", "faint")]
        if len(plan.targets) > 1:
            per_host = _wrapped("hosts", _counted_hosts(counts), "text", width, most=2)
    lines: list[Line] = [fit_line(head, width), *per_host]
    if len(plan.targets) == 1:
        lines.append(_labelled("state", (state_span(plan.targets[0].state),), width))
    else:
        states = Counter(target.state for target in plan.targets)
        spans = [span for state, count in states.most_common() for span in (state_span(state), Span(f" {count}   "))]
        lines.append(_labelled("state", spans, width))
    if names:
        listed = ", ".join(f"{target.name} ({target.host})" for target in plan.targets)
        lines += _wrapped("VMs", listed, "text", width, most=10)
    for name, value in plan.parameters.items():
        lines += _wrapped("with", f"{name}={value}", "text", width)
    if plan.why:
        lines += _wrapped("why", plan.why, role if role != "title" else "notice", width)
    for look in plan.looks:
        lines += _wrapped("look", look, "warn", width)
    skipped = Counter(skip.reason for skip in plan.skipped)
    if skipped:
        said = [counted(reason, count) for reason, count in skipped.items()]
        if "skip" in hints and HIDDEN_MARK in skipped:
            said.append(hints["skip"])
        lines += _wrapped("skip", " · ".join(said), "text", width)
    lines += _wrapped("undo", plan.undo or "cannot be undone", "text" if plan.undo else "warn", width)
    if len(plan.targets) > 1:
        said = [plan.how.told(len(plan.targets)), _ignored(plan)]
        changes = f" · {hints['how']}" if "how" in hints else ""
        lines += _wrapped("how", " · ".join(filter(None, said)) + changes, "text", width)
    if virsh:
        shown = plan.virsh[:_VIRSH_MOST]
        for line in shown:
            lines += _wrapped("virsh", line, "faint", width)
        if len(plan.virsh) > len(shown):
            lines += _wrapped("", f"and {len(plan.virsh) - len(shown)} more like it", "faint", width)
    return lines


def _counted_hosts(counts: Counter[str]) -> str:
    """Return how many VMs are on which host, the hosts with the most first."""
    more = len(counts) - _HOSTS_MOST
    told = [f"{host} {count}" for host, count in counts.most_common(_HOSTS_MOST)]
    return " · ".join([*told, f"{plural(more, 'more host')}"] if more > 0 else told)


def _ignored(plan: Plan) -> str:
    """Return what becomes of a guest that does not react, where the verb asks the guest."""
    verb = VERBS.get(plan.verb)
    return f"ignored for {verb.patience_s:.0f} s → ask" if verb is not None and verb.ignored else ""


def _labelled(label: str, spans: Iterable[Span], width: int) -> Line:
    return fit_line((Span(f" {label:<{_LABEL}}", "faint"), *spans), width)


def _wrapped(label: str, text: str, role: str, width: int, most: int = 4) -> list[Line]:
    """Return text behind its label, in as many lines as it needs, at most ``most``."""
    lines = wrap(text, max(8, width - _LABEL - 2), most)
    return [_labelled(label if number == 0 else "", (Span(line, role),), width) for number, line in enumerate(lines)]
