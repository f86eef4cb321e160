"""Keys that lead to every screen there is."""

from __future__ import annotations

from kvmtui.console.present.looks import LOOKS

HOME = (":", "vms\r")
"""Back to the main screen, whether something was opened or not."""

TABLES: list[tuple[str, ...]] = [
    (":", f"{name}\r", "G", "g", "w", ":", f"{name}\r", "|", "j", "q", "o", "q", "c", "q", *HOME)
    for name, look in LOOKS.items()
    if not look.within
]
"""Each table by its name: what happened to a row, its columns, orders, what can be copied of it."""

STOPS: list[tuple[str, ...]] = [
    ("1", "j", "k", "j", "d", "l", "l", "a", "q", "c", "n", *HOME),  # hosts, a host in detail
    ("2", "j", " ", "j", " ", "v", "j", "v", "*", "u", "u"),  # VMs, marked one by one, a range, all
    ("3", "d", *HOME, "4", "j", "\r", *HOME),  # metrics, tasks, a task
    ("2", "\r", "l", "l", "l", "j", "G", "l", "l", "h", "c", "x", "w", *HOME),  # a VM in detail, its XML
    ("y", "G", *HOME, "c", "r", "c", "s", "c", "v", "o", "q"),  # XML, copied, ordered
    ("/", "x", "[", "/", "]", "中", "é", "\r", "/", "\x15", "\r"),  # a filter typed
    (":", "view x[/]中", "\t", "\r", ":", "\x15", "vms\r", ":", "w", "\t", "\x15", "vms\r"),  # the command line
    ("z", "z", "f", "f", "?", "G", "c", "q", *HOME, "n"),  # what is wrong, zoom, help
    (":", "audit\r", "j", "\r", "G", "c", "r", "t", *HOME, ":", "audit\r", "\r", "d", *HOME),  # a record
    *TABLES,
]
"""Each from the main screen back to it."""
