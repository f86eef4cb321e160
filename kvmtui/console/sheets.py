"""What lies over a page for a while, with keys of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console.editing import Entry
from kvmtui.console.present.cells import Line, Span, fit_line, line_width, wrap
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.console.notices import Notice

_NOTICE_LINES = 4
"""Most lines of one thing that is said."""
_WRONG_LINES = 3
"""Most lines of what is said of a mistake in what is typed."""
_CHOICES_LINES = 16
"""Most lines of a menu's choices: where two each make more, they have one, so that a small screen keeps its title."""


class Sheet:
    """A menu, an input or a question. Knows no terminal: keys in, lines out."""

    entry: Entry | None = None
    """What is being typed, where something is."""
    is_menu = False
    """One key chooses: keys that came in a burst have not chosen it."""

    def lines(self, width: int) -> list[Line]:
        """Return what to show, from top to bottom."""
        raise NotImplementedError

    def press(self, key: str, at: float) -> None:
        """Take a key (by our name) that arrived at ``at``, monotonic seconds."""
        raise NotImplementedError

    def paste(self, text: str) -> None:
        """Take pasted text."""
        if self.entry is not None:
            self.entry.insert(text)

    def shown(self, at: float) -> None:
        """What ``lines`` gave last is on the screen since ``at``, monotonic seconds."""

    def tick(self) -> None:
        """A second has passed."""


class Choice:
    """One line of a menu."""

    def __init__(self, key: str, word: str, why_not: str = "", hint: str = "") -> None:
        self.key = key
        self.word = word
        self.why_not = why_not
        """Why it cannot be chosen now; "" if it can."""
        self.hint = hint


class Menu(Sheet):
    """Letters and what they choose. What cannot be chosen stays in its place, greyed, with the reason."""

    is_menu = True

    def __init__(
        self,
        title: Line,
        choices: Sequence[Choice],
        chosen: Callable[[Choice], None],
        closed: Callable[[], None],
        *,
        across: bool = False,
    ) -> None:
        """``across``: choices stand side by side; else each has a line with its hint."""
        self._title = title
        self._choices = list(choices)
        self._chosen = chosen
        self._closed = closed
        self._across = across
        self._note = ""

    def lines(self, width: int) -> list[Line]:
        lines: list[Line] = [rule(width), fit_line((Span(" "), *self._title), width)]
        if self._across:
            lines += self._columns(width)
        else:
            each = [self._lines_of(choice, width, 2) for choice in self._choices]
            if sum(map(len, each)) > _CHOICES_LINES:
                each = [self._lines_of(choice, width, 1) for choice in self._choices]
            lines += [line for lines_of in each for line in lines_of]
        note = self._note or "esc: nothing is done"
        return [*lines, fit_line((Span(f" {note}", "warn" if self._note else "faint"),), width)]

    def _lines_of(self, choice: Choice, width: int, most: int) -> list[Line]:
        """Return a choice with what is said of it, in ``most`` lines at most."""
        role = "faint" if choice.why_not else ""
        head = (Span(f"   {choice.key}", role or "key"), Span(f"  {choice.word:<18}", role or "text"))
        first, *more = wrap(choice.why_not or choice.hint, max(10, width - line_width(head)), most)
        below = [(Span(" " * line_width(head)), Span(text, "faint")) for text in more]
        return [fit_line(line, width) for line in ((*head, Span(first, "faint")), *below)]

    def _columns(self, width: int) -> list[Line]:
        cell = 3 + max((width_of(choice.word) for choice in self._choices), default=1) + 2
        across = max(1, (width - 2) // cell)
        down = -(-len(self._choices) // across)
        lines = []
        for row in range(down):
            spans: list[Span] = [Span("  ")]
            for choice in self._choices[row::down]:
                spans += [Span(f" {choice.key}", "key"), Span(f" {choice.word}".ljust(cell - 2))]
            lines.append(fit_line(spans, width))
        return lines

    def press(self, key: str, at: float) -> None:
        if key in {"escape", "q", "ctrl+c"} and all(choice.key != key for choice in self._choices):
            self._closed()
            return
        for choice in self._choices:
            if choice.key == key:
                if choice.why_not:
                    self._note = f"{choice.word}: {choice.why_not}"
                else:
                    self._chosen(choice)
                return
        if self._note:  # what follows a letter that was refused was not meant for the menu
            self._closed()


class Verdict(NamedTuple):
    """What is to be said of a line that is typed, as it is."""

    wrong: str = ""
    """In words; "" if nothing is wrong."""
    at: range = range(0)
    """Characters at fault."""
    said: str = ""
    """What it shows, or would show: "12 of 388"."""
    note: str = ""
    """What is shown meanwhile, where something is wrong."""


FILTER_HINT = "web host:kvm1 state:paused cpu>80 !tag:x  ·  enter keeps it, esc takes it back"


class FilterEntry(Sheet):
    """What is looked for, as it is typed."""

    def __init__(
        self,
        name: str,
        text: str,
        changed: Callable[[str], None],
        closed: Callable[[bool], None],
        verdict: Callable[[], Verdict],
        hint: str = FILTER_HINT,
    ) -> None:
        """``name`` says what is filtered. ``changed`` is told every change; ``closed`` whether it is kept. ``verdict``
        gives what is to be said of it now."""
        self.entry = Entry(text)
        self._prompt = f" {name} / "
        self._changed = changed
        self._closed = closed
        self._verdict = verdict
        self._hint = hint

    def lines(self, width: int) -> list[Line]:
        assert self.entry is not None
        return [rule(width), *typed_lines(self.entry, self._prompt, self._verdict(), self._hint, width)]

    def press(self, key: str, at: float) -> None:
        assert self.entry is not None
        if key == "enter" and self._verdict().wrong:
            return  # what is wrong stays, to be mended
        if key in {"enter", "escape", "ctrl+c"}:
            self._closed(key == "enter")
            return
        before = self.entry.text
        if self.entry.press(key) and self.entry.text != before:
            self._changed(self.entry.text)

    def paste(self, text: str) -> None:
        assert self.entry is not None
        self.entry.insert(text)
        self._changed(self.entry.text)


def typed_lines(entry: Entry, prompt: str, verdict: Verdict, hint: str, width: int) -> list[Line]:
    """Return what is typed behind its prompt, with what is to be said of it below; ``hint`` where nothing is wrong.

    Marks stand under the characters at fault. Words that do not fit behind the marks have lines of their own.
    """
    lead = width_of(prompt)
    room = max(1, width - lead - width_of(verdict.said) - 2)
    typed, offset = entry_spans(entry, room)
    first = fit_line((Span(prompt, "key"), *fit_line(typed, room), Span(f" {verdict.said}", "faint")), width)
    if not verdict.wrong:
        return [first, fit_line((Span(f" {hint}", "faint"),), width)]
    begin, end = max(offset, verdict.at.start), max(offset, verdict.at.stop)
    before = min(width_of(entry.text[offset:begin]), room - 1)
    marks = " " * (lead + before) + "^" * max(1, min(width_of(entry.text[begin:end]), room - before))
    if width_of(marks) + 1 + width_of(verdict.wrong) <= width:
        told = [fit_line((Span(marks, "bad"), Span(f" {verdict.wrong}", "bad")), width)]
    else:
        told = [fit_line((Span(marks, "bad"),), width)]
        told += [fit_line((Span(f" {line}", "bad"),), width) for line in wrap(verdict.wrong, width - 1, _WRONG_LINES)]
    if verdict.note:
        told.append(fit_line((Span(f" {verdict.note}", "faint"),), width))
    return [first, *told]


def entry_spans(entry: Entry, room: int, role: str = "text") -> tuple[Line, int]:
    """Return what is typed with its cursor, in at most ``room`` cells, and the first character shown."""
    offset = 0
    while offset < entry.at and width_of(entry.text[offset : entry.at]) >= room:
        offset += max(1, (entry.at - offset) // 8)
    under = entry.text[entry.at : entry.at + 1] or " "
    return (
        Span(entry.text[offset : entry.at], role),
        Span(under, "entry"),
        Span(entry.text[entry.at + 1 :], role),
    ), offset


def notice_lines(notice: Notice, width: int, height: int) -> list[Line]:
    """Return a notice in as many lines as it needs, on a page of ``height`` lines."""
    lines = list(wrap(notice.text, width - 2, _NOTICE_LINES))
    for text in notice.more:
        lines += wrap(f"  {text}", width - 2, _NOTICE_LINES)
    most = max(_NOTICE_LINES, height * 2 // 3)
    if len(lines) > most:
        lines = [*lines[: most - 1], "  …"]
    return [fit_line((Span(f" {line}", notice.role),), width) for line in lines]


def rule(width: int) -> Line:
    """Return the line above a sheet."""
    return (Span("─" * width, "focus"),)
