"""What all hosts of a fleet share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.fleet.changes import Changes
from kvmtui.fleet.chronicle import Chronicle
from kvmtui.fleet.events import EventLog
from kvmtui.fleet.recent import Recent
from kvmtui.fleet.table import VmTable
from kvmtui.fleet.tags import TagRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.config.structs import Periods
    from kvmtui.fleet.trouble import Twin

LATE_LEAST_S = 10.0
"""Age from which a host that is up counts as late, however short its period."""
FIGURES_LATE_LEAST_S = 45.0
"""Age from which figures count as old, however short their period."""


class Shared:
    """Table, logs, clock and rules. ``twins`` says of (host, UUID) where else that UUID is, ``same_as`` of a host by
    which name it stands in the config before, "" for none."""

    def __init__(
        self,
        periods: Periods,
        clock: Callable[[], float],
        twins: Callable[[str, str], tuple[Twin, ...]],
        same_as: Callable[[str], str],
    ) -> None:
        self.table = VmTable()
        self.hosts_changes: Changes[str] = Changes()
        self.recent = Recent()
        self.tags = TagRules({})
        self.periods = periods
        self.clock = clock
        self.twins = twins
        self.events = EventLog(clock())
        self.chronicle = Chronicle(self.events, clock, twins, same_as)

    def is_past(self, at: float, known_at: float) -> bool:
        """Say whether something read ``at`` is older than what is known; not so if our clock was set back since."""
        return at < known_at <= self.clock()

    @property
    def late_after_s(self) -> float:
        """Age from which what a host said of its VMs' states is stale."""
        return max(LATE_LEAST_S, 3 * self.periods.state_s)

    @property
    def figures_late_after_s(self) -> float:
        """Age from which a VM's figures are old."""
        return max(FIGURES_LATE_LEAST_S, 3 * self.periods.others_s)
