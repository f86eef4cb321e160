"""What goes wrong, on standard error: what, where, in whose words, what to do about it."""

from __future__ import annotations

import sys

from kvmtui import text
from kvmtui.cli import exits
from kvmtui.errors import ConfigError, FilterError, KvmtuiError, OutcomeUnknownError, RefusedError, UsageError

SHOWN_MAX = 200
"""Characters of a filter that is shown with its mistake."""


def complain(error: KvmtuiError, filter_text: str = "") -> None:
    """Say what is wrong. ``filter_text`` is the filter that a FilterError tells of."""
    if isinstance(error, ConfigError):
        note(f"{error.where}: {text.plural(len(error.problems), 'problem')}")
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return
    note(str(error))
    if isinstance(error, FilterError) and filter_text.isprintable() and 0 < len(filter_text) <= SHOWN_MAX:
        before = text.width(filter_text[: error.offset])
        marked = max(1, text.width(filter_text[error.offset : error.offset + error.length]))
        print(f"  {filter_text}\n  {' ' * before}{'^' * marked}", file=sys.stderr)


def note(words: str) -> None:
    """Say something beside the output, in one line that no terminal obeys."""
    print(f"kvmtui: {text.clean(words)}", file=sys.stderr)


def exit_code(error: KvmtuiError) -> int:
    """Return what a command exits with that ended in ``error``."""
    if isinstance(error, UsageError):
        return exits.USAGE
    if isinstance(error, RefusedError):
        return exits.REFUSED
    return exits.UNKNOWN if isinstance(error, OutcomeUnknownError) else exits.FAILED
