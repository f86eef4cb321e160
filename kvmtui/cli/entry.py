"""Where the command line begins, where each of its errors ends in words with an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from kvmtui.cli import exits
from kvmtui.cli.complaint import complain, exit_code
from kvmtui.errors import KvmtuiError, UsageError

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
    except OSError as error:
        _forget_stdout()
        complain(_of_system(error))
        code = exits.FAILED
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        from kvmtui.cli.arguments import understand

        if any(not _is_text(word) for word in argv):
            raise UsageError("a word is not in this terminal's encoding", remedy="LANG=C.UTF-8, or another spelling")
        command = understand(argv)
        return command()
    except KvmtuiError as error:
        complain(error)
        return exit_code(error)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - the top: it is logged, and said in one line
        return _crashed(error)


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _of_system(error: OSError) -> KvmtuiError:
    if os.environ.get("KVMTUI_DEBUG"):
        import traceback

        traceback.print_exception(error)
    where = str(error.filename) if error.filename is not None else ""
    return KvmtuiError(error.strerror or str(error), where=where)


def _make_safe() -> None:
    """A terminal that cannot show a character gets another one, never a traceback; what is closed leads nowhere."""
    import codecs

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - it stays open as long as we run

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
