"""A VM in detail: its tabs as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.present import vms
from kvmtui.console.present.cells import Line, Span, fit_line, line_width, wrap
from kvmtui.console.present.facts import beside, fact, read_at
from kvmtui.console.present.values import severity_role, shown
from kvmtui.model.columns import VM_COLUMNS
from kvmtui.text import bytes_short, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.console.present.values import Values
    from kvmtui.model.vm import VmDetail

TABS = ("overview", "devices", "metrics", "XML", "events", "jobs")


def overview(values: Values, detail: VmDetail | None, now: float, width: int) -> list[Line]:
    """Return what the VM is and how it does."""
    return beside(_is(values, detail, now), _does(values, now), width)


def _is(values: Values, detail: VmDetail | None, now: float) -> list[Line]:
    state = vms.state_of(values)
    since = values.get("since")
    held: Line = (Span(f" for {duration(now - since)}", "faint"),) if since is not None else ()
    lines: list[Line] = [fact("state", vms.state_span(state), *held)]
    if words := vms.words_of(values, now):
        lines.append(fact("", Span(words, severity_role(values) if values.get("trouble") else "accent")))
    elif reason := values.get("state_reason"):
        lines.append(fact("", Span(str(reason), "faint")))
    lines += [
        fact("host", Span(str(values.get("host") or "–"))),
        fact("uuid", Span(str(values.get("uuid") or "–"))),
        fact("vCPUs", Span(shown_of(values, "vcpus", now))),
        fact("memory", Span(bytes_short(values.get("mem_max_bytes")))),
        fact("autostart", Span(shown_of(values, "autostart", now))),
        fact("snapshots", Span(shown_of(values, "has_snapshot", now))),
        fact("tags", Span(shown_of(values, "tags", now) or "–")),
    ]
    if owner := values.get("owner"):
        lines.append(fact("owner", Span(f"{owner}: acts are dangerous, it will act too", "warn")))
    if detail is not None:
        for label, text in (
            ("title", detail.title), ("description", detail.description), ("machine", detail.machine),
            ("CPU model", detail.cpu_model), ("firmware", detail.firmware),
        ):  # fmt: skip
            if text:
                lines.append(fact(label, Span(text)))
    return lines


def _does(values: Values, now: float) -> list[Line]:
    lines: list[Line] = []
    for column_id, label, unit in (
        ("cpu_pct", "CPU", " % of its vCPUs"), ("cores", "cores", " of its host"), ("steal_pct", "steal", " %"),
        ("mem_pct", "memory used", " %, as the guest says"), ("disk_latency_ms", "disk", ""),
        ("disk_read_bps", "read", "/s"), ("disk_write_bps", "write", "/s"),
        ("net_rx_bps", "received", "/s"), ("net_tx_bps", "sent", "/s"),
    ):  # fmt: skip
        text = shown_of(values, column_id, now)
        lines.append(fact(label, Span(text if text == "–" else text + unit)))
    for column_id, label in (("seen", "state read"), ("sampled", "figures read")):
        lines.append(read_at(label, values.get(column_id), now))
    return lines


def shown_of(values: Values, column_id: str, now: float) -> str:
    """Return the value of a VM's column as text."""
    column = next(c for c in VM_COLUMNS if c.id == column_id)
    return shown(column.kind, values.get(column_id), now)


def devices(detail: VmDetail, width: int) -> list[Line]:
    """Return disks, interfaces and what else the VM has."""
    lines: list[Line] = [(), (Span("  disks", "title"),)]
    for disk in detail.disks:
        flags = [flag for flag, on in (("read-only", disk.readonly), ("shareable", disk.shareable)) if on]
        if disk.cache:
            flags.append(f"cache {disk.cache}")
        kind = " ".join(part for part in (disk.device, disk.bus, disk.format) if part)
        lines += _device(f"{disk.target:<8}", f"{kind:<22}", disk.source or "empty", ", ".join(flags), width)
    lines += [] if detail.disks else [(Span("  none", "faint"),)]
    lines += [(), (Span("  network", "title"),)]
    for nic in detail.nics:
        link = "" if nic.link_up is None else "link up" if nic.link_up else "link down"
        told = "  ".join(part for part in (nic.target, link) if part)
        lines += _device(f"{nic.mac:<18}", f"{nic.model:<10}", nic.source or "–", told, width)
    lines += [] if detail.nics else [(Span("  none", "faint"),)]
    lines += [(), (Span("  others", "title"),)]
    for other in detail.others:
        lines += [(Span(f"  {line}"),) for line in wrap(other, max(10, width - 4))]
    return lines


def _device(name: str, kind: str, source: str, more: str, width: int) -> list[Line]:
    """Return a device in a line; where that is too long, its source is below, in as many lines as it needs."""
    line: Line = (Span(f"  {name} "), Span(f"{kind} ", "faint"), Span(source), Span(f"  {more}", "faint"))
    if line_width(line) <= width:
        return [line]
    below = [(Span(f"    {part}"),) for part in wrap(source, max(10, width - 5))]
    return [fit_line((Span(f"  {name} "), Span(f"{kind}  {more}", "faint")), width), *below]


def no_detail(reason: str, width: int) -> Sequence[Line]:
    """Return why there is nothing to show."""
    return [(), *((Span(f"  {line}", "warn"),) for line in wrap(reason, max(10, width - 4)))]
