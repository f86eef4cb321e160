"""One measured figure, with its target, beside its reference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A line of the table that ``make bench`` prints."""

    what: str
    """What was measured, and under which load."""
    measured: str
    """Medians with their unit."""
    reference: str = ""
    """What it was measured beside, in the same run."""
    target: str = ""
    """What was to be reached."""
    reached: bool | None = None
    """None: there is nothing to reach."""

    def row(self) -> str:
        """Return the figure as a row of a Markdown table."""
        verdict = {True: "yes", False: "**no**", None: ""}[self.reached]
        return f"| {self.what} | {self.measured} | {self.reference} | {self.target} | {verdict} |"


HEADER = "| what | measured | beside it | to reach | reached |\n|---|---|---|---|---|"


def ms(seconds: float) -> str:
    """Return seconds as milliseconds, in words."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
