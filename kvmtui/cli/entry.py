"""Where the command line begins, where every error of it ends in words and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from kvmtui.cli import exits
from kvmtui.cli.complaint import complain, exit_code
from kvmtui.errors import KvmtuiError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_MAX = 1_000_000
"""Bytes of the log of crashes; beyond that it begins anew."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was typed; return the exit code (see kvmtui.cli.exits)."""
    _make_safe()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        code = exits.PIPE
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        from kvmtui.cli.arguments import understand

        command = understand(argv)
        return command()
    except KvmtuiError as error:
        complain(error)
        return exit_code(error)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the top: it is logged, and said in one line
        return _crashed(error)


def _make_safe() -> None:
    """A terminal that cannot show a character gets another one, never a traceback."""
    import codecs

    plain = {"✓": "v", "✗": "x", "⟳": "~", "▲": "!", "–": "-", "·": "-", "…": "...", "×": "x", "≤": "<="}

    def instead(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        return "".join(plain.get(letter, "?") for letter in error.object[error.start : error.end]), error.end

    codecs.register_error("kvmtui", instead)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="kvmtui")  # type: ignore[union-attr]


def _forget_stdout() -> None:
    """Who read our output is gone: let the interpreter's last flush go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _crashed(error: Exception) -> int:
    import traceback

    trace = "".join(traceback.format_exception(error))
    if os.environ.get("KVMTUI_DEBUG"):
        print(trace, file=sys.stderr, end="")
    from kvmtui import paths
    from kvmtui.text import clean

    log = paths.state_home() / "crash.log"
    try:
        paths.make_private(log.parent)
        grown = log.exists() and log.stat().st_size > LOG_MAX
        with open(log, "w" if grown else "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(trace + "\n")
        where = f"the trace is in {log}"
    except (OSError, KvmtuiError):
        where = "KVMTUI_DEBUG=1 shows the trace"
    told = clean(f"{type(error).__name__}: {error}", 300)
    print(f"kvmtui: this is a mistake of kvmtui's own · {told} · {where}", file=sys.stderr)
    return exits.FAILED
