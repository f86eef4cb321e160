"""Prints the table of figures: ``python -m tests.bench [SCENARIO…]``."""

from __future__ import annotations

import compileall
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import kvmtui
from tests.bench import bulk, first, jobs, leaving, loss, rounds, scale
from tests.bench.figure import HEADER, Figure
from tests.lab.cluster import Cluster, obstacle, reap
from tests.lab.guest import create_tiny
from tests.lab.layout import Layout


@contextmanager
def a_lab(prefix: str = "", guests: int = 0) -> Iterator[Cluster]:
    """Give a lab of two hosts with ``guests`` tiny guests on each."""
    reap()
    lab = Cluster(Layout.named(f"b{os.getpid()}"))
    try:
        lab.up(2)
        for host in lab.hosts:
            if guests:
                create_tiny(host, guests, prefix=prefix.rstrip("-") or "tiny")
        yield lab
    finally:
        lab.down()


def in_lab(measure: Callable[[Cluster], list[Figure]], guests: int = 1) -> list[Figure]:
    """Measure in a lab of its own."""
    with a_lab("needle-", guests) as lab:
        return measure(lab)


SCENARIOS: dict[str, Callable[[], Iterable[Figure]]] = {
    "first": lambda: in_lab(first.figures),
    "rounds": lambda: in_lab(rounds.figures, 60),
    "loss": lambda: in_lab(loss.figures),
    "bulk": lambda: in_lab(bulk.figures, 0),
    "jobs": jobs.figures,
    "leaving": leaving.figures,
    "scale": scale.figures,
}


def main(names: list[str]) -> int:
    """Run the scenarios of these names, or all; return 1 if a figure was not reached."""
    if why := obstacle():
        print(f"left out, {why}: first, rounds, loss, bulk", file=sys.stderr)
        names = [name for name in names or SCENARIOS if name in {"jobs", "leaving", "scale"}]
    compileall.compile_dir(Path(kvmtui.__file__).parent, quiet=1)  # as pip does where it installs
    print(HEADER, flush=True)
    missed = False
    for name in names or SCENARIOS:
        for figure in SCENARIOS[name]():
            print(figure.row(), flush=True)
            missed |= figure.reached is False
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
