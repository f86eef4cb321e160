"""``kvmtui worker``: the process in the background, run, asked or ended."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import msgspec

from kvmtui import text
from kvmtui.cli import exits
from kvmtui.cli.complaint import note
from kvmtui.cli.source import source
from kvmtui.cli.table import write_utf8
from kvmtui.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from kvmtui.model.job import Job
    from kvmtui.paths import WorkerPaths
    from kvmtui.wire.messages import WorkerStatus


def run(options: argparse.Namespace) -> int:
    """Do what ``worker run|status|stop|unit`` says."""
    if options.act != "stop" and (options.drain or options.force):
        raise UsageError("--drain and --force are ways to stop", remedy="kvmtui worker stop --drain")
    paths = source(options).paths
    if options.act == "run":
        return _run(paths)
    if options.act == "unit":
        return _unit(paths)
    if options.act == "status":
        return _status(paths, as_json=options.output == "json")
    return _stop(paths, "force" if options.force else "drain" if options.drain else "idle", options.output == "json")


def _run(paths: WorkerPaths) -> int:
    from kvmtui.config.read import load

    load(paths.config)
    from kvmtui.worker.main import run as serve

    return serve(paths, foreground=True)


def _unit(paths: WorkerPaths) -> int:
    from kvmtui.worker.unit import unit

    write_utf8(sys.stdout, unit(paths))
    return exits.DONE


def _status(paths: WorkerPaths, *, as_json: bool) -> int:
    """Exit 0 if a worker runs, else FAILED. Starts none."""
    from kvmtui.wire.admin import status

    found = status(paths)
    if found is None:
        note(f"no worker runs for {paths.config}")
        return exits.FAILED
    if as_json:
        write_utf8(sys.stdout, msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        print("\n".join(_told(found)))
    return exits.DONE


def _told(status: WorkerStatus) -> list[str]:
    up = sum(host.link == "up" for host in status.hosts)
    lines = [
        f"process   {status.pid}, kvmtui {status.version}, for {text.duration(time.time() - status.started)}",
        f"config    {status.config}",
        f"socket    {status.socket}",
        f"memory    {text.bytes_short(status.rss_bytes)}",
        f"clients   {status.clients}, this one included",
        f"jobs      {status.jobs} running",
        f"fleet     {up} of {text.plural(len(status.hosts), 'host')} up, {text.plural(status.vms, 'VM')}",
    ]
    for host in status.hosts:
        if host.link != "up":
            heard = "never heard of" if host.last_answer_s is None else f"last {text.duration(host.last_answer_s)} ago"
            lines.append("  " + " · ".join(part for part in (host.name, host.link, host.link_reason, heard) if part))
    lines += [f"notice    {status.notice}"] if status.notice else []
    lines += [f"journal   {status.journal}"] if status.journal else []
    return [text.clean(line, 500) for line in lines]


def _stop(paths: WorkerPaths, mode: str, as_json: bool) -> int:
    """End the worker; refused while jobs run, unless it is told how to end them."""
    from kvmtui.wire.admin import stop

    answer = stop(paths, mode)
    jobs = answer.jobs if answer is not None else ()
    if as_json:
        found = {"stopping": answer is not None and answer.stopping, "jobs": jobs}
        write_utf8(sys.stdout, msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    if answer is None:
        note(f"no worker runs for {paths.config}")
        return exits.DONE
    if not answer.stopping:
        note(f"not stopped: {text.plural(len(jobs), 'job')} running · --drain waits for what is under way, --force not")
        _tell_jobs(jobs)
        return exits.REFUSED
    if jobs and mode == "drain":
        note(f"the worker ends when what is under way has ended: {text.plural(len(jobs), 'job')}")
    elif jobs:
        note(f"ended in the middle of {text.plural(len(jobs), 'job')}: the next worker looks at what became of them")
    _tell_jobs(jobs)
    return exits.DONE


def _tell_jobs(jobs: tuple[Job, ...]) -> None:
    for job in jobs:
        done = f"{job.done + job.failed + job.unknown + job.skipped}/{job.total}"
        print(text.clean(f"  {job.id} {job.verb} {job.subject} {done}, asked for by {job.by}"), file=sys.stderr)
