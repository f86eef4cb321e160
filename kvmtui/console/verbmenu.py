"""The menu of verbs: what could be done to which VMs, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kvmtui.actions import VERBS
from kvmtui.console import desk
from kvmtui.console.present.cells import Line, Span
from kvmtui.console.sheets import Choice, Menu
from kvmtui.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvmtui.actions import Verb
    from kvmtui.model.job import How
    from kvmtui.wire.messages import Eligible


_TASK = "0"
"""The key of the whole task, where a VM is that of a step: no verb has a digit."""


class Aim(NamedTuple):
    """Which VMs are meant: one by its address, or the marked ones; with what the verb is given beyond them."""

    targets: tuple[tuple[str, str], ...] = ()
    """(host, UUID)."""
    marks: tuple[str, ...] = ()
    """UUIDs; those that the list hides are left out, unless ``hidden``."""
    hidden: bool = False
    filter: str = ""
    """Instead of both: those that match it."""
    given: dict[str, str] | None = None
    """None: it is asked for yet."""
    how: How | None = None
    """How the job goes through them; None: as the config says."""
    window: int = desk.VMS
    """The window in whose list marks are visible."""


class Subject(NamedTuple):
    """VMs that the menu may be about."""

    aim: Aim
    words: Line
    """Which they are."""
    why_not: dict[str, str]
    """Verb -> why it cannot be done, as far as it is known before the worker has said."""


class VerbMenu(Menu):
    """Fixed letters. Where both marked VMs and the row under the cursor could be meant, it asks which first."""

    def __init__(
        self, subjects: Sequence[Subject], chosen: Callable[[Verb, Aim], None], closed: Callable[[], None],
        ask: Callable[[VerbMenu, Aim], None], only: Verb | None = None, task: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """``chosen`` is told verb and VMs; ``ask`` is to have the worker asked for learn(), once it is known which.

        ``only``: the verb is chosen already, and it is only asked which VMs are meant. ``task`` opens the menu of the
        whole task, where a step of one is under the cursor.
        """
        self._only = only
        self._task = task
        self._subjects = subjects
        self._subject: Subject | None = None
        self._eligible: Eligible | None = None
        self._ask = ask
        self._done = chosen
        super().__init__((), [], self._verb_chosen, closed)
        if len(subjects) == 1:
            self._take(subjects[0])

    def _take(self, subject: Subject) -> None:
        self._subject = subject
        if self._only is not None:
            self._done(self._only, subject.aim)
        else:
            self._ask(self, subject.aim)

    def learn(self, aim: Aim, eligible: Eligible) -> None:
        """Take in what the worker says could be done to the VMs of ``aim``."""
        if self._subject is not None and self._subject.aim == aim:
            self._eligible = eligible

    def _verb_chosen(self, choice: Choice) -> None:
        if choice.key == _TASK and self._task is not None:
            self._task()
            return
        assert self._subject is not None
        verb = next(verb for verb in VERBS.values() if verb.key == choice.key)
        self._done(verb, self._subject.aim)

    def lines(self, width: int) -> list[Line]:
        if self._subject is None:
            self._title = self._which()
        else:
            self._title = (Span("act on ", "title"), *self._subject.words)
            if self._eligible is not None and self._eligible.hidden:
                self._title = (
                    *self._title,
                    Span(f" · {plural(self._eligible.hidden, 'hidden mark')} left out", "warn"),
                )
        self._choices = [self._choice(verb) for verb in VERBS.values() if self._only in {None, verb}]
        if self._task is not None:
            self._choices.append(Choice(_TASK, "the whole task", hint="Pause it, undo it, retry what failed, …"))
        return super().lines(width)

    def _which(self) -> Line:
        line: Line = (Span(f"{self._only.title if self._only else 'act on'} which?", "warn"),)
        for number, subject in enumerate(self._subjects, 1):
            line = (*line, Span(f"   {number}", "key"), Span(" "), *subject.words)
        return line

    def _choice(self, verb: Verb) -> Choice:
        if self._subject is None:
            keys = " or ".join(str(number) for number in range(1, len(self._subjects) + 1))
            return Choice(verb.key, verb.title, why_not=f"say first which: {keys}")
        eligible = self._eligible
        if eligible is None:
            return Choice(verb.key, verb.title, why_not=self._subject.why_not.get(verb.id, ""), hint=verb.help)
        ready = eligible.ready.get(verb.id, 0)
        if not ready:
            return Choice(verb.key, verb.title, why_not=eligible.why.get(verb.id, "cannot be done now"))
        some = f"{ready} of {eligible.total} · " if eligible.total > 1 else ""
        return Choice(verb.key, verb.title, hint=some + verb.help)

    def press(self, key: str, at: float) -> None:
        if self._subject is None and key.isdigit() and 1 <= int(key) <= len(self._subjects):
            self._note = ""
            self._take(self._subjects[int(key) - 1])
            return
        super().press(key, at)
