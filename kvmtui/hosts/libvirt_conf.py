"""The aliases for URIs in the configuration of libvirt's client (https://libvirt.org/uri.html, libvirt.conf)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

FILE_MAX = 1_048_576
"""Bytes of a libvirt.conf that are read."""
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRING = re.compile(r'"""(.*?)"""|"([^"\n]*)"|\'([^\'\n]*)\'', re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]+")
_ALIAS = re.compile(r"([A-Za-z0-9_-]+)=(.+)", re.DOTALL)


def aliases(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the aliases of the user's libvirt.conf, or of /etc/libvirt/libvirt.conf if the user has none.

    What cannot be read or understood holds none.
    """
    home = environ.get("XDG_CONFIG_HOME", "")
    user = Path(home) if home.startswith("/") else Path(environ.get("HOME", "/")) / ".config"
    for path in (user / "libvirt/libvirt.conf", Path("/etc/libvirt/libvirt.conf")):
        try:
            with path.open("rb") as stream:
                return parse(stream.read(FILE_MAX).decode(errors="replace"))
        except OSError:
            continue
    return {}


def parse(text: str) -> dict[str, str]:
    """Return the aliases of a libvirt.conf: name -> URI. Never raises; reading ends where the text makes no sense."""
    at = 0
    while name := _NAME.match(text, at := _skip(text, at)):
        at = _skip(text, name.end())
        if text[at : at + 1] != "=":
            break
        values, at = _value(text, _skip(text, at + 1))
        if values is None:
            break
        if name[0] == "uri_aliases":
            found = (_ALIAS.fullmatch(value) for value in values)
            return {match[1]: match[2] for match in found if match is not None}
    return {}


def _skip(text: str, at: int) -> int:
    """Return where white space and comments end."""
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _value(text: str, at: int) -> tuple[list[str] | None, int]:
    """Return the strings of a value that begins at ``at``, and where it ends; None if there is none."""
    if text[at : at + 1] != "[":
        if number := _NUMBER.match(text, at):
            return [], number.end()
        string = _STRING.match(text, at)
        return ([_text(string)], string.end()) if string else (None, at)
    values: list[str] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        one = _STRING.match(text, at) or _NUMBER.match(text, at)
        if one is None:
            return None, at
        values.append(_text(one) if one.re is _STRING else one[0])
        at = _skip(text, one.end())
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            return None, at
    return values, at + 1


def _text(string: re.Match[str]) -> str:
    return next(group for group in string.groups() if group is not None)
