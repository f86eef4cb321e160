"""The wheel that users install."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_wheel_holds_the_package_with_its_themes(tmp_path: Path) -> None:
    """Themes are part of the package, tests are not."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"kvmtui/themes/{theme.name}" for theme in (ROOT / "themes").glob("*.yaml")} <= names
    assert "kvmtui/themes/dark.yaml" in names
    assert not [name for name in names if not name.startswith("kvmtui")]
