"""What is true of the fleet, found by one rule for each check of ``model.checks``."""

from kvmtui.fleet.findings.board import RULES, Board

__all__ = ["RULES", "Board"]
