"""What was done in the fleet of the fake worker."""

from __future__ import annotations

import hashlib
from typing import Any

from kvmtui.model.audit import AuditRow

SAID = "chain sound, 9 records, verified 08:53Z"

_DONE: tuple[tuple[float, int, dict[str, Any]], ...] = (
    (90_100, 0, {"phase": "note", "text": "journal begun", "severity": 1}),
    (
        7_205,
        1,
        {"phase": "submitted", "verb": "start", "text": "web-01", "job": "3f9a11c0", "plan": "7f3a000000000000"},
    ),
    (7_204, 1, {"phase": "intent", "verb": "start", "job": "3f9a11c0", "step": 0, "plan": "7f3a000000000000"}),
    (
        7_200,
        1,
        {
            "phase": "outcome", "verb": "start", "job": "3f9a11c0", "step": 0, "plan": "7f3a000000000000",
            "outcome": "done", "text": "running", "duration_s": 3.912, "parameters": "vnc_password=•••",
        },
    ),
    (901, 7, {"phase": "submitted", "verb": "shutdown", "text": "mail", "job": "j0", "plan": "11aa000000000000"}),
    (900, 7, {"phase": "intent", "verb": "shutdown", "job": "j0", "step": 0, "plan": "11aa000000000000"}),
    (
        780,
        7,
        {
            "phase": "outcome", "verb": "shutdown", "job": "j0", "step": 0, "plan": "11aa000000000000",
            "outcome": "failed", "text": "still running: no reaction to ACPI for 120 s, no agent", "severity": 3,
            "words": "Timed out during operation", "duration_s": 120.004,
        },
    ),
    (130, 6, {"phase": "intent", "verb": "pause", "job": "j9", "step": 0, "plan": "22bb000000000000"}),
    (
        125,
        6,
        {
            "phase": "outcome", "verb": "pause", "job": "j9", "step": 0, "plan": "22bb000000000000",
            "outcome": "unknown", "text": "link lost after it left", "severity": 3, "duration_s": 5.0,
        },
    ),
)  # fmt: skip
"""Age, number of the VM or 0, fields; the oldest first."""


def some_records(now: float, vms: dict[int, tuple[str, str]]) -> list[AuditRow]:
    """Return what was done to VMs of these (name, host) by number."""
    return [
        AuditRow(
            **{
                "id": str(number), "at": now - age, "user": "anna", "uid": 1000, "pid": 4712,
                "origin": "192.0.2.7 50112 22" if vm else "", "name": vms[vm][0] if vm else "",
                "host": vms[vm][1] if vm else "", "uuid": f"00000000-0000-4000-8000-{vm:012d}" if vm else "",
                "hash": hashlib.sha256(str(number).encode()).hexdigest(), **fields,
            }
        )
        for number, (age, vm, fields) in enumerate(_DONE, 1)
    ]  # fmt: skip
