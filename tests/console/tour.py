"""Keys that lead to every screen there is."""

from __future__ import annotations

STOPS: list[tuple[str, ...]] = [
    ("1", "j", "k", "j", "d", "l", "a", "q", "c", "n", "q"),  # hosts, a host in detail
    ("2", "j", " ", "j", " ", "v", "j", "v", "*", "u", "u"),  # VMs, marked one by one, a range, all
    ("3", "d", "q", "4", "j", "\r", "q"),  # metrics, tasks, a task
    ("2", "\r", "l", "l", "l", "j", "G", "l", "h", "c", "x", "q"),  # a VM in detail, its XML
    ("y", "G", "q", "c", "r", "c", "s", "c", "v", "o", "q"),  # XML, copied, ordered
    ("/", "x", "[", "/", "]", "中", "é", "\r", "/", "\x15", "\r"),  # a filter typed
    ("z", "z", "f", "f", "?", "G", "c", "q", "q", "n"),  # what is wrong, zoom, help
]
"""Each from the main screen back to it."""
