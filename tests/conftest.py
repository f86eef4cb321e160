"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test depends on how fast the machine is: examples may take as long as they take.
settings.register_profile("kvmtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kvmtui")
