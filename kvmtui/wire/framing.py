"""Bytes of a stream cut into lines."""

from __future__ import annotations

from kvmtui.wire.messages import LINE_MAX


class LineTooLongError(ValueError):
    """More bytes came without a newline than a line may have."""


class LineBuffer:
    """Bytes go in as they come, whole lines come out; never holds more than one line too many bytes."""

    def __init__(self, limit: int = LINE_MAX) -> None:
        self.limit = limit
        """Bytes of a line, its newline included; may be changed at any time."""
        self._bytes = bytearray()
        self._searched = 0

    def __len__(self) -> int:
        return len(self._bytes)

    def feed(self, chunk: bytes) -> None:
        """Add bytes from the stream."""
        self._bytes += chunk

    def pop(self) -> bytes | None:
        """Return the next line without its newline, or None if none is whole yet. Raises LineTooLongError."""
        end = self._bytes.find(b"\n", self._searched)
        if end >= self.limit or (end < 0 and len(self._bytes) >= self.limit):
            raise LineTooLongError
        if end < 0:
            self._searched = len(self._bytes)
            return None
        line = bytes(self._bytes[:end])
        del self._bytes[: end + 1]
        self._searched = 0
        return line
