"""Text on the way to the clipboard of whoever sits at the terminal."""

from __future__ import annotations

from base64 import b64encode

from kvmtui.errors import UsageError

BYTES_MAX = 74_994
"""Bytes of text; as a sequence they are 100,000, which is what terminals take."""
REMEDY = "nothing there? the terminal must allow OSC 52; tmux: set -s set-clipboard on"


def sequence(text: str) -> str:
    """Return what has a terminal put ``text`` on the clipboard (OSC 52), in letters that end no sequence.

    Raises UsageError for more text than terminals take.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > BYTES_MAX:
        raise UsageError(f"{len(data):,} bytes are too many to copy", remedy=f"terminals take {BYTES_MAX:,}")
    return f"\x1b]52;c;{b64encode(data).decode('ascii')}\x07"
