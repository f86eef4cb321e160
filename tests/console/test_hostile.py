"""Names or texts from outside that want to move the terminal: on every screen, by what reaches it."""

from __future__ import annotations

import re
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from kvmtui.console import theme
from kvmtui.console.app import Console
from kvmtui.console.preferences import Preferences
from kvmtui.errors import WorkerError
from kvmtui.model.host import Host, LinkState, Summary
from kvmtui.model.job import Job, JobState
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.line import Line
from kvmtui.wire.messages import GetDetail, GetJob, MakePlan, Submit
from tests.console.desks import Desk
from tests.console.fake_worker import FakeWorker
from tests.console.seats import Seat, seated

HOSTILE = {
    "markup": "[bold red]x[/] [/] [@click=app.quit]y[/]",
    "escapes": "\x1b[2J\x1b[31mred\x1bc\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x9d52;c;eA==\x9c\x90q\x9c",
    "controls": "a\rb\nc\bd\x00e\x7ff\t\x0e\x0f",
    "bidi": "\u202eevil\u2066x\u200f",
    "zero width": "a\u200b\u200d\ufeff\u2060b" + "e\u0301\u0301\u0301\u0301\u0301",
    "emoji": "👩‍👩‍👧‍👦👍🏽❤️🇩🇪",
    "wide": "日本語한국어" * 4,
    "private": "\ue000\U000f0000\ufffe",
    "long": "x" * 10_000,
    "long and wide": "中" * 10_000,
}
_OURS = re.compile(r"\x1b\[[0-9;?<>=]*[$]?[A-Za-z]|\x1b\]22;[a-z]+\x07")


def _hostile_worker(folder: Path, texts: list[str]) -> FakeWorker:
    """A worker all of whose words are hostile."""
    worker = FakeWorker(folder)
    worker.now = time.time()
    for number, text in enumerate(texts):
        fields: dict[str, Any] = {
            "host": "h", "name": text, "trouble": text, "severity": 2, "owner": text, "tags": (text, text),
            "state_reason": text, "job": text,
        }  # fmt: skip
        worker.hosts += [
            Host(name=text, uri=text, link=LinkState.NEEDS_YOU, link_reason=text, link_remedy=text, severity=3),
            Host(name=f"h{number}", uri=text, link=LinkState.UP, version=text, trouble=text, severity=1, tags=(text,)),
        ]
        worker.vms += [
            Vm(uuid=f"u{number}", state=VmState.RUNNING, seen=worker.now, **fields),
            Vm(uuid=f"v{number}", state=VmState.UNKNOWN, **fields),
            Vm(uuid=f"w{number}", state=VmState.PAUSED, **(fields | {"trouble": "", "severity": 0})),
        ]
        worker.jobs += [
            Job(id=f"k{number}", verb=text, by=text, state=JobState.FAILED, total=1, started=worker.now, subject=text,
                text=text)
        ]  # fmt: skip
    text = " ".join(text[:200] for text in texts)
    worker.summary = Summary(name=text, troubles=((text, 4),), troubles_total=1, notice=text, hosts_total=2)
    worker.changes = {"why": text, "looks": tuple(texts), "undo": text, "virsh": tuple(texts)}
    return worker


def _is_clean(seat: Seat) -> None:
    """Nothing but what may be printed is left of what was sent, once our own sequences are taken out."""
    sent = bytes(seat.terminal.received).decode()
    rest = _OURS.sub("", sent).replace("\r\n", "")
    assert "\x1b" not in rest
    for character in set(rest):
        category = unicodedata.category(character)
        assert category not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, f"{character!r} reached the terminal"


@pytest.mark.parametrize("part", range(3))
def test_no_control_byte_of_theirs_reaches_the_terminal(tmp_path: Path, part: int) -> None:
    """Rows, titles, metrics, menu, question, outcome, tasks, steps, detail with all tabs, filter, help."""
    texts = list(HOSTILE.values())[part::3]
    worker = _hostile_worker(tmp_path, texts)
    with seated(worker) as seat:
        seat.see("2 vms")
        seat.press("1", "j", "k", "2", "j", "k", "a", "d")
        seat.until(lambda: worker.asked(MakePlan))
        seat.see("type y")
        seat.press("v", "y")
        seat.until(lambda: worker.asked(Submit))
        seat.press("t", "j", "\r")
        seat.until(lambda: worker.asked(GetJob))
        seat.press("q", "2", "\r")
        seat.until(lambda: worker.asked(GetDetail))
        seat.press("l", "l", "l", "l", "q")
        seat.press("/", "x", "[", "/", "]", "\r", "/", "\x15", "\r", "o", "q", "?", "q", "f", "f", "z", "z")
        seat.type(f"\x1b[200~{' '.join(texts)[:3000]}\x1b[201~")
        seat.see("at once")
        _is_clean(seat)
        assert seat.leave() == 0
        assert b"Traceback" not in bytes(seat.terminal.received)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_lines_keep_their_width(tmp_path: Path, text: str) -> None:
    """Whatever the words of a worker that cannot be had: every line is as wide as the terminal."""

    def dial() -> Line:
        raise WorkerError(text, where=text, words=text, remedy=text)

    app = Console(dial, Preferences(theme.load("dark")))
    async with app.run_test(size=(80, 24)) as pilot:
        desk = Desk(app, pilot, FakeWorker(tmp_path))
        await desk.until(lambda: app.feed.trouble)
        await desk.press("?")
        lines = [strip.cell_length for strip in app.screen._compositor.render_strips()]
        assert lines == [80] * 24
