"""What a verb is given beyond its VMs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from kvmtui import text
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VALUE_MAX = 256
"""Characters of a value."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a verb may be given, or needs."""

    id: str
    """The word on the command line: ``--set ID=VALUE``."""
    help: str
    """What it is, in a few words."""
    pattern: str
    """Regular expression that a whole value matches."""
    form: str
    """The same in words."""
    example: str
    is_needed: bool = False

    def problem(self, value: str) -> str:
        """Return what is wrong with a value, or ""."""
        if len(value) <= VALUE_MAX and re.fullmatch(self.pattern, value, re.ASCII):
            return ""
        return f"{self.id} is {self.form}"


def checked(verb: str, parameters: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """Return what ``verb`` was given, in the order of its parameters; empty values count as not given.

    Raises UsageError with everything that is wrong.
    """
    known = {parameter.id: parameter for parameter in parameters}
    wrong = [f"there is no {text.clean(name, 40)}" for name in given if name not in known]
    found: dict[str, str] = {}
    for parameter in parameters:
        value = given.get(parameter.id, "").strip()
        if value:
            found[parameter.id] = value
        problem = parameter.problem(value) if value else f"{parameter.id} is missing" if parameter.is_needed else ""
        if problem:
            wrong.append(problem)
    if wrong:
        takes = " ".join(f"--set {parameter.id}={parameter.example}" for parameter in parameters)
        raise UsageError(", ".join(wrong), where=verb, remedy=takes or f"{verb} is given nothing but its VMs")
    return found
