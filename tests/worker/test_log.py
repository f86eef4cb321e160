"""The log stays small, readable, safe to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kvmtui.worker.log import SIZE_MAX

_PROGRAM = """
import logging, os, pathlib, sys, threading, warnings
from kvmtui.worker.log import open_log
open_log(pathlib.Path(sys.argv[1]), foreground=False)
log = logging.getLogger("kvmtui.worker.test")
log.warning("name %s", "a\\x1b]52;c;aGk=\\x07b\\nforged line \\u202e")
try:
    raise ValueError("told\\x9b")
except ValueError:
    log.exception("failed")
warnings.warn("careful", stacklevel=1)
thread = threading.Thread(target=lambda: 1 / 0, name="odd one")
thread.start()
thread.join()
for number in range(40_000):
    log.info("line %d %s", number, "x" * 150)
os.write(2, b"native words\\n")
"""


def test_the_log_is_bounded_and_clean(tmp_path: Path) -> None:
    """Two files at most, escapes taken out, one record a line, native code's words in it too."""
    log = tmp_path / "worker.log"
    subprocess.run([sys.executable, "-c", _PROGRAM, log], check=True, timeout=60, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"worker.log", "worker.log.1"}
    assert all(path.stat().st_size <= SIZE_MAX for path in tmp_path.iterdir())
    text = log.read_text()
    assert "line 39999" in text
    assert text.endswith("native words\n")


def test_what_is_foreign_cannot_forge(tmp_path: Path) -> None:
    """A name with a newline stays on its line; tracebacks are indented; uncaught errors of threads are told."""
    log = tmp_path / "worker.log"
    program = _PROGRAM.replace("40_000", "1")
    subprocess.run([sys.executable, "-c", program, log], check=True, timeout=60, capture_output=True)
    lines = log.read_text().splitlines()
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for line in lines for character in line)
    assert "forged line" in lines[0]
    assert lines[0].split()[1:3] == ["warning", "worker.test:"]
    assert any(line.startswith("    ValueError: told") for line in lines)
    assert any("uncaught in thread odd one" in line for line in lines)
    assert any("careful" in line for line in lines)
