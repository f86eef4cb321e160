"""What must not be written down: parameters whose names look like secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "•••"

Value = TypeVar("Value")

_NAMES = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|private|(^|[^a-z])(pwd?|pin|pass|psk|auth|(api|ssh)?keys?)($|[^a-z])"
)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_INSIDE = re.compile(
    r"""(?i)((?:passw(?:or)?d|passphrase|secret|token|api[-_]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&,;]+)"""
)
_IN_ADDRESS = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")


def masked(parameters: Mapping[str, Value]) -> dict[str, Value | str]:
    """Return parameters with the values of those masked whose names look like secrets ("vnc_password", "apiKey"), and
    what is told as a secret inside others ("password=…", "https://me:…@host")."""
    return {
        name: MASK if is_secret(name) else without(value) if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def is_secret(name: str) -> bool:
    """Return whether a parameter of that name is likely to hold a secret."""
    return _NAMES.search(_HUMPS.sub("_", name).casefold()) is not None


def without(text: str) -> str:
    """Return a text with what it tells as a secret masked."""
    return _IN_ADDRESS.sub(rf"\g<1>{MASK}", _INSIDE.sub(rf"\g<1>{MASK}", text))
