"""Takes the README's pictures of the console: ``python -m tests.console.pictures [FOLDER]``.

A real console on a real worker with the fleet of tests.console.scene: the same pictures until the console itself looks
otherwise.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.console import theme
from kvmtui.console.app import Console
from kvmtui.console.preferences import Preferences
from kvmtui.wire.line import Line, greeting
from tests.console import scene, svg
from tests.console.desks import Sitter

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parents[2] / ".github" / "pictures"
_LOOK = "dark"


class Step(NamedTuple):
    """Keys to press, by Textual's names or the characters they type, and what is to be read on the screen then."""

    keys: Sequence[str]
    shows: str


class Shot(NamedTuple):
    """One picture."""

    name: str
    columns: int
    lines: int
    title: str
    steps: tuple[Step, ...]


_WIDE = Step((), "peak 42 %")
_NARROW = Step((), "app-12")
_TO_CACHE = Step("jjj", "▸• cache-01")
_QUESTION = (
    Step("a", "act on cache-01"),
    Step("F", "Force off cache-01"),
    Step(("tab",), "virsh -c"),
    Step("cache", "enter: cache"),
)
SHOTS = (
    Shot("main-120x40", 120, 40, "The main screen: a host lost, a VM paused by a full disk", (_WIDE,)),
    Shot("main-80x24", 80, 24, "The same on 80 columns", (_NARROW,)),
    Shot(
        "question-120x40", 120, 40, "The question before a VM's power is cut",
        (_WIDE, _TO_CACHE, Step((), "3 cache-01"), *_QUESTION),
    ),
    Shot("question-80x24", 80, 24, "The same on 80 columns", (_NARROW, _TO_CACHE, *_QUESTION)),
    Shot(
        "detail-120x40", 120, 40, "A VM in detail: its figures of the last quarter of an hour",
        (_WIDE, _TO_CACHE, Step(("enter",), "pc-q35"), Step("ll", "peak 92 %")),
    ),
    Shot(
        "detail-80x24", 80, 24, "A VM in detail: what it is", (_NARROW, _TO_CACHE, Step(("enter",), "pc-q35")),
    ),
)  # fmt: skip


async def take(shots: Sequence[Shot] = SHOTS) -> dict[str, str]:
    """Return the pictures as SVG, by their names. Raises TimeoutError where the console does not come to show them."""
    with tempfile.TemporaryDirectory(prefix="kvmtui-pictures-") as folder:
        async with scene.worker(Path(folder)) as paths:
            return {shot.name: await _take(shot, paths.socket, Path(folder) / "console.log") for shot in shots}


async def _take(shot: Shot, socket: Path, log: Path) -> str:
    def dial() -> Line:
        line = Line(socket)
        line.greet(greeting("console"))
        return line

    look = theme.load(_LOOK)
    app = Console(dial, Preferences(look), log=log, clock=lambda: scene.END)
    async with app.run_test(size=(shot.columns, shot.lines)) as pilot:
        sitter = Sitter(app, pilot)
        for step in shot.steps:
            await sitter.press(*step.keys)
            await sitter.until_shown(step.shows)
        screen = app.screen._compositor.render_strips()
        return svg.draw(screen, shot.title, text=look.roles["text"], ground=look.grounds["base"].removeprefix("on "))


def main(folder: Path) -> None:
    """Write all pictures into ``folder``."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in asyncio.run(take()).items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
