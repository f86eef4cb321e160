"""``kvmtui trust``: shows a host's SSH key, adds it to our own known_hosts if a human says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui import text
from kvmtui.cli import exits
from kvmtui.cli.ask import ask, can_ask
from kvmtui.cli.complaint import note
from kvmtui.cli.source import connect
from kvmtui.config.find import find
from kvmtui.errors import RefusedError, UsageError
from kvmtui.wire.messages import GetHostKey, Reconnect, Status, Trust

if TYPE_CHECKING:
    import argparse

    from kvmtui.model.host_key import HostKey
    from kvmtui.wire.line import Line

HOPS_MAX = 16
"""Keys that are asked about in one go: a jump host lets us through to the next only when its key is known."""
ANSWER_S = 60.0
"""How long the keys of a host behind jump hosts may take."""


def run(options: argparse.Namespace) -> int:
    """Show each key on the way to the host; add those that are confirmed.

    Without a terminal only a key whose fingerprint was named is added: ``yes`` to whatever is shown would be no check
    at all. A key that has changed is added only by its fingerprint, or by a word of its own.
    """
    if options.yes:
        raise UsageError(
            "--yes would accept whatever is shown, which is no check",
            remedy="--fingerprint SHA256:… accepts exactly that key",
        )
    for fingerprint in options.fingerprint:
        if not fingerprint.startswith("SHA256:"):
            raise UsageError(
                "a fingerprint begins with SHA256:", where=fingerprint[:100], remedy="ssh-keygen -l shows it"
            )
    line, host = _reach(options)
    try:
        return _trust(line, host, frozenset(options.fingerprint))
    finally:
        line.close()


def _reach(options: argparse.Namespace) -> tuple[Line, str]:
    """Return a worker that has the host, with the host's name there.

    A host that is in no config is reached as ``kvmtui HOST`` would: the keys that are added are one file for all
    configs of a user. Raises UsageError if the user named a fleet that does not have it.
    """
    named = bool(options.connect or options.demo or options.config is not None)
    if named or find() is not None:
        line = connect(options)
        names = [host.name for host in line.call(Status()).hosts]
        if options.host in names:
            return line, options.host
        line.close()
        if named:
            raise UsageError("no such host in the config", where=options.host[:100], remedy=f"one of {_few(names)}")
    options.connect = [options.host]
    line = connect(options)
    return line, line.call(Status()).hosts[0].name


def _few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def _trust(line: Line, host: str, fingerprints: frozenset[str]) -> int:
    told: set[str] = set()
    for _ in range(HOPS_MAX):
        keys = line.call(GetHostKey(host=host), ANSWER_S).keys
        for key in keys:
            if key.fingerprint not in told:
                print(_shown(key))
                told.add(key.fingerprint)
        new = next((key for key in keys if key.state != "known"), None)
        if new is None:
            if not keys or keys[-1].host != host:
                note(f"{host}: no key was shown; the way to it is not open yet: kvmtui ls hosts name:{host}")
                return exits.FAILED
            print(f"{host}: known")
            line.call(Reconnect(host=host))
            return exits.DONE
        _confirm(new, fingerprints)
        line.call(Trust(address=new.address, port=new.port, fingerprint=new.fingerprint))
        print(f"{new.host}: added")
    raise RefusedError(f"more than {HOPS_MAX} keys on the way", where=host)


def _shown(key: HostKey) -> str:
    place = key.address if key.port == 22 else f"[{key.address}]:{key.port}"
    lines = [f"{key.host} ({place})  {key.algorithm}  {key.fingerprint}  {key.state}"]
    if key.state == "changed":
        lines += [
            "  THE KEY HAS CHANGED. Either the host was installed anew, or somebody stands between.",
            f"  another one is known: {key.where}",
        ]
    return "\n".join(text.clean(line) for line in lines)


def _confirm(key: HostKey, fingerprints: frozenset[str]) -> None:
    """Raise RefusedError unless this very key was named, or a human says yes to it."""
    if key.fingerprint in fingerprints:
        return
    if fingerprints:
        raise RefusedError(
            f"it shows {key.fingerprint}, which was not named", where=key.host, remedy="look at the host itself"
        )
    if not can_ask():
        raise RefusedError(
            "not added: nobody can be asked",
            where=key.host,
            remedy=f"--fingerprint {key.fingerprint}, once you checked it",
        )
    phrase = "changed" if key.state == "changed" else "y"
    if not ask(f"Is this the key of {key.host}? Type {phrase} to add it: ", phrase):
        raise RefusedError("not added", where=key.host)
