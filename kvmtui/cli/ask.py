"""Questions on a terminal."""

from __future__ import annotations

import sys


def can_ask() -> bool:
    """Return whether there is a human who sees the question and can answer it."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, phrase: str) -> bool:
    """Return whether ``phrase`` was typed, and nothing else. What was typed before the question does not count."""
    import termios

    sys.stdout.flush()
    sys.stderr.write(question)
    sys.stderr.flush()
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    typed = ""
    try:
        typed = sys.stdin.readline(4096)
    finally:
        if not typed.endswith("\n"):
            sys.stderr.write("\n")
    return typed.strip() == phrase
