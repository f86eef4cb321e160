"""The line behind ``:``, from its first letter to what it does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmtui.actions import told
from kvmtui.console.memory import with_command
from kvmtui.console.palette import Offer, Palette, rank
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens.commands import Command, commands
from kvmtui.console.sheets import Verdict
from kvmtui.errors import ConfigError, FilterError, KvmtuiError, UsageError
from kvmtui.model.columns import COLUMNS, Kind
from kvmtui.model.host import LinkState
from kvmtui.model.vm import VmState
from kvmtui.text import clean
from kvmtui.wire.messages import ListRows, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmtui.console.screens.page import Page

OFFERS_MAX = 1_000
_PLAIN = re.compile(r"[^\s!():~<>=\"]+")
"""A word that asks for no field."""


class CommandLine:
    """One line that is being typed on a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._commands = commands(page)
        self._verdict = Verdict()
        self._asked = ""
        """The line that the worker was asked about last."""

    def open(self) -> None:
        """Lay the line over the page."""
        history = self._page.console.memory.now.history
        palette = Palette(history, self._offers, self._typed, lambda: self._verdict, self._done, self._page.close_sheet)
        self._page.open_sheet(palette)

    # --- offers ------------------------------------------------------------------------------------------------

    def _offers(self, line: str) -> Sequence[Offer]:
        word, space, rest = line.lstrip().partition(" ")
        if not space:
            best: dict[Command, tuple[tuple[int, int, str], str]] = {}
            for said, c in self._commands.items():
                found = rank(word, said)
                if found is not None and (c not in best or (word and found < best[c][0])):
                    best[c] = (found, said)
            ranked = sorted(best.items(), key=lambda pair: pair[1][0]) if word else list(best.items())
            return [
                Offer(f"{said} " if c.takes else said, f"{said} {c.takes}".rstrip(), c.help) for c, (_, said) in ranked
            ][:OFFERS_MAX]
        command = self._commands.get(word)
        if command is None:
            return ()
        head, _, last = rest.rpartition(" ")
        lead = f"{word} {head} " if head else f"{word} "
        words = self._filter_words(command, last) if command.table else command.offers(self._page)
        ranked_words = [(found, each) for each in words if (found := rank(last, each)) is not None and each != last]
        return [Offer(lead + each, each, "") for _, each in sorted(ranked_words)][:OFFERS_MAX]

    def _filter_words(self, command: Command, last: str) -> Iterable[str]:
        """Return words that a filter could go on with: fields, then the values that are known of one.

        An act wants to know where to look for a word: in the name, most often.
        """
        resource = LOOKS[command.table].resource
        field, colon, _ = last.partition(":")
        if not colon and not last:
            return ()
        if not colon:
            in_name = [f"name:{last}", f"name~{last}"] if command.acts and _PLAIN.fullmatch(last) else []
            return in_name + [_field(column.id, column.kind) for column in COLUMNS[resource]]
        values: Iterable[str] = ()
        if field in {"host", "name"} and (field == "host" or resource == "hosts"):
            values = self._page.console.main.hosts.listing.keys()
        elif field == "state" and resource == "vms":
            values = [state.value.replace(" ", "") for state in VmState]
        elif field == "link":
            values = [state.value.replace(" ", "") for state in LinkState]
        return [f"{field}:{value}" for value in values]

    # --- what is typed -----------------------------------------------------------------------------------------

    def _typed(self, line: str) -> None:
        """Say at once what is wrong with a line, or what it would show."""
        word, space, rest = line.lstrip().partition(" ")
        command = self._commands.get(word)
        self._verdict = Verdict()
        self._asked = line
        if space and self._meant(word) is None:
            self._complain(word)
        elif command is not None and rest.strip() and not command.takes:
            self._verdict = Verdict(f"nothing follows {word}", range(len(line) - len(rest), len(line)))
        elif command is not None and command.table and rest.strip():
            self._page.console.work(self._try(line, command, rest))

    async def _try(self, line: str, command: Command, rest: str) -> None:
        query = Query(resource=LOOKS[command.table].resource, filter=rest, count=1)
        try:
            page = await self._page.console.feed.call(ListRows(query=query, for_act=command.acts))
            verdict = Verdict(said=f"{page.matched} of {page.total}")
        except FilterError as error:
            start = len(line) - len(rest) + error.offset
            words = error.text + (f" · {error.remedy}" if error.remedy else "")
            verdict = Verdict(words, range(start, start + max(1, error.length)))
        if self._asked == line:
            self._verdict = verdict
            self._page.refresh_overlay()

    def _done(self, line: str) -> None:
        """Do what the line says; what is wrong with it is told under the word, and it stays to be mended."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            self._page.close_sheet()
            return
        command = self._meant(word)
        if command is None or (rest.strip() and not command.takes):
            self._complain(word)
            return
        if command.table and rest.strip():
            self._page.console.work(self._do_checked(line, command, rest.strip()))
        else:
            self._do(line, command, rest.strip())

    async def _do_checked(self, line: str, command: Command, rest: str) -> None:
        await self._try(line, command, rest)
        if not self._verdict.wrong:
            self._do(line, command, rest)

    def _meant(self, word: str) -> Command | None:
        """Return the command of that word, or the only one that begins so and acts on nothing."""
        if word in self._commands:
            return self._commands[word]
        near = list({command for said, command in self._commands.items() if said.startswith(word)})
        return near[0] if len(near) == 1 and not near[0].acts else None

    def _complain(self, word: str) -> None:
        near = sorted(said for said in self._commands if said.startswith(word))
        if word in self._commands:
            wrong = f"nothing follows {word}"
        elif near:
            wrong = f"which? {', '.join(near[:6])}"
        else:
            wrong = f"there is no command {clean(word, 40)} · {told(clean(word, 40)) or 'tab offers what there is'}"
        self._verdict = Verdict(wrong, range(len(word)))

    def _do(self, line: str, command: Command, rest: str) -> None:
        console = self._page.console
        if self._page.sheet is not None:
            self._page.close_sheet()
        try:
            command.run(self._page, rest)
        except (UsageError, ConfigError) as error:
            console.say(f"✗ {command.word}: {_in_line(error)}", "bad", stays=False)
            return
        console.remember(with_command(clean(line.strip())))


def _in_line(error: KvmtuiError) -> str:
    return clean(str(error).replace("\n", " · "))


def _field(column: str, kind: Kind) -> str:
    """Return a field with the sign that follows it most."""
    return f"{column}:" if kind in {Kind.TEXT, Kind.STATE, Kind.LIST, Kind.FLAG} else f"{column}>"
