"""One line of text that is being typed, with readline's keys."""

from __future__ import annotations

from kvmtui.text import clean

LENGTH_MAX = 10_000
"""Characters that a line may have."""


class Entry:
    """Text with a cursor."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.at = len(text)
        """Characters before the cursor."""

    def press(self, key: str) -> bool:
        """Take a key by our name; return whether it was one for typing."""
        if len(key) == 1 and key.isprintable():
            self.insert(key)
            return True
        if key == "space":
            self.insert(" ")
            return True
        edit = _EDITS.get(key)
        if edit is None:
            return False
        edit(self)
        return True

    def insert(self, text: str) -> None:
        """Put text, made safe and one line, where the cursor is."""
        room = LENGTH_MAX - len(self.text)
        added = clean(text, LENGTH_MAX)[:room]
        self.text = self.text[: self.at] + added + self.text[self.at :]
        self.at += len(added)

    def _cut(self, first: int, end: int) -> None:
        self.text = self.text[:first] + self.text[end:]
        self.at = first

    def _word_before(self) -> int:
        head = self.text[: self.at].rstrip()
        return head.rfind(" ") + 1

    def backspace(self) -> None:
        """Take the character before the cursor away."""
        if self.at:
            self._cut(self.at - 1, self.at)

    def delete(self) -> None:
        """Take the character under the cursor away."""
        self._cut(self.at, self.at + 1)

    def delete_word(self) -> None:
        """Take the word before the cursor away."""
        self._cut(self._word_before(), self.at)

    def delete_before(self) -> None:
        """Take all before the cursor away."""
        self._cut(0, self.at)

    def delete_behind(self) -> None:
        """Take all behind the cursor away."""
        self._cut(self.at, len(self.text))

    def left(self) -> None:
        """Go one character to the left."""
        self.at = max(0, self.at - 1)

    def right(self) -> None:
        """Go one character to the right."""
        self.at = min(len(self.text), self.at + 1)

    def home(self) -> None:
        """Go to the beginning."""
        self.at = 0

    def end(self) -> None:
        """Go to the end."""
        self.at = len(self.text)


_EDITS = {
    "backspace": Entry.backspace,
    "ctrl+h": Entry.backspace,
    "delete": Entry.delete,
    "ctrl+d": Entry.delete,
    "ctrl+w": Entry.delete_word,
    "ctrl+u": Entry.delete_before,
    "ctrl+k": Entry.delete_behind,
    "left": Entry.left,
    "ctrl+b": Entry.left,
    "right": Entry.right,
    "ctrl+f": Entry.right,
    "home": Entry.home,
    "ctrl+a": Entry.home,
    "end": Entry.end,
    "ctrl+e": Entry.end,
}
