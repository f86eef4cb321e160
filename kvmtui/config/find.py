"""Which config file is meant."""

from __future__ import annotations

import os
from pathlib import Path

from kvmtui import paths


def find(explicit: Path | None = None) -> Path | None:
    """Return the config that is meant, or None if there is none.

    In this order: ``explicit`` (``--config``), ``$KVMTUI_CONFIG``, ``./config.yaml``, ``config.yaml`` in the user's
    config folder. The first two are returned whether they exist or not: who names a file wants to hear of it.
    """
    if explicit is not None:
        return explicit.expanduser().absolute()
    if named := os.environ.get("KVMTUI_CONFIG"):
        return Path(named).expanduser().absolute()
    for candidate in (Path("config.yaml").absolute(), paths.config_home() / "config.yaml"):
        if candidate.exists():
            return candidate
    return None
