"""A word that may be a command misspelt rather than a host."""

from __future__ import annotations

import subprocess
from difflib import get_close_matches
from typing import TYPE_CHECKING

from kvmtui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESOLVE_S = 3.0
"""How long names are looked up; then a word is taken for a host after all."""


def check_hosts(words: Sequence[str]) -> None:
    """Raise UsageError if the first word looks like a command, and is no host that this machine can name.

    Only a word that looks like one is looked up at all: in ssh's configuration, then as the resolver does.
    """
    from kvmtui.cli.arguments import COMMANDS

    word = words[0]
    for place, later in enumerate(words[1:], 1):
        if later in COMMANDS:
            hosts = " ".join(f"-c {host}" for host in words[:place])
            raise UsageError(
                "a command comes before hosts",
                where=later,
                remedy=f"kvmtui {hosts} {' '.join(words[place:])[:200]}, or all of them hosts: kvmtui -- …",
            )
    meant = _meant(word.lower()[:64], COMMANDS)
    if meant and "://" not in word and not _is_host(word):
        raise UsageError(
            "no such command, and no host of that name",
            where=word[:100],
            remedy=f"did you mean kvmtui {meant}? A host all the same: kvmtui -- {word[:100]}",
        )


def _meant(word: str, commands: Iterable[str]) -> str:
    from kvmtui.actions import VERBS

    others = {
        "status": "worker status", "stop": "worker stop", "list": "ls vms", "hosts": "ls hosts", "vms": "ls vms",
        "jobs": "ls jobs", "version": "--version", "config": "check",
    }  # fmt: skip
    others |= {verb: f"do {verb}" for verb in VERBS}
    if word in others:
        return others[word]
    near = get_close_matches(word, [*commands, *others], 1, 0.75 if len(word) > 3 else 0.6)
    return others.get(near[0], near[0]) if near else ""


def _is_host(word: str) -> bool:
    from kvmtui.config.made import is_alias

    host = word.rpartition("@")[2]
    if is_alias(word) or host.startswith("-"):
        return True
    settings = _answer(["ssh", "-G", "--", host])
    if any(line.startswith("hostname ") and line != f"hostname {host.lower()}" for line in settings.splitlines()):
        return True
    return bool(_answer(["getent", "ahosts", host]).strip())


def _answer(command: list[str]) -> str:
    """Return what a program writes; without it nothing; something where it takes too long to tell."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=RESOLVE_S, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "hostname ?"
    except OSError:
        return ""
    return done.stdout
