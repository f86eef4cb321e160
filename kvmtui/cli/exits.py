"""The exit codes, which are a promise to scripts."""

from __future__ import annotations

DONE = 0
"""All done; of an act without --wait: accepted."""
FAILED = 1
"""Something failed."""
USAGE = 2
"""What was typed, or the config, cannot be so."""
REFUSED = 3
"""It may not happen, or was not confirmed: nothing was begun."""
UNKNOWN = 4
"""It may or may not have happened."""
INCOMPLETE = 5
"""Hosts are missing from what was printed."""
INTERRUPTED = 130
"""Ctrl-C."""
PIPE = 141
"""Who read the output is gone."""

MEANING = {
    DONE: "all done; without --wait: accepted",
    FAILED: "something failed",
    USAGE: "what was typed, or the config, cannot be so",
    REFUSED: "refused or not confirmed; of what was asked for, this part was not begun",
    UNKNOWN: "an outcome is unknown",
    INCOMPLETE: "the list is incomplete: hosts are missing",
}
"""Code -> words, as help and README tell them."""
