"""kvmtui as its users have it: the command line at the operator's seat, with a worker of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from kvmtui.jobs.record import verify
from tests.lab.cluster import Cluster
from tests.lab.play import write_config

Row = dict[str, Any]


class Product:
    """One config over all hosts of a lab, with the worker that serves it."""

    def __init__(self, lab: Cluster) -> None:
        self.lab = lab
        self.config = write_config(lab)

    def run(self, *words: str | Path, timeout_s: float = 60.0, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run ``kvmtui --config … WORDS``."""
        return self.lab.seat.kvmtui("--config", self.config, *words, timeout_s=timeout_s, check=check)

    def ls(self, resource: str, *words: str) -> list[Row]:
        """Return what ``kvmtui ls`` prints as JSON, whatever it exits with."""
        done = self.run("ls", resource, *words, "-o", "json")
        try:
            rows: list[Row] = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}") from None
        return rows

    def host(self, number: int) -> Row:
        """Return the row of host ``number`` without waiting for anything."""
        name = self.lab.host(number).name
        return next(row for row in self.ls("hosts", "--timeout", "0") if row["name"] == name)

    def vm(self, name: str) -> Row:
        """Return the row of the VM called ``name`` without waiting for anything."""
        return next(row for row in self.ls("vms", f"name:{name}", "--timeout", "0"))

    def newest_job(self) -> Row:
        """Return the job that began last."""
        return max(self.ls("jobs"), key=lambda row: row["started"])

    def settled_job(self, limit_s: float = 120.0) -> Row:
        """Wait until the job that began last does not run, and nothing of it is unknown; return it."""

        def is_settled() -> bool:
            job = self.newest_job()
            return job["state"] != "running" and not job["unknown"]

        until(is_settled, limit_s)
        return self.newest_job()

    @property
    def journal(self) -> Path:
        """Where the worker's journal is."""
        (path,) = self.lab.layout.home.rglob("journal.db")
        return path

    def forget(self) -> None:
        """Stop the worker, and begin with an empty journal and a fleet that nobody has seen."""
        self.stop()
        for name in ("journal.db*", "fleet.json"):
            for file in self.lab.layout.home.rglob(name):
                file.unlink()

    def records(self) -> list[Row]:
        """Return the audit record, which must be sound."""
        path = self.journal
        assert verify(path).is_sound
        with closing(sqlite3.connect(path)) as connection:
            return [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit ORDER BY seq")]

    def steps(self) -> list[tuple[int, str, str]]:
        """Return (number, UUID, state) of all steps in the journal."""
        with closing(sqlite3.connect(self.journal)) as connection:
            return connection.execute("SELECT number, uuid, state FROM step ORDER BY number").fetchall()

    def status(self) -> Row:
        """Return what ``kvmtui worker status`` says."""
        done = self.run("worker", "status", "-o", "json", check=True)
        found: Row = json.loads(done.stdout)
        return found

    def kill_worker(self) -> None:
        """SIGKILL the worker."""
        os.kill(self.status()["pid"], signal.SIGKILL)

    def stop(self) -> None:
        """Stop the worker, whatever it does."""
        self.run("worker", "stop", "--force")


def until(holds: Callable[[], object], limit_s: float = 30.0) -> None:
    """Wait until ``holds`` gives something true. Raises AssertionError with what it gave last."""
    end = time.monotonic() + limit_s
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit_s:g} s: {found!r}")
        time.sleep(0.2)
