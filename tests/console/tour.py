"""Keys that lead to every screen there is."""

from __future__ import annotations

from kvmtui.console.present.looks import LOOKS

TABLES: list[tuple[str, ...]] = [
    (":", f"{name}\r", "G", "g", "w", ":", f"{name}\r", "|", "j", "q", "o", "q", "c", "q", ":", "vms\r")
    for name in LOOKS
]
"""Each table by its name: what happened to a row, its columns, orders, what can be copied of it."""

STOPS: list[tuple[str, ...]] = [
    ("1", "j", "k", "j", "d", "l", "l", "a", "q", "c", "n", "q"),  # hosts, a host in detail
    ("2", "j", " ", "j", " ", "v", "j", "v", "*", "u", "u"),  # VMs, marked one by one, a range, all
    ("3", "d", "q", "4", "j", "\r", "q"),  # metrics, tasks, a task
    ("2", "\r", "l", "l", "l", "j", "G", "l", "l", "h", "w", "q", "c", "x", "q"),  # a VM in detail, its XML
    ("y", "G", "q", "c", "r", "c", "s", "c", "v", "o", "q"),  # XML, copied, ordered
    ("/", "x", "[", "/", "]", "中", "é", "\r", "/", "\x15", "\r"),  # a filter typed
    (":", "view x[/]中", "\t", "\r", ":", "\x15", "vms\r", ":", "w", "\t", "\x15", "vms\r"),  # the command line
    ("z", "z", "f", "f", "?", "G", "c", "q", "q", "n"),  # what is wrong, zoom, help
    *TABLES,
]
"""Each from the main screen back to it."""
