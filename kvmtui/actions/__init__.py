"""The verbs: one declaration each, from which keys, menus, help, command line, eligibility follow."""

from __future__ import annotations

from kvmtui.actions.abort import ABORT
from kvmtui.actions.autostart_off import AUTOSTART_OFF
from kvmtui.actions.autostart_on import AUTOSTART_ON
from kvmtui.actions.delete import DELETE
from kvmtui.actions.off import OFF
from kvmtui.actions.pause import PAUSE
from kvmtui.actions.reboot import REBOOT
from kvmtui.actions.reset import RESET
from kvmtui.actions.resume import RESUME
from kvmtui.actions.save import SAVE
from kvmtui.actions.shutdown import SHUTDOWN
from kvmtui.actions.snapshot import SNAPSHOT
from kvmtui.actions.start import START
from kvmtui.actions.verb import Lane, Verb

_IN_ORDER = (
    START, SHUTDOWN, REBOOT, PAUSE, RESUME, SAVE, SNAPSHOT, AUTOSTART_ON, AUTOSTART_OFF, ABORT, OFF, RESET, DELETE,
)  # fmt: skip
VERBS: dict[str, Verb] = {verb.id: verb for verb in _IN_ORDER}
"""Verb id -> declaration, in the order of the menu."""


def told(word: str) -> str:
    """Return what a word of virsh's or another tool's is here ("kill is off here"); "" if it is no such word."""
    word = word.casefold()
    found = [verb.id for verb in VERBS.values() if word == verb.virsh.split()[0] or word in verb.also]
    return f"{word} is {' or '.join(found)} here" if found and word not in VERBS else ""


__all__ = ["VERBS", "Lane", "Verb", "told"]
