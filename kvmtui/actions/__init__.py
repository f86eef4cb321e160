"""The verbs: one declaration each, from which keys, menus, help, command line, eligibility follow."""

from __future__ import annotations

from kvmtui.actions.verb import Lane, Verb
from kvmtui.actions.vm import VM_VERBS

VERBS: dict[str, Verb] = {verb.id: verb for verb in VM_VERBS}
"""Verb id -> declaration, in the order of the menu."""

__all__ = ["VERBS", "Lane", "Verb"]
