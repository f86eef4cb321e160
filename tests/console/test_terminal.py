"""The console on a real pty: what it sends, what it takes, how it leaves."""

from __future__ import annotations

import os
import re
import signal
import termios
import time
from pathlib import Path

import pytest

from kvmtui.console.start import check_terminal
from kvmtui.console.terminal import speaks_utf8
from kvmtui.errors import UsageError
from kvmtui.wire.messages import MakePlan, OpenWindow, Submit
from tests.console.fake_worker import FakeWorker, small_fleet
from tests.console.seats import Seat, seated
from tests.console.tour import STOPS


@pytest.fixture
def worker(tmp_path: Path) -> FakeWorker:
    """A worker with the fleet of the pictures, not started."""
    worker = FakeWorker(tmp_path)
    worker.now = time.time()
    small_fleet(worker)
    return worker


def _left_clean(seat: Seat) -> None:
    """The last that was sent gives the screen, the cursor and the modes back."""
    sent = bytes(seat.terminal.received)
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"), (b"\x1b[?2004h", b"\x1b[?2004l")):
        assert sent.rfind(off) > sent.rfind(on)
    assert sent.rfind(b"\x1b[?7h") > sent.rfind(b"\x1b[?7l")
    assert b"Traceback" not in sent


def test_q_leaves_a_clean_terminal(worker: FakeWorker) -> None:
    """Screen, cursor, modes and line settings as they were; exit code 0; nothing is said."""
    with seated(worker) as seat:
        before = termios.tcgetattr(seat.terminal.fd)
        seat.see("web-01")
        seat.type("q")
        assert seat.wait() == 0
        _left_clean(seat)
        assert termios.tcgetattr(seat.terminal.fd) == before
        assert bytes(seat.terminal.received).endswith(b"\x1b[?25h\x1b[?1004l")


def test_what_goes_on_is_said_after_leaving(worker: FakeWorker) -> None:
    """On the terminal, where it stays."""
    with seated(worker) as seat:
        seat.see("web-01")
        seat.press("/", *"web-01", "\r", "a", "d", "y")
        seat.until(lambda: worker.asked(Submit))
        seat.see("⟳ shut down web-01")
        seat.type("q")
        assert seat.wait() == 0
        tail = bytes(seat.terminal.received).rpartition(b"\x1b[?1049l")[2]
        assert b"1 task goes on: shutdown web-01" in tail


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly(worker: FakeWorker, number: signal.Signals) -> None:
    """Told to end, it leaves the terminal as it found it."""
    with seated(worker) as seat:
        seat.see("web-01")
        os.kill(seat.terminal.pid, number)
        assert seat.wait() == 0
        _left_clean(seat)


def test_a_terminal_that_closes_ends_it(worker: FakeWorker, tmp_path: Path) -> None:
    """Nothing is left behind: no process, no trace."""
    with seated(worker) as seat:
        seat.see("web-01")
        os.close(seat.terminal.fd)
        seat.terminal.is_closed = True
        began = time.monotonic()
        seat.wait()
        assert time.monotonic() - began < 5
    assert not (tmp_path / "console.log").exists()


def test_a_terminal_that_does_not_read_stops_nothing(worker: FakeWorker) -> None:
    """Told to end while the terminal takes nothing, it ends all the same."""
    with seated(worker) as seat:
        seat.see("web-01")
        seat.type("jk" * 2_000)
        for _ in range(50):
            seat.type("?")
            seat.type("q")
            time.sleep(0.01)
        os.kill(seat.terminal.pid, signal.SIGTERM)
        began = time.monotonic()
        assert seat.wait(read=False) == 0
        assert time.monotonic() - began < 5


def test_a_burst_does_nothing_and_says_so(worker: FakeWorker) -> None:
    """`easy` sent at once would shut a VM down if it were typed."""
    with seated(worker) as seat:
        seat.see("web-01")
        seat.type("easy")
        seat.see("4 characters came at once (easy)")
        seat.type("\x1b[200~ady\x1b[201~")
        seat.see("3 characters came at once (ady)")
        assert not worker.asked(MakePlan)


def test_a_torn_escape_sequence_does_nothing(worker: FakeWorker) -> None:
    """The arrow key of a slow line, in two pieces."""
    with seated(worker) as seat:
        seat.see("web-01")
        seat.forget()
        seat.type("\x1b")
        time.sleep(0.15)
        seat.type("[A")
        seat.type("\x1b")
        time.sleep(0.15)
        seat.type("O")
        time.sleep(0.02)
        seat.type("P")
        time.sleep(0.1)
        seat.press("j", "?")
        seat.see("Keys everywhere")
        assert "at once" not in seat.shown()
        assert not worker.asked(MakePlan)


def test_arrows_and_pages_work(worker: FakeWorker) -> None:
    """As terminals send them."""
    with seated(worker) as seat:
        seat.see("web-01")
        seat.forget()
        seat.press("\x1b[B")
        seat.see("▸? cache-11")
        seat.press("\x1bOB")
        seat.see("▸• mail")
        seat.press("\x1b[6~")
        seat.see("▸• 日本語")


def test_no_color_means_it(worker: FakeWorker) -> None:
    """No colour of any kind, on any screen."""
    with seated(worker, environ={"NO_COLOR": "1"}) as seat:
        seat.see("web-01")
        seat.press("j", "j", "a", "d", "y", *(key for keys in STOPS for key in keys), "o")
        seat.see("order by")
        codes = {
            code for run in re.findall(rb"\x1b\[([0-9;]*)m", bytes(seat.terminal.received)) for code in run.split(b";")
        }
        assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}


def test_a_wrong_choice_stops_nothing(worker: FakeWorker, tmp_path: Path) -> None:
    """Of a theme and of keys: both are said, what suits the terminal is used."""
    (tmp_path / "kvmtui").mkdir()
    (tmp_path / "kvmtui" / "keys.yaml").write_text("main.zooom: f5\nlist.down: [e]\n")
    with seated(worker, environ={"KVMTUI_THEME": "drak"}) as seat:
        seat.see("web-01")
        seat.see("did you mean main.zoom?")
        seat.see("drak: not used, but dark")
        seat.forget()
        seat.press("e")
        seat.see("▸? cache-11")
        assert seat.leave() == 0


def test_sixteen_colours_are_the_terminals_own(worker: FakeWorker) -> None:
    """No 24-bit codes where the terminal has sixteen."""
    with seated(worker, environ={"TERM": "linux", "COLORTERM": ""}) as seat:
        seat.see("web-01")
        assert not re.search(rb"[34]8;[25];", bytes(seat.terminal.received))


def test_other_locales_get_ascii(worker: FakeWorker) -> None:
    """Lines, glyphs, graphs and names."""
    with seated(worker, environ={"LANG": "C", "LC_ALL": "C"}) as seat:
        seat.see("web-01")
        seat.press("j", "j", "a", "d", "y", *(key for keys in STOPS for key in keys), "o")
        seat.see("order by")
        seat.see("Keys everywhere")
        seat.see("domain type='kvm'")
        assert bytes(seat.terminal.received).isascii()


def test_it_follows_the_size_of_the_terminal(worker: FakeWorker) -> None:
    """Live, and never by an exported COLUMNS."""
    import fcntl
    import struct

    with seated(worker, environ={"COLUMNS": "40", "LINES": "10"}) as seat:
        seat.see("1 hosts")
        seat.see("└──")
        seat.forget()
        fcntl.ioctl(seat.terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        seat.see("2 vms")
        seat.until(lambda: "┌" not in seat.shown()[-1500:])
        counts = [r.query.count for r in worker.asked(OpenWindow) if r.window == 2]
        assert counts[0] > counts[-1]


def test_a_dumb_terminal_is_refused_with_a_hint(worker: FakeWorker) -> None:
    """Plainly, without a sequence."""
    with seated(worker, environ={"TERM": "dumb"}) as seat:
        assert seat.wait() == 2
        sent = bytes(seat.terminal.received)
        assert b"kvmtui ls" in sent
        assert b"\x1b" not in sent


def test_no_terminal_is_refused_with_a_hint() -> None:
    """In a pipe."""
    with pytest.raises(UsageError, match="needs a terminal"):
        check_terminal({"TERM": "xterm"})


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({}, True),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, False),
        ({"LANG": "en_US.ISO-8859-1"}, False),
    ],
)
def test_the_locale_tells_the_encoding(environ: dict[str, str], utf8: bool) -> None:
    """One that says nothing speaks UTF-8."""
    assert speaks_utf8(environ) is utf8
