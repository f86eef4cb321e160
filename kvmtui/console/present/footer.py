"""The last line: the keys that matter now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.console.keys import Action, spelled
from kvmtui.console.present.cells import Line, Span, fit_line
from kvmtui.text import width as width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def footer(actions: Iterable[Action], width: int, words: Mapping[str, str] | None = None) -> Line:
    """Return the keys of ``actions``, most important first, as many as fit, in exactly ``width`` cells.

    ``words`` has other words than the table's for some actions ("detail" is "VMs" for a host).
    """
    items = []
    for action in actions:
        word = (words or {}).get(action.id, action.footer)
        if word and action.keys:
            key = spelled(action.keys[0])
            cells = width_of(key) + width_of(word) + 3
            items.append((action.context == "everywhere", cells, (Span(key, "key"), Span(f" {word}  ", "faint"))))
    left = width + 1 - sum(cells for everywhere, cells, _ in items if everywhere)
    spans: list[Span] = [Span(" ")]
    for everywhere, cells, drawn in items:
        if everywhere or cells <= left:
            spans += drawn
            left -= 0 if everywhere else cells
        else:
            left = 0
    return fit_line(spans, width)
