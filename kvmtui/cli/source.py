"""The worker that is meant: which one, the way to it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kvmtui import paths
from kvmtui.errors import UsageError, WorkerError

if TYPE_CHECKING:
    import argparse

    from kvmtui.paths import WorkerPaths
    from kvmtui.wire.line import Line
    from kvmtui.wire.messages import Welcome

LIBVIRT_SOCKETS = ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock")


class Source(NamedTuple):
    """The worker that is meant."""

    paths: WorkerPaths
    is_named: bool
    """The user said which fleet he means; a worker of another config is not it."""


def source(options: argparse.Namespace) -> Source:
    """Return the worker that the options mean. Raises UsageError."""
    from kvmtui.config.find import find

    if getattr(options, "shared", False):
        return Source(_shared(options), is_named=False)
    hosts = [*getattr(options, "hosts", ()), *options.connect]
    if hosts and options.config is not None:
        raise UsageError("either hosts or --config", remedy="leave one of them out")
    named = bool(hosts or options.demo or options.config is not None)
    if options.demo:
        from kvmtui.config.demo import demo

        config = demo(*options.demo)
    elif hosts:
        from kvmtui.config.made import for_hosts

        config = for_hosts(hosts)
    else:
        found = find(options.config)
        if found is None and (options.socket or os.environ.get("KVMTUI_SOCKET")):
            found = paths.config_home() / "config.yaml"
        if found is None and os.access(paths.SHARED_SOCKET, os.W_OK):
            return Source(paths.for_config(paths.SHARED_CONFIG, paths.SHARED_SOCKET), is_named=False)
        config = found or _this_machine()
    return Source(paths.for_config(config, options.socket), named)


def _shared(options: argparse.Namespace) -> WorkerPaths:
    """Return the places of a team's worker: as who uses it has them, or as who runs it. Raises UsageError."""
    if options.connect:
        raise UsageError("a shared worker has a config", remedy=f"leave out -c; it is {paths.SHARED_CONFIG}")
    config = options.config or Path(os.environ.get("KVMTUI_CONFIG") or paths.SHARED_CONFIG)
    if options.act in {"status", "stop"}:
        return paths.for_config(config, options.socket or paths.SHARED_SOCKET)
    return paths.for_shared(config, options.socket)


def _this_machine() -> Path:
    """Return a config over this machine's own libvirt, as virsh would choose it. Raises UsageError: there is none."""
    from kvmtui.config.made import for_hosts

    if chosen := os.environ.get("LIBVIRT_DEFAULT_URI"):
        return for_hosts([chosen])
    if any(Path(place).exists() for place in LIBVIRT_SOCKETS):
        return for_hosts(["qemu:///system"])
    raise UsageError(
        "no config, and no libvirt on this machine",
        remedy=f"kvmtui HOST, kvmtui demo, or write {paths.config_home() / 'config.yaml'}",
    )


def check_config(where: Source) -> None:
    """Raise ConfigError if no worker is there yet and the config has mistakes: they are told before it is started."""
    if not where.paths.shared and not where.paths.socket.exists():
        from kvmtui.config.read import load

        load(where.paths.config)


def connect(options: argparse.Namespace) -> Line:
    """Return a greeted connection to the worker that the options mean, started if there is none.

    Raises UsageError (ConfigError among them), WorkerError.
    """
    from kvmtui.wire.line import greeting
    from kvmtui.wire.spawn import attach

    where = source(options)
    check_config(where)
    line = attach(where.paths, greeting("cli", read_only=options.read_only))
    try:
        check_same(where, line.welcome)
    except WorkerError:
        line.close()
        raise
    return line


def check_same(where: Source, welcome: Welcome | None) -> None:
    """Raise WorkerError if the user named a fleet, and the worker at the socket has another one."""
    if where.is_named and welcome is not None and welcome.config != str(where.paths.config):
        raise WorkerError(
            f"the worker there serves {welcome.config}, not {where.paths.config}",
            where=str(where.paths.socket),
            remedy="leave out --socket and KVMTUI_SOCKET, or name that config",
        )


def on_same_fleet(options: argparse.Namespace, words: str) -> str:
    """Return the command line that asks the fleet of ``options`` for something else, to be typed as it stands."""
    if options.demo is not None:
        from kvmtui.config.demo import HOSTS, VMS

        sized = "" if options.demo == (HOSTS, VMS) else f" --hosts {options.demo[0]} --vms {options.demo[1]}"
        return f"kvmtui demo{sized} {words}"
    which = [word for uri in options.connect for word in ("-c", uri)]
    which += ["--config", str(options.config)] if options.config is not None else []
    which += ["--socket", str(options.socket)] if options.socket is not None else []
    return shlex.join(["kvmtui", *which]) + f" {words}"
