"""A host in detail: its tabs as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present import hosts
from kvmtui.console.present.cells import Line, Span, wrap
from kvmtui.console.present.facts import beside, fact, left_width, long_fact, read_at
from kvmtui.console.present.values import severity_role, shown
from kvmtui.model.columns import column
from kvmtui.model.host import LinkState
from kvmtui.text import bytes_short, duration, pct

if TYPE_CHECKING:
    from kvmtui.console.present.values import Values

TABS = ("overview", "metrics", "events")


def overview(values: Values, now: float, width: int) -> list[Line]:
    """Return how we stand with the host, why, what to do about it; what it is, and how it does."""
    return beside(_is(values, now, left_width(width)), _does(values, now), width)


def _is(values: Values, now: float, width: int) -> list[Line]:
    link = hosts.link_of(values)
    since = values.get("since")
    held: Line = (Span(f" for {duration(now - since)}", "faint"),) if since is not None else ()
    lines: list[Line] = [fact("link", Span(f"{hosts.GLYPHS[link]} {link.value}", hosts.ROLES[link]), *held)]
    if reason := values.get("link_reason"):
        lines += long_fact("why", str(reason), hosts.ROLES[link], width)
    if remedy := values.get("link_remedy"):
        lines += long_fact("do", str(remedy), "text", width)
    trouble = str(values.get("trouble") or "")
    if trouble and link is LinkState.UP:
        lines += long_fact("wrong", trouble, severity_role(values), width)
    if words := hosts.level_words(values):
        lines += long_fact("level", words, "warn", width)
    else:
        lines.append(fact("level", Span(str(values.get("level") or "–"))))
    for label, column_id in (("uri", "uri"), ("version", "version"), ("tags", "tags")):
        lines += long_fact(label, _shown(values, column_id, now) or "–", "text", width)
    return lines


def _does(values: Values, now: float) -> list[Line]:
    used, total = values.get("mem_used_bytes"), values.get("mem_total_bytes")
    of = f" %, {bytes_short(used)} of {bytes_short(total)}"
    mem = values.get("mem_pct")
    lines = [
        fact("VMs", Span(f"{_shown(values, 'vms_running', now)} running of {_shown(values, 'vms_total', now)}")),
        fact("CPU", Span(_with_unit(values, "cpu_pct", now, f" % of {_shown(values, 'cpus', now)} CPUs"))),
        fact("memory used", Span("–" if mem is None else f"{pct(mem)}{of}")),
        fact("load", Span(_shown(values, "load_1m", now))),
    ]
    for column_id, label, unit in (
        ("pressure_cpu_pct", "waits for CPU", " % of the last 10 s"), ("pressure_mem_pct", "for memory", " %"),
        ("pressure_io_pct", "for disks", " %"), ("steal_pct", "steal", " %"),
    ):  # fmt: skip
        lines.append(fact(label, Span(_with_unit(values, column_id, now, unit))))
    read = (("last answer", values.get("seen")), ("figures read", values.get("sampled")))
    return lines + [read_at(label, at, now) for label, at in read if at]


def _shown(values: Values, column_id: str, now: float) -> str:
    return shown(column("hosts", column_id).kind, values.get(column_id), now)


def _with_unit(values: Values, column_id: str, now: float, unit: str) -> str:
    text = _shown(values, column_id, now)
    return text if text == "–" else text + unit


def no_figures(values: Values, now: float, width: int) -> list[Line]:
    """Return why there is nothing to draw."""
    why = hosts.link_words(values, now) or "no figures in the last 15 minutes"
    return [(), *((Span(f"  {line}", "warn"),) for line in wrap(why, max(10, width - 4)))]
