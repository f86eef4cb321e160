"""Writes the README's tables from what they tell of: ``python -m tests.readme``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from kvmtui.actions import VERBS
from kvmtui.cli import exits
from kvmtui.cli.arguments import COMMANDS
from kvmtui.console.keys import ACTIONS, CONTEXTS, spelled
from kvmtui.model.checks import CHECKS
from kvmtui.model.columns import COLUMNS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

README = Path(__file__).parents[1] / "README.md"

_BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_UNITS = {
    Kind.PCT: "%",
    Kind.BYTES: "bytes",
    Kind.BPS: "bytes/s",
    Kind.MS: "ms",
    Kind.TIME: "time",
    Kind.DURATION: "seconds",
    Kind.COUNT: "number",
    Kind.NUMBER: "number",
    Kind.FLAG: "true, false",
    Kind.LIST: "list of text",
}
"""Kinds of columns that are not text -> what stands in JSON."""
_DURATION = ("seconds", "from its beginning to its end, or to now")
_ADDED = {
    "age_s": ("seconds", "age of what is told, null if nothing was ever heard"),
    "demo": ("true, false", "the figures are invented"),
}
"""Fields of the rows that are no columns."""


def renewed(text: str) -> str:
    """Return a README with all its tables made anew. Raises KeyError for one that nothing is known of."""
    return _BLOCK.sub(lambda found: found[1] + "".join(f"{line}\n" for line in _made(found["name"])) + found[3], text)


def _made(name: str) -> Iterator[str]:
    if name.startswith("json-"):
        return _fields(name.removeprefix("json-"))
    made = {"verbs": _verbs, "keys": _keys, "exit-codes": _exit_codes, "commands": _commands, "checks": _checks}
    return made[name]()


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _verbs() -> Iterator[str]:
    head = ("keys", "act", "`kvmtui do`", "what it does", "to a VM that is", "virsh")
    rows = [
        (f"`a` `{v.key}`", v.title, f"`{v.id}`", v.help, ", ".join(sorted(v.applies)), f"`{v.virsh}`")
        for v in VERBS.values()
    ]
    return _table(head, rows)


def _keys() -> Iterator[str]:
    rows = [
        (
            " ".join(f"`{spelled(key)}`" for key in action.keys),
            action.help,
            CONTEXTS[action.context],
            f"`{action.name}`",
        )
        for context in CONTEXTS
        for action in ACTIONS
        if action.context == context
    ]
    return _table(("key", "does", "where", "name"), rows)


def _exit_codes() -> Iterator[str]:
    return _table(("code", "means"), [(f"`{code}`", words) for code, words in exits.MEANING.items()])


def _commands() -> Iterator[str]:
    return _table(("command", "does"), [(f"`kvmtui {name}`", words) for name, (_, words) in COMMANDS.items()])


def _checks() -> Iterator[str]:
    rows = [(f"`{check.id}`", check.help, check.remedy, check.needs) for check in CHECKS.values()]
    return _table(("check", "told when", "what to do", "goes by"), rows)


def _fields(resource: str) -> Iterator[str]:
    rows = [(f"`{column.id}`", _UNITS.get(column.kind, "text"), column.help) for column in COLUMNS[resource]]
    told = {column.id for column in COLUMNS[resource]}
    added = [(f"`{name}`", *words) for name, words in _ADDED.items() if name not in told]
    kept = added if resource not in {"jobs", "steps", "events", "findings", "audit"} else added[-1:]
    lasted = [("`duration_s`", *_DURATION)] if resource == "jobs" else []
    return _table(("field", "value", "meaning"), [*rows, *lasted, *kept])


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
