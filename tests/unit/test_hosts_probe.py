"""The host's own figures out of /proc."""

from __future__ import annotations

import psutil
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.local import LocalLink
from kvmtui.hosts.probe import _COMMAND, parse, vitals
from kvmtui.hosts.uri import parse as parse_uri

OUTPUT = """\
==> /proc/stat <==
cpu  1000 20 300 8000 400 5 60 70 30 0
cpu0 1 2 3 4
==> /proc/meminfo <==
MemTotal:        8131312 kB
MemFree:          111111 kB
MemAvailable:    4065656 kB

==> /proc/loadavg <==
1.50 1.00 0.50 2/345 6789

==> /proc/pressure/cpu <==
some avg10=12.34 avg60=1.00 avg300=0.50 total=123456
full avg10=0.00 avg60=0.00 avg300=0.00 total=0

==> /proc/pressure/io <==
some avg10=0.07 avg60=0.00 avg300=0.00 total=1
"""


def test_figures_of_a_host() -> None:
    """Each figure from its file; a file that is missing (a kernel without PSI) leaves its figure out."""
    told = parse(OUTPUT, "kvm1", 12.0)
    assert (told.host, told.at) == ("kvm1", 12.0)
    assert (told.busy_ticks, told.total_ticks, told.steal_ticks) == (1455, 9855, 70)
    assert (told.mem_total_bytes, told.mem_available_bytes) == (8_131_312 * 1024, 4_065_656 * 1024)
    assert told.load_1m == 1.5
    assert (told.pressure_cpu_pct, told.pressure_mem_pct, told.pressure_io_pct) == (12.34, None, 0.07)


@given(st.text(max_size=300))
def test_junk_says_nothing(text: str) -> None:
    """Whatever a host writes, reading it never fails."""
    told = parse(text, "kvm1", 0.0)
    assert told.total_ticks is None or told.total_ticks >= 0


@given(st.data())
def test_damaged_output_says_what_is_left(data: st.DataObject) -> None:
    """Output with a piece cut out, doubled or replaced is read without fail, and never gives a figure out of range."""
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(OUTPUT)), st.integers(0, len(OUTPUT)))))
    piece = data.draw(st.sampled_from(["", "-", "9" * 400, "==> /proc/stat <==\n", "kB", "nan", "٣", "\x00", " "]))
    told = parse(OUTPUT[:start] + piece + OUTPUT[end:], "kvm1", 0.0)
    if told.total_ticks is not None:
        assert told.busy_ticks is not None
        assert 0 <= told.busy_ticks <= told.total_ticks
    for pressure in (told.pressure_cpu_pct, told.pressure_mem_pct, told.pressure_io_pct):
        assert pressure is None or 0 <= pressure <= 100


async def test_both_ways_to_read_this_machine_agree() -> None:
    """What is read for this machine is what its /proc would say over a link."""
    link = LocalLink("here", parse_uri("qemu:///system"))
    direct = await vitals(link, 1.0)
    ran = await link.run(_COMMAND)
    assert direct is not None
    far = parse(ran.out, "here", 1.0)
    assert direct.mem_total_bytes == far.mem_total_bytes == psutil.virtual_memory().total
    assert direct.total_ticks is not None
    assert far.total_ticks is not None
    # the ticks of one moment and the next, in hundredths of a second over all CPUs
    assert abs(direct.total_ticks - far.total_ticks) < 100 * 60 * (psutil.cpu_count() or 1)
    assert direct.load_1m is not None
    assert far.load_1m is not None
