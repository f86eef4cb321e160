"""The top line: the fleet at a glance, the worst thing in words."""

from __future__ import annotations

import time
from typing import NamedTuple

from kvmtui.console.present.cells import Line, Span, fit_line, join, line_width
from kvmtui.console.present.values import SEVERITY_ROLES
from kvmtui.model.host import Summary
from kvmtui.model.vm import VmState
from kvmtui.text import clean, duration, fit, pct
from kvmtui.text import width as width_of

WORDS = (
    (VmState.RUNNING, "run", "r"),
    (VmState.PAUSED, "paused", "p"),
    (VmState.CRASHED, "crashed", "c"),
    (VmState.UNKNOWN, "?", "?"),
    (VmState.OFF, "off", "o"),
    (VmState.IN_SHUTDOWN, "stopping", ""),
    (VmState.SAVED, "saved", ""),
    (VmState.SUSPENDED, "suspended", ""),
)
"""State, its word, its letter where there is little room; what has none is left out there."""
_WORDS_LEAST = 8
_TROUBLE_LEAST = 26
"""Cells that the worst trouble is given before it gives way to anything else."""


class TopState(NamedTuple):
    """What the top line tells of."""

    summary: Summary | None
    now: float
    """The worker's clock, seconds since the epoch."""
    read_only: bool | None = False
    """Whether nothing may be changed; None while no worker has said."""
    demo: bool = False
    link: str = ""
    """What is wrong between console and worker, in words; "" if nothing is."""
    running: tuple[int, int] = (0, 0)
    """Steps done and steps in all of the jobs that run."""
    unlocked_s: float | None = None
    """Seconds until nothing may be changed again, where that was unlocked for a while."""


def clock(now: float, *, short: bool = False) -> str:
    """Return the time of day with its zone: "14:03:22Z", "14:03 CET"."""
    local = time.localtime(now)
    zone = "Z" if local.tm_gmtoff == 0 else f" {local.tm_zone}" if local.tm_zone.isalpha() else local.tm_zone
    return time.strftime("%H:%M" if short else "%H:%M:%S", local) + zone


def topline(state: TopState, width: int) -> Line:
    """Return the top line in exactly ``width`` cells; what matters least is shortened and dropped first."""
    pieces = _pieces(state)
    worst = _trouble(state)
    end = [(Span(clock(state.now)),), (Span(clock(state.now, short=True)),), ()]
    level = dict.fromkeys(pieces, 0) | {"gap": 0, "clock": 0, "trouble": 0}
    for name in ("", *_REDUCTIONS):
        if name:
            level[name] += 1
        chosen = {key: variants[min(level[key], len(variants) - 1)] for key, variants in pieces.items()}
        if state.link:
            chosen |= {key: tuple(Span(span.text, "faint") for span in chosen[key]) for key in _OLD}
        gap = (3, 2, 1)[min(level["gap"], 2)]
        tail = end[min(level["clock"], 2)]
        fixed = [chosen[key] for key in _BEFORE] + [chosen[key] for key in _AFTER] + [tail]
        used = sum(line_width(line) + gap for line in fixed if line) + 2
        least = min(line_width(worst), _TROUBLE_LEAST if not level["trouble"] else 18)
        if used + least <= width:
            break
    said = _cut(worst, width - used)
    head = join([*(chosen[key] for key in _BEFORE), said, *(chosen[key] for key in _AFTER)], " " * gap, "text")
    room = width - 2 - line_width(tail)
    return fit_line((Span(" "), *fit_line(head, max(0, room)), *tail, Span(" ")), width)


_BEFORE = ("name", "mode", "demo", "hosts", "vms", "load")
_AFTER = ("jobs", "failed", "clients")
_OLD = ("hosts", "vms", "load", *_AFTER)
"""What is the last that was known once the worker is gone."""
_REDUCTIONS = (
    "gap", "load", "gap", "vms", "hosts", "clock", "jobs", "vms", "load", "clients", "failed", "name", "vms", "clock",
    "trouble", "hosts", "name", "demo",
)  # fmt: skip
"""What is shortened, step by step."""


def _cut(worst: Line, cells: int) -> Line:
    """Return the worst trouble in at most ``cells`` cells: its words are cut, how many more there are is not."""
    if not worst or cells <= 2:
        return ()
    first, *rest = worst
    room = cells - line_width(rest)
    if room < _WORDS_LEAST:
        return fit_line(worst, min(cells, line_width(worst)))
    return (Span(fit(first.text, min(width_of(first.text), room)), first.role), *rest)


def _pieces(state: TopState) -> dict[str, list[Line]]:
    """Return the pieces of the line, each from its longest form to its shortest."""
    mode = _mode(state)
    demo: list[Line] = [(Span("DEMO", "badge"),)] if state.demo else [()]
    summary = state.summary
    if summary is None:
        nothing: dict[str, list[Line]] = {key: [()] for key in (*_BEFORE, *_AFTER)}
        return nothing | {"name": [(Span("kvmtui", "title"),)], "mode": [mode]}
    name = clean(summary.name) or "kvmtui"
    up = f"{summary.hosts_up}/{summary.hosts_total}"
    hosts_role = "text" if summary.hosts_up == summary.hosts_total else "warn"
    load: list[Line] = [()]
    if summary.cpu_pct is not None or summary.mem_pct is not None:
        cpu, mem = (
            f"{name} –" if value is None else f"{name} {pct(value)}%"
            for name, value in (("cpu", summary.cpu_pct), ("mem", summary.mem_pct))
        )
        load = [(Span(f"{cpu}  {mem}"),), (Span(f"{cpu} {mem}"),), ()]
    done, total = state.running
    jobs: list[Line] = [()]
    if summary.jobs_running or total:
        steps = f"{done}/{total}" if total else str(summary.jobs_running)
        jobs = [(Span(f"⟳ {steps}", "accent"),), (Span(f"⟳{steps}", "accent"),)]
    if summary.jobs_waiting:
        waiting = Span(f" ▲{summary.jobs_waiting} wait", "warn")
        jobs = [(*variant, waiting) for variant in jobs]
    failed: list[Line] = [()]
    if summary.jobs_unread:
        failed = [(Span(f"✗ {summary.jobs_unread}", "bad"),), (Span(f"✗{summary.jobs_unread}", "bad"),)]
    others = summary.clients - 1
    return {
        "name": [(Span(name, "title"),), (Span(fit(name, min(len(name), 8)), "title"),), ()],
        "mode": [mode],
        "demo": demo,
        "hosts": [(Span(f"hosts {up}", hosts_role),), (Span(f"h {up}", hosts_role),), ()],
        "vms": [_vms(summary), _vms(summary, few=True), _vms(summary, few=True, short=True), ()],
        "load": load,
        "jobs": jobs,
        "failed": failed,
        "clients": [(Span(f"+{others} here", "faint"),) if others > 0 else (), ()],
    }


def _mode(state: TopState) -> Line:
    if state.unlocked_s:
        return (Span(f"RW {duration(state.unlocked_s)}", "warn"),)
    if state.read_only is None:
        return ()
    return (Span("RO", "good") if state.read_only else Span("RW", "warn"),)


_VM_ROLES = {VmState.PAUSED: "warn", VmState.CRASHED: "bad", VmState.UNKNOWN: "unknown"}


def _vms(summary: Summary, *, few: bool = False, short: bool = False) -> Line:
    """Return how many VMs are in which state, those that none is in left out; ``few``: states with a letter only."""
    spans: list[Span] = [Span("vm")]
    for state, word, letter in WORDS:
        if (count := summary.vms.get(state.value, 0)) and (letter or not few):
            role = _VM_ROLES.get(state, "text")
            spans.append(Span(f" {count}{letter}" if short else f" {count} {word}", role))
    return tuple(spans) if len(spans) > 1 else (Span("vm 0"),)


def _trouble(state: TopState) -> Line:
    """Return the worst thing in words, with how many more there are."""
    if state.link:
        return (Span(f"▲ {state.link}", "bad"),)
    summary = state.summary
    if summary is None:
        return (Span("connecting…", "faint"),)
    if summary.troubles:
        words, severity = summary.troubles[0]
        since = summary.troubles_since[0] if summary.troubles_since else None
        held = f" {duration(state.now - since)}" if since is not None else ""
        more = max(summary.troubles_total, len(summary.troubles)) - 1
        role = SEVERITY_ROLES[max(0, min(4, severity))]
        count = Span(f"  +{more}", role) if more else Span("")
        return (Span(f"▲ {clean(words)}{held}", role), count)
    if summary.notice:
        return (Span(f"! {clean(summary.notice)}", "notice"),)
    if summary.hosts_connecting:
        return (Span(f"connecting to {summary.hosts_connecting}…", "faint"),)
    return ()
