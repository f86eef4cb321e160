"""Names or texts from outside that want to move the terminal: on every screen, by what reaches it."""

from __future__ import annotations

import codecs
import re
import time
import unicodedata
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from kvmtui.console import theme
from kvmtui.console.app import Console
from kvmtui.console.preferences import Preferences
from kvmtui.console.present.frame import WIDE
from kvmtui.errors import WorkerError
from kvmtui.model.audit import AuditRow
from kvmtui.model.event import Event, EventKind
from kvmtui.model.finding import Finding
from kvmtui.model.host import Host, LinkState, Summary
from kvmtui.model.job import Job, JobState
from kvmtui.model.vm import Vm, VmState
from kvmtui.wire.line import Line
from kvmtui.wire.messages import GetDetail, MakePlan, OpenWindow, Submit
from tests.console.desks import Desk
from tests.console.fake_worker import FakeWorker
from tests.console.paper import TORN, Paper
from tests.console.seats import Seat, seated
from tests.console.tour import HOME, STOPS

HOSTILE = {
    "markup": "[bold red]x[/] [/] [@click=app.quit]y[/]",
    "escapes": "\x1b[2J\x1b[31mred\x1bc\x1b]0;title\x07\x1bP1$r\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x9d52;c;eA==\x9c\x90q\x9c",
    "controls": "a\rb\nc\bd\x00e\x7ff\t\x0e\x0f",
    "bidi": "\u202eevil\u2066x\u200f",
    "zero width": "a\u200b\u200d\ufeff\u2060b" + "e\u0301\u0301\u0301\u0301\u0301",
    "emoji": "👩‍👩‍👧‍👦👍🏽❤️🇩🇪",
    "wide": "日本語한국어" * 4,
    "towers": ("z" + "\u0489\u0e31\u0301\u20dd" * 30) * 20,
    "scripts": "हिन्दी தமிழ் ภาษา עברית العربية \u1112\u1161\u11ab ䷀☰",
    "private": "\ue000\U000f0000\ufffe",
    "blank": "\u3164\u2800\u00a0 \u3000",
    "long": "x" * 10_000,
    "long and wide": "中" * 10_000,
}
_OURS = re.compile(r"\x1b\[[0-9;?<>=]*[$]?[A-Za-z]|\x1b\]22;[a-z]+\x07|\x1b\]52;c;(?P<copied>[A-Za-z0-9+/=]*)\x07")
_OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
        worker.events += [
            Event(id=f"{number}", at=worker.now - number, host=text, name=text, kind=EventKind.TROUBLE, text=text,
                  severity=number % 5)
        ]  # fmt: skip
        worker.findings += [
            Finding(id=f"{number}", check=text, host=text, name=text, text=text, remedy=text, filter=text)
        ]
        worker.audit += [
            AuditRow(id=f"9{number}", at=worker.now, user=text, origin=text, phase=text, verb=text, name=text,
                     host=text, outcome=text, text=text, words=text, job=text, parameters=text, plan=text,
                     hash=text, severity=3)
        ]  # fmt: skip
        worker.audit_said = (text, 4)
        worker.jobs += [
            Job(id=f"k{number}", verb=text, by=text, state=JobState.FAILED, total=1, started=worker.now, subject=text,
                text=text)
        ]  # fmt: skip
    text = " ".join(text[:200] for text in texts)
    worker.summary = Summary(name=text, troubles=((text, 4),), troubles_total=1, notice=text, hosts_total=2)
    worker.changes = {"why": text, "looks": tuple(texts), "undo": text, "virsh": tuple(texts)}
    return worker


class _Onlooker:
    """Draws what reaches a pty, and looks at it."""

    def __init__(self, seat: Seat, size: tuple[int, int]) -> None:
        self.paper = Paper(*size)
        self.sent = ""
        self._seat = seat
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._rest = ""

    def look(self) -> str:
        """Return what is on the screen."""
        self._seat.read()
        text = self._decode(bytes(self._seat.terminal.received))
        self._seat.terminal.received.clear()
        self.sent += text
        self._rest = self.paper.draw(self._rest + text)
        return "\n".join(self.paper.shown())

    def see(self, words: str) -> None:
        """Look until these words are on the screen."""
        self._seat.until(lambda: words in self.look())

    def finds_it_straight(self) -> bool:
        """Whether no character lies in pieces, and right edges stand one below the other, from below what heads a
        page down to menus."""
        shown = self.look().split("\n")
        edges = "".join("|" if line[-1] in "│┃┐┘" else " " for line in shown[1:-1]).strip()
        is_framed = self.paper.columns >= WIDE
        return not any(TORN in line for line in shown) and (not is_framed or (bool(edges) and " " not in edges))

    def finds_it_straight_after(self, key: str) -> None:
        """Look until it is. Fails with what is there instead."""
        try:
            self._seat.until(self.finds_it_straight)
        except TimeoutError:
            raise AssertionError(f"crooked after {key!r}:\n{self.look()}") from None

    def is_clean(self) -> None:
        """Nothing but what may be printed is left of what was sent, once our own sequences are taken out."""
        for found in _OURS.finditer(self.sent):
            _is_printable(b64decode(found["copied"] or "").decode().replace("\n", ""))
        _is_printable(_OURS.sub("", self.sent).replace("\r\n", ""))


def _is_printable(text: str) -> None:
    for character in set(text):
        assert unicodedata.category(character) not in _OBEYED, f"{character!r} reached the terminal"


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "narrow"])
def test_no_control_byte_of_theirs_reaches_the_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    """On any screen, in menus, questions, outcomes; and whatever is shown takes the cells that terminals give it."""
    texts = list(HOSTILE.values())
    worker = _hostile_worker(tmp_path, texts)
    with seated(worker, size) as seat:
        onlooker = _Onlooker(seat, size)
        onlooker.see("vms")
        seat.press("j", "k", "a", "d")
        seat.until(lambda: worker.asked(MakePlan))
        onlooker.see("type y")
        seat.press("v", "y")
        seat.until(lambda: worker.asked(Submit))
        seat.press("t")
        onlooker.see("k0")
        seat.press("\r")
        seat.until(lambda: any(request.query.resource == "steps" for request in worker.asked(OpenWindow)))
        seat.press(*HOME)
        for keys in STOPS:
            for key in keys:
                seat.press(key)
                onlooker.finds_it_straight_after(key)
        assert worker.asked(GetDetail)
        pasted = f"\x1b[200~{' '.join(texts)[:3000]}\x1b[201~"
        seat.press("/", pasted)
        onlooker.finds_it_straight_after("a paste into the filter")
        seat.press("\x03")
        seat.type(pasted)
        onlooker.see("at once")
        onlooker.finds_it_straight_after("a paste into nothing")
        onlooker.is_clean()
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
