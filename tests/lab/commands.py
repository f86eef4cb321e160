"""Running the system's tools with a deadline."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """The lab could not do what it was asked to; the text says what, in one line where possible."""


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float = 30.0,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` and give back its output.

    Raises LabError when it takes longer than `timeout_s` (it is killed then), is not installed, or, with `check`, ends
    with anything but 0. The error carries what the tool wrote.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=env,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words)}: no end after {timeout_s:g} s") from error
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed") from error
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing")[-2000:]
        raise LabError(f"{' '.join(words)}: exit {done.returncode}: {said}")
    return done
