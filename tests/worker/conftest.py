"""Fixtures of the worker's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home with no config yet."""
    with Home(tmp_path) as it:
        yield it
