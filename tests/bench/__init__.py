"""Figures: what kvmtui takes beside a reference, measured in the same run."""
