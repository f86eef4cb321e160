"""Tags of VMs: of their host, by the config's rules, of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Rule(NamedTuple):
    tag: str
    field: str
    pattern: re.Pattern[str]


class TagRules:
    """The rules of ``vm_tags``: tag -> ``name~REGEX`` or ``host~REGEX``, as config.read checked them."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Raises re.error for a pattern that is none, which a config that was read cannot have."""
        self._rules: list[_Rule] = []
        for tag, rule in rules.items():
            field, _, pattern = rule.partition("~")
            self._rules.append(_Rule(tag, field, re.compile(pattern)))

    def tags(self, of_host: tuple[str, ...], host: str, name: str, own: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the tags of a VM: those of its host, those whose rule it fits, its own; each once."""
        if not self._rules and not own:
            return of_host
        fitting = [rule.tag for rule in self._rules if rule.pattern.search(name if rule.field == "name" else host)]
        return tuple(dict.fromkeys([*of_host, *fitting, *own]))
